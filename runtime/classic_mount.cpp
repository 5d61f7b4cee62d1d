#include "runtime/classic_mount.hpp"

#include <cerrno>

#include "sys/error.hpp"
#include "sys/log.hpp"
#include "sys/mount.hpp"
#include "sys/process.hpp"

namespace ocx::runtime {

InProcfs::InProcfs(const InitContext& context)
    : saved_(sys::openat(sys::FdRef::cwd(), ".", O_PATH | O_DIRECTORY | O_CLOEXEC)) {
  sys::fchdir(context.proc.fd());
}

InProcfs::~InProcfs() {
  try {
    sys::fchdir(saved_);
  } catch (const Error& error) {
    // It was the current directory a moment ago; without it init still uses no relative path.
    sys::log_warning(std::string(error.what()) + ", ignoring");
  }
}

std::string name_in_procfs(const InitContext& context, sys::FdRef fd) {
  return (context.proc_self.empty() ? "self" : context.proc_self) + "/fd/" + std::to_string(fd.raw());
}

int try_mount_on(const InitContext& context, const std::string& source, sys::FdRef target,
                 const std::string& type, unsigned long flags, const std::string& data) {
  InProcfs here(context);
  return sys::try_mount(source, name_in_procfs(context, target), type, flags, data);
}

int try_bind_on(const InitContext& context, sys::FdRef source, sys::FdRef target, bool recursive) {
  return try_mount_on(context, name_in_procfs(context, source), target, "",
                      recursive ? 0UL + MS_BIND + MS_REC : 0UL + MS_BIND, "");
}

int set_attributes(const InitContext& context, sys::FdRef mount, const spec::MountAttributes& attributes) {
  if (attributes.empty()) return 0;
  int error = sys::try_mount_setattr(mount, false, attributes.set, attributes.clear);
  if (error != ENOSYS) return error;
  const std::uint64_t wanted = (sys::mount_attributes(mount) & ~attributes.clear) | attributes.set;
  return try_mount_on(context, "", mount, "", MS_REMOUNT | MS_BIND | sys::to_mount_flags(wanted), "");
}

int set_propagation(const InitContext& context, sys::FdRef mount, std::uint64_t flags) {
  const bool recursive = (flags & MS_REC) != 0;
  int error = sys::try_mount_setattr(mount, recursive, 0, 0, flags & ~std::uint64_t{MS_REC});
  if (error != ENOSYS) return error;
  return try_mount_on(context, "", mount, "", flags, "");
}

}  // namespace ocx::runtime
