// config.json as plain structs, named as the OCI runtime specification 1.3 names them (config.md,
// config-linux.md). A std::optional is a property that may be absent; `null` counts as absent. The JSON
// pointer of any element follows from its names and indices (`/mounts/3/options/2`), so no struct carries
// one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spec/linux.hpp"

namespace ocx::spec {

struct Root {
  std::string path;
  bool readonly = false;
};

struct Mount {
  std::string destination;
  std::string type;
  std::string source;
  std::vector<std::string> options;
  std::vector<IdMapping> uid_mappings, gid_mappings;
};

struct ConsoleSize {
  std::uint32_t height = 0, width = 0;
};

struct User {
  std::uint32_t uid = 0, gid = 0;
  std::optional<std::uint32_t> umask;
  std::vector<std::uint32_t> additional_gids;
};

struct Rlimit {
  int resource = 0;  // RLIMIT_*
  std::uint64_t soft = 0, hard = 0;
};

/// Bit n of a set is capability n of capabilities(7). Unknown names were warned about by the parser and are
/// not here.
struct Capabilities {
  std::uint64_t effective = 0, bounding = 0, inheritable = 0, permitted = 0, ambient = 0;
};

/// sched_setattr(2): `policy` is SCHED_*, `flags` SCHED_FLAG_*, times in nanoseconds.
struct Scheduler {
  std::uint32_t policy = 0;
  std::int32_t nice = 0, priority = 0;
  std::uint64_t flags = 0;
  std::uint64_t runtime = 0, deadline = 0, period = 0;
};

struct IoPriority {
  int io_class = 0;  // IOPRIO_CLASS_*
  int priority = 0;  // 0 best .. 7 worst
};

/// CPU lists as written ("0-3,7"); checked by the validator.
struct ExecCpuAffinity {
  std::string initial, final;
};

struct Process {
  bool terminal = false;
  std::optional<ConsoleSize> console_size;
  std::string cwd;
  std::vector<std::string> env;
  std::vector<std::string> args;
  User user;
  std::vector<Rlimit> rlimits;
  std::string apparmor_profile, selinux_label;
  std::optional<Capabilities> capabilities;
  bool no_new_privileges = false;
  std::optional<int> oom_score_adj;
  std::optional<Scheduler> scheduler;
  std::optional<IoPriority> io_priority;
  std::optional<ExecCpuAffinity> exec_cpu_affinity;
};

struct Hook {
  std::string path;
  std::vector<std::string> args;
  std::optional<std::vector<std::string>> env;  // absent differs from empty for startContainer
  std::optional<std::int64_t> timeout;          // seconds, > 0
};

struct Hooks {
  std::vector<Hook> prestart, create_runtime, create_container, start_container, poststart, poststop;
  /// Any that runs as part of create.
  bool before_start() const {
    return !prestart.empty() || !create_runtime.empty() || !create_container.empty();
  }
};

struct Config {
  // In parse.cpp: of their own accord they would be compiled wherever a configuration is seen, field by
  // field.
  Config();
  ~Config();
  Config(const Config&);
  Config(Config&&) noexcept;
  Config& operator=(const Config&);
  Config& operator=(Config&&) noexcept;

  std::string oci_version;
  Root root;
  std::vector<Mount> mounts;
  std::optional<Process> process;
  std::optional<std::string> hostname, domainname;
  std::map<std::string, std::string> annotations;
  Hooks hooks;
  Linux linux;
};

}  // namespace ocx::spec
