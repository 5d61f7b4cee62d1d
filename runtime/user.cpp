#include <sys/prctl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>

#include "runtime/init_context.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/process.hpp"

namespace ocx::runtime {
namespace {

const step::SetUser* payload_user(const Plan& plan) {
  for (const InitStep& entry : plan.enter)
    if (const auto* user = std::get_if<step::SetUser>(&entry.action)) return user;
  return nullptr;
}

// user_namespaces(7): EPERM where /proc/PID/setgroups says "deny"; the caller's groups then can't be left by
// anybody. The process has the group `gid` all the same: buildah names it once more among the additional
// ones.
void set_groups(const std::vector<gid_t>& groups, gid_t gid) {
  const auto is_had = [&](gid_t group) { return group == gid; };
  try {
    sys::setgroups(groups);
  } catch (Error& error) {
    if (error.error_number() == EPERM && std::all_of(groups.begin(), groups.end(), is_had)) return;
    if (error.error_number() == EINVAL) error.hint("a group is not mapped in the container's user namespace");
    if (error.error_number() == EPERM)
      error.hint(
          "the user namespace denies setgroups, or CAP_SETGID is missing: additionalGids can't be had");
    throw;
  }
}

template <class Call>
void with_mapping_hint(const char* what, unsigned id, Call&& call) {
  try {
    call();
  } catch (Error& error) {
    const std::string name = std::string(what) + " " + std::to_string(id);
    if (error.error_number() == EINVAL) error.hint(name + " is not mapped in the container's user namespace");
    if (error.error_number() == EAGAIN) error.hint(name + " has reached its RLIMIT_NPROC");
    throw;
  }
}

bool is_dev_null(const struct ::stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == ::makedev(1, 3);
}

// So that a non-root payload can reopen /dev/stderr. The host's /dev/null belongs to everybody; an owner that
// can't be had (unmapped, read-only, not ours) is left as it is.
void own_stdio(uid_t uid) {
  for (const sys::FdRef fd : {sys::standard_input, sys::standard_output, sys::standard_error}) {
    const struct ::stat info = sys::fstat(fd);
    if (info.st_uid == uid || is_dev_null(info)) continue;
    const int error_number = sys::try_fchown_user(fd, uid);
    if (error_number != 0 && error_number != EINVAL && error_number != EPERM && error_number != EROFS)
      throw_errno("fchown descriptor " + std::to_string(fd.raw()) + " to uid " + std::to_string(uid),
                  error_number);
  }
}

}  // namespace

void execute(InitContext& ctx, const step::BecomeRoot& step) {
  ctx.channel.wait_for_id_maps();
  const step::SetUser* user = payload_user(ctx.plan);
  if (user == nullptr || user->set_groups) set_groups({}, step.gid);
  with_mapping_hint("gid", step.gid, [&] { sys::setresgid(step.gid); });
  with_mapping_hint("uid", step.uid, [&] { sys::setresuid(step.uid); });
}

void execute(InitContext&, const step::SetUser& step) {
  if (step.umask) sys::umask(*step.umask);
  own_stdio(step.uid);
  if (step.set_groups) set_groups(step.groups, step.gid);
  // capabilities(7): leaving uid 0 clears the permitted set but for this; the flag ends with execve.
  if (step.uid != 0) sys::prctl("PR_SET_KEEPCAPS", PR_SET_KEEPCAPS, 1);
  with_mapping_hint("gid", step.gid, [&] { sys::setresgid(step.gid); });
  with_mapping_hint("uid", step.uid, [&] { sys::setresuid(step.uid); });
}

}  // namespace ocx::runtime
