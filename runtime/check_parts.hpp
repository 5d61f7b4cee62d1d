// The parts of `check` that look at this machine, a topic a file.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/check.hpp"
#include "runtime/plan.hpp"
#include "sys/error.hpp"

namespace ocx::runtime {

/// Gathers findings. `written` tells where a pointer of what is checked is in the document; nothing for what
/// only stands in for something wrong, of which nothing is to be said.
class Findings {
 public:
  using Written = std::function<std::optional<std::string>(std::string_view pointer)>;
  explicit Findings(Written written) : written_(std::move(written)) {}

  /// Once each.
  void add(Severity severity, std::string_view pointer, std::string message, std::string remedy = {});
  /// An unsupported setting is something missing here; `found` is the severity of all others.
  void add(const Error& error, Severity found = Severity::error);
  /// A warning of the parser or the planner, whose text names its pointer: "… (/process/env/3), ignoring".
  void add_warning(Severity severity, std::string_view text);
  /// Runs a part of the check; what it throws is a finding, too.
  void guard(const std::function<void()>& part, Severity found = Severity::missing);

  std::vector<Finding> sorted() &&;

 private:
  Written written_;
  std::vector<Finding> list_;
};

struct CheckInput {
  const spec::Config& config;  // without what was found to be wrong
  const CreateRequest& request;
  const HostFacts& host;
  std::string rootfs;  // absolute

  bool own_user_namespace() const;
  /// An absolute path of the container lies on or below the destination of a mount.
  bool is_mounted_over(const std::string& path) const;
};

/// The directory, the program that is to run, hooks inside.
void check_rootfs(const CheckInput& in, Findings& out);
/// Bind sources, types of file systems.
void check_mounts(const CheckInput& in, Findings& out);
/// Whether the file system of a source takes an id map, by trying.
void check_id_mapped_mounts(Plan& plan, Findings& out);
/// Namespaces of the kernel and by path, ranges of ids, sysctl, network devices.
void check_namespaces(const CheckInput& in, Findings& out);
/// Controllers and files for linux.resources, resctrl, rlimits, drivers of devices.
void check_limits(const CheckInput& in, Findings& out);
/// Security modules, the seccomp agent, hooks on the host.
void check_security(const CheckInput& in, Findings& out);
void check_hooks(const CheckInput& in, Findings& out);

}  // namespace ocx::runtime
