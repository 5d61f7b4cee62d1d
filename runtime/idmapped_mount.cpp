#include "runtime/idmapped_mount.hpp"

#include <sched.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/adopt.hpp"
#include "runtime/id_maps.hpp"
#include "runtime/mount_kinds.hpp"
#include "sys/error.hpp"
#include "sys/mount.hpp"
#include "sys/process.hpp"
#include "sys/spawn.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

const step::Mount& find_mount(const Plan& plan, const Origin& origin) {
  for (const InitStep& entry : plan.build) {
    const auto* mount = std::get_if<step::Mount>(&entry.action);
    if (const auto* root = std::get_if<step::MountRoot>(&entry.action)) mount = &root->mount;
    if (mount != nullptr && mount->id_map && mount->origin == origin) return *mount;
  }
  throw Error("handshake: no id-mapped mount is planned at " + sys::quote(origin));
}

sys::UniqueFd open_user_namespace(const sys::Procfs& proc, int pid) {
  // A magic link, which Procfs::open() would refuse.
  return sys::openat(proc.fd(), std::to_string(pid) + "/ns/user", O_RDONLY | O_CLOEXEC);
}

/// Lives until the other end of the pipe is closed, by us or by our end.
class NamespaceHolder {
 public:
  NamespaceHolder() : pipe_(sys::make_pipe(sys::NonBlocking::none)), child_(sys::clone3(CLONE_NEWUSER)) {
    if (child_.pid != 0) return;
    pipe_.write.reset();
    std::string nothing;
    sys::read_some(pipe_.read, nothing, 1);
    ::_exit(0);
  }
  NamespaceHolder(const NamespaceHolder&) = delete;
  NamespaceHolder& operator=(const NamespaceHolder&) = delete;
  ~NamespaceHolder() {
    pipe_.write.reset();
    sys::wait_for_child(child_.pidfd);
  }
  int pid() const { return child_.pid; }

 private:
  sys::Pipe pipe_;
  sys::CloneResult child_;
};

Error idmap_error(const step::Mount& mount, int error_number) {
  Error error =
      Error::from_errno(mount_label(mount) + ": map its ids (mount_setattr MOUNT_ATTR_IDMAP)", error_number);
  error.at(mount.id_map->origin);
  switch (error_number) {
    case ENOSYS:
      return error.hint("id-mapped mounts need Linux 5.12");
    case EINVAL:
      return error.hint(std::string("the file system ") +
                        (mount.id_map->recursive ? "or one mounted below it " : "") +
                        "does not support this with this kernel; ext4, xfs, btrfs and, from Linux 6.3 on, "
                        "tmpfs do (`findmnt --target` tells which it is)");
    case EPERM:
      return error.hint(
          "it needs CAP_SYS_ADMIN where the file system was mounted, and a source whose ids are not mapped "
          "yet");
    default:
      return error;
  }
}

sys::UniqueFd clone_mapped(const step::Mount& mount, sys::FdRef user_namespace) {
  const unsigned flags = OPEN_TREE_CLONE | (mount.options.recursive_bind ? unsigned{AT_RECURSIVE} : 0U) |
                         (mount.options.src_nofollow ? unsigned{AT_SYMLINK_NOFOLLOW} : 0U);
  sys::FdResult tree = sys::try_open_tree(sys::FdRef::cwd(), mount.source, flags);
  if (tree.error_number == ENOSYS) throw idmap_error(mount, ENOSYS);
  if (!tree) throw mount_error(mount, "open_tree " + sys::quote(mount.source), tree.error_number);
  const bool recursive = mount.id_map->recursive;
  if (const int error = sys::try_mount_setattr(tree.fd, recursive, 0, 0, 0, user_namespace); error != 0)
    throw idmap_error(mount, error);
  return std::move(tree.fd);
}

}  // namespace

sys::UniqueFd make_user_namespace(const sys::Procfs& proc, const step::IdMap& map) {
  const NamespaceHolder holder;
  Namespaces namespaces;
  namespaces.uid_maps = map.uids;
  namespaces.gid_maps = map.gids;
  write_id_maps(proc, holder.pid(), namespaces);
  return open_user_namespace(proc, holder.pid());
}

sys::FdRef IdMappedMounts::user_namespace(const step::IdMap& map, int init_pid) {
  for (const Made& made : made_)
    if (made.container == map.container &&
        (map.container || (made.uids == map.uids && made.gids == map.gids)))
      return made.user_namespace;
  Made made{map.container, map.uids, map.gids, {}};
  try {
    made.user_namespace =
        map.container ? open_user_namespace(proc_, init_pid) : make_user_namespace(proc_, map);
  } catch (const Error& error) {
    throw Error(error.message(), error.kind(), error.error_number())
        .in("user namespace for an id-mapped mount")
        .at(map.origin)
        .hint(error.hint());
  }
  made_.push_back(std::move(made));
  return made_.back().user_namespace;
}

sys::UniqueFd IdMappedMounts::make(const Plan& plan, const Origin& origin, int init_pid) {
  const step::Mount& mount = find_mount(plan, origin);
  const sys::FdRef map = user_namespace(*mount.id_map, init_pid);
  // Inside init's mount namespace, so that flags the kernel locked there stay locked.
  AdoptedNamespaces adopted(proc_);
  adopted.join_mounts_of(init_pid);
  return clone_mapped(mount, map);
}

}  // namespace ocx::runtime
