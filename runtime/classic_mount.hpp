// mount(2) onto descriptors, for kernels without the fd-based interface (before Linux 5.12, where
// mount_setattr came). It can go with them.
#pragma once

#include <string>

#include "runtime/init_context.hpp"
#include "sys/fd.hpp"

namespace ocx::runtime {

/// While it lives the trusted procfs is the current directory: mount(2), and the directories of an overlay,
/// have no *at form.
class InProcfs {
 public:
  explicit InProcfs(const InitContext& context);
  ~InProcfs();
  InProcfs(const InProcfs&) = delete;
  InProcfs& operator=(const InProcfs&) = delete;

 private:
  sys::UniqueFd saved_;
};
/// "self/fd/N": what `fd` refers to, from there.
std::string name_in_procfs(const InitContext& context, sys::FdRef fd);

/// mount(2) onto what `target` refers to; source and type as mount(2) takes them. 0 or errno. The path the
/// kernel needs is self/fd/N of the trusted procfs, so that neither a rename in the image nor the container's
/// own /proc can redirect it.
int try_mount_on(const InitContext& context, const std::string& source, sys::FdRef target,
                 const std::string& type, unsigned long flags, const std::string& data);
/// Binds one descriptor on another.
int try_bind_on(const InitContext& context, sys::FdRef source, sys::FdRef target, bool recursive);

/// mount_setattr(2) of one mount without its children; classic MS_REMOUNT|MS_BIND, keeping the flags not
/// named, where the kernel lacks it. 0 or errno.
int set_attributes(const InitContext& context, sys::FdRef mount, const spec::MountAttributes& attributes);
/// Changes the propagation of a mount, flags MS_SHARED and the like with MS_REC. 0 or errno.
int set_propagation(const InitContext& context, sys::FdRef mount, std::uint64_t flags);

}  // namespace ocx::runtime
