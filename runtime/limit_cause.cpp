#include "runtime/limit_cause.hpp"

#include <cerrno>
#include <string>

#include "cgroups/oom.hpp"
#include "runtime/messages.hpp"
#include "sys/size.hpp"

namespace ocx::runtime {

std::optional<Error> oom_kill_error(const cgroups::Paths& paths, const spec::Resources& resources) {
  const auto limit = resources.memory ? resources.memory->limit : std::nullopt;
  const bool limited = limit && *limit >= 0;
  // With its last process a systemd scope is gone, and its counter too. Then the limit is the likely cause.
  if (cgroups::oom_kills(paths).value_or(limited ? 1 : 0) == 0) return std::nullopt;
  Error error(messages::oom_killed);
  if (!limited)
    return error.hint(
        "the container has no limit of its own: a cgroup above it has, or the machine is out of memory");
  error = Error(std::string(messages::oom_killed) + ": its memory limit is " +
                sys::size_text(static_cast<std::uint64_t>(*limit)));
  return error.at("/linux/resources/memory/limit")
      .hint("raise it in config.json, or with: ocx update --memory");
}

void blame_pids_limit(Error& error, const cgroups::Paths& paths, const spec::Resources& resources) {
  if (error.error_number() != EAGAIN || !resources.pids_limit ||
      cgroups::pids_refused(paths).value_or(1) == 0)
    return;
  error.hint("pids.limit is " + std::to_string(*resources.pids_limit) +
             " (/linux/resources/pids/limit), and hooks that run in the container count: raise it");
}

}  // namespace ocx::runtime
