#include "runtime/clone_init.hpp"

#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/adopt.hpp"
#include "runtime/relay.hpp"
#include "sys/error.hpp"

namespace ocx::runtime {
namespace {

Error describe_clone_failure(const Error& error, const Namespaces& namespaces) {
  Error out = error;
  out.at("/linux/namespaces");
  if (error.error_number() == EPERM)
    out.hint("new namespaces need CAP_SYS_ADMIN, or a new user namespace with them");
  if (error.error_number() == EACCES)
    out.hint(
        "an unprivileged caller may clone only into cgroups below one that is delegated to him with himself "
        "in it");
  if (error.error_number() == EINVAL) out.hint("this kernel may lack one of the namespace types");
  if (error.error_number() == ENOSPC) out.hint("a limit in /proc/sys/user/max_*_namespaces is reached");
  if (error.error_number() == EUSERS && (namespaces.new_flags & CLONE_NEWUSER) != 0)
    out.hint("user namespaces nest at most 32 deep");
  return out;
}

sys::CloneResult clone_here(const InitArguments& arguments, std::uint64_t extra_flags,
                            std::optional<sys::FdRef> cgroup) {
  const Namespaces& namespaces = arguments.plan.namespaces;
  try {
    sys::CloneResult child = sys::clone3(namespaces.new_flags | extra_flags, cgroup);
    if (child.pid == 0) init_main(arguments);
    return child;
  } catch (const Error& error) {
    throw describe_clone_failure(error, namespaces);
  }
}

/// Namespaces owned by the caller's user namespace are joined first, with the privileges one has there; those
/// that belong to a joined one refuse that and come after it.
void join_for_good(const InitArguments& arguments) {
  const Namespaces& namespaces = arguments.plan.namespaces;
  std::vector<std::pair<const JoinNamespace*, sys::UniqueFd>> later;
  std::optional<std::pair<const JoinNamespace*, sys::UniqueFd>> user;
  for (const JoinNamespace& ns : namespaces.joins) {
    sys::UniqueFd file = open_namespace(ns);
    if (ns.flag == CLONE_NEWUSER) {
      user.emplace(&ns, std::move(file));
      continue;
    }
    try {
      join_namespace(ns, file);
    } catch (const Error& error) {
      if (error.error_number() != EPERM || !namespaces.joins_user()) throw;
      later.emplace_back(&ns, std::move(file));
    }
  }
  if (user) {
    join_namespace(*user->first, user->second);
    check_joined_maps(arguments.proc, namespaces);
  }
  for (const auto& [ns, file] : later) join_namespace(*ns, file);
}

/// What can't be taken back a process in between does.
sys::CloneResult join_and_clone(const InitArguments& arguments) {
  const Namespaces& namespaces = arguments.plan.namespaces;
  // CVE-2016-9962: nothing in there may look at us. Where no user namespace is joined, nothing can before
  // init is there; and the id maps of an undumpable one could not be written by a caller without
  // privileges.
  if (namespaces.joins_user()) sys::prctl("PR_SET_DUMPABLE", PR_SET_DUMPABLE, 0);
  join_for_good(arguments);
  if (namespaces.new_time) {
    sys::unshare(CLONE_NEWTIME);
    write_time_offsets(arguments.proc, namespaces.time_offsets);
  }
  return clone_here(arguments, CLONE_PARENT, std::nullopt);
}

}  // namespace

sys::CloneResult clone_init(const InitArguments& arguments, std::optional<sys::FdRef> cgroup) {
  const Namespaces& namespaces = arguments.plan.namespaces;
  if (namespaces.through_relay)
    return clone_through_relay([&](Channel&) { return join_and_clone(arguments); });
  AdoptedNamespaces adopted(arguments.proc);
  for (const JoinNamespace& ns : namespaces.joins) adopted.join(ns);
  if (namespaces.new_time) adopted.make_time(namespaces.time_offsets);
  return clone_here(arguments, 0, cgroup);
}

}  // namespace ocx::runtime
