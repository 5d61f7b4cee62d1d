#include "runtime/check.hpp"

#include <sched.h>

#include <algorithm>
#include <optional>

#include "cgroups/settings.hpp"
#include "runtime/check_parts.hpp"
#include "runtime/launch.hpp"
#include "runtime/plan_parts.hpp"
#include "runtime/seccomp_compile.hpp"
#include "spec/draft.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

// Each round takes something away, so this many are mistakes of one document; a hostile one is not to be read
// for ever.
constexpr std::size_t most_rounds = 1000;

/// What is left of a configuration once all that is wrong was set aside.
struct Remains {
  spec::Config config;
  std::optional<Plan> plan;
  HostFacts host;
};

void compile_seccomp(const spec::Config& config) {
  const auto strict = config.annotations.find("run.oci.seccomp_fail_unknown_syscall");
  if (config.linux.seccomp)
    compile_filter(*config.linux.seccomp, strict != config.annotations.end() && strict->second != "0");
}

/// All that create computes before it makes anything. Throws at the first thing that is wrong.
void compute(const Globals& globals, const CreateRequest& request, Remains& remains, Findings& out) {
  std::vector<std::string> warnings;
  remains.host = gather_host_facts(remains.config);
  remains.plan = plan(remains.config, request, globals, remains.host, warnings);
  // What the planner warns of is what this host or caller can't give, but for options of mounts.
  for (const std::string& warning : warnings)
    out.add_warning(warning.find("(/mounts/") != std::string::npos ? Severity::warning : Severity::missing,
                    warning);
  if (remains.config.linux.resources)
    cgroups::settings_of(*remains.config.linux.resources, cgroup_versions(remains.host));
  compile_seccomp(remains.config);
}

/// Nothing when there is something wrong that can't be set aside, after which nothing more can be told.
std::optional<Remains> read(const Globals& globals, const CreateRequest& request, spec::Draft& draft,
                            Findings& out) {
  for (std::size_t round = 0; round < most_rounds; ++round) {
    Remains remains;
    spec::Warnings warnings;
    std::optional<Error> wrong;
    try {
      remains.config = draft.parse(warnings);
      compute(globals, request, remains, out);
    } catch (const Error& error) {
      wrong = error;
    }
    for (const std::string& warning : warnings) out.add_warning(Severity::warning, warning);
    if (!wrong) return remains;
    out.add(*wrong);
    if (!draft.set_aside(wrong->origin(), wrong->hint())) return std::nullopt;
  }
  return std::nullopt;
}

std::string absolute_rootfs(const spec::Config& config, const CreateRequest& request) {
  return sys::clean_path(config.root.path.starts_with('/') ? config.root.path
                                                           : request.bundle + "/" + config.root.path);
}

void look_at_machine(Remains& remains, const CreateRequest& request, Findings& out) {
  const CheckInput in{remains.config, request, remains.host, absolute_rootfs(remains.config, request)};
  for (const auto part :
       {check_rootfs, check_mounts, check_namespaces, check_limits, check_security, check_hooks})
    out.guard([&] { part(in, out); });
  out.guard([&] { check_id_mapped_mounts(*remains.plan, out); });
}

}  // namespace

std::vector<Finding> check(const Globals& globals, const CreateRequest& request) {
  const std::string document = read_config(request);
  std::optional<spec::Draft> draft;
  Findings out([&draft](std::string_view pointer) -> std::optional<std::string> {
    if (!draft) return std::string(pointer);
    std::string written = draft->written(pointer);
    if (draft->is_set_aside(written)) return std::nullopt;
    return written;
  });
  out.guard([&] { draft.emplace(document); }, Severity::error);
  if (!draft) return std::move(out).sorted();
  for (const Error& error : draft->duplicates()) out.add(error);
  if (std::optional<Remains> remains = read(globals, request, *draft, out))
    look_at_machine(*remains, request, out);
  return std::move(out).sorted();
}

bool CheckInput::own_user_namespace() const {
  return config.linux.find(CLONE_NEWUSER) != nullptr && (host.joined_own & CLONE_NEWUSER) == 0;
}

bool CheckInput::is_mounted_over(const std::string& path) const {
  return std::any_of(config.mounts.begin(), config.mounts.end(), [&](const spec::Mount& mount) {
    const std::string place = sys::clean_path("/" + mount.destination);
    return place == "/" || path == place || path.starts_with(place + "/");
  });
}

void Findings::add(Severity severity, std::string_view pointer, std::string message, std::string remedy) {
  const std::optional<std::string> place = written_(pointer);
  if (!place) return;
  Finding finding{severity, *place, std::move(message), std::move(remedy)};
  const auto same = [&](const Finding& other) {
    return other.pointer == finding.pointer && other.message == finding.message;
  };
  if (std::none_of(list_.begin(), list_.end(), same)) list_.push_back(std::move(finding));
}

void Findings::add(const Error& error, Severity found) {
  std::string message = error.message();
  if (error.error_number() != 0) message += ": " + errno_text(error.error_number());
  add(error.kind() == ErrorKind::unsupported ? Severity::missing : found, error.origin(), std::move(message),
      error.hint());
}

void Findings::add_warning(Severity severity, std::string_view text) {
  const std::size_t open = text.rfind(" (/"), close = text.find(')', open);
  if (open == std::string_view::npos || close == std::string_view::npos)
    return add(severity, "", std::string(text));
  const std::string_view pointer = text.substr(open + 2, close - open - 2);
  std::string message = std::string(text.substr(0, open)) + std::string(text.substr(close + 1));
  // That is what create does; here nothing is done.
  constexpr std::string_view done_by_create = ", ignoring";
  if (message.ends_with(done_by_create)) message.resize(message.size() - done_by_create.size());
  add(severity, pointer, std::move(message));
}

void Findings::guard(const std::function<void()>& part, Severity found) {
  try {
    part();
  } catch (const Error& error) {
    add(error, found);
  }
}

std::vector<Finding> Findings::sorted() && {
  std::stable_sort(list_.begin(), list_.end(),
                   [](const Finding& a, const Finding& b) { return a.severity < b.severity; });
  return std::move(list_);
}

}  // namespace ocx::runtime
