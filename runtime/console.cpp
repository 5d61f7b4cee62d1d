#include "runtime/console.hpp"

#include <cerrno>

#include "runtime/init_context.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/mount.hpp"
#include "sys/root_path.hpp"
#include "sys/socket.hpp"
#include "sys/terminal.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

constexpr long devpts_magic = 0x1cd1;
constexpr int ptmx_flags = O_RDWR | O_NOCTTY | O_NOFOLLOW;

// The directory is checked before anything in it is opened: a rootfs may hold device nodes whose open alone
// does harm. Nobody can make or replace a name in a devpts.
sys::UniqueFd open_devpts_ptmx(sys::FdRef root) {
  const sys::FdResult pts = sys::try_open_in_root(root, "/dev/pts", O_PATH | O_DIRECTORY);
  if (!pts || sys::filesystem_type(pts.fd) != devpts_magic)
    throw Error(R"("/dev/pts" in the container is no devpts)")
        .hint(R"(process.terminal needs a mount of type "devpts" on "/dev/pts")");
  return sys::openat(pts.fd, "ptmx", ptmx_flags);
}

// Without a mount namespace of its own the root's /dev/ptmx is all there is; it finds its devpts beside
// itself.
sys::UniqueFd open_plain_ptmx(sys::FdRef root) {
  const sys::UniqueFd dev = sys::open_in_root(root, "/dev", O_PATH | O_DIRECTORY);
  const std::optional<struct ::stat> info = sys::fstatat(dev, "ptmx", AT_SYMLINK_NOFOLLOW);
  if (info && S_ISLNK(info->st_mode)) return open_devpts_ptmx(root);
  if (!info || !sys::is_ptmx(*info)) throw Error(R"("/dev/ptmx" is not the character device 5:2)");
  return sys::openat(dev, "ptmx", ptmx_flags);
}

void bind_on_console(sys::FdRef root, sys::FdRef slave) {
  const sys::UniqueFd target = sys::open_mount_target(root, "/dev/console", true, true);
  // The slave's own mount by its descriptor: /dev/pts/N as a path may be somebody's symlink by now
  // (CVE-2025-52565).
  const sys::UniqueFd mount = sys::open_tree(slave, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
  sys::move_mount(mount, target);
}

void own_slave(sys::FdRef slave, uid_t uid) {
  const int error_number = sys::try_fchown_user(slave, uid);
  if (error_number != 0) throw_errno("fchown the terminal to uid " + std::to_string(uid), error_number);
}

void send_descriptor(const char* what, const std::string& socket_path, sys::FdRef fd,
                     const std::string& payload) {
  try {
    sys::send_packet(sys::connect_unix(socket_path), payload, {fd});
  } catch (Error& error) {
    error.in(what);
    throw;
  }
}

}  // namespace

void execute(InitContext& ctx, const step::Console& step) {
  const sys::Pty pty =
      sys::open_pty(step.own_mount_namespace ? open_devpts_ptmx(ctx.root) : open_plain_ptmx(ctx.root));
  if (step.size)
    sys::set_window_size(pty.master, static_cast<std::uint16_t>(step.size->height),
                         static_cast<std::uint16_t>(step.size->width));
  own_slave(pty.slave, step.uid);
  if (step.own_mount_namespace && step.bind) bind_on_console(ctx.root, pty.slave);
  ctx.channel.send_console(pty.master);
  sys::set_controlling_terminal(pty.slave);
  sys::replace_standard_streams(pty.slave);
}

void send_console_master(const std::string& socket_path, sys::FdRef master) {
  send_descriptor("send the terminal to the console socket", socket_path, master, "/dev/ptmx");
}

void send_pidfd(const std::string& socket_path, sys::FdRef pidfd, const std::string& payload) {
  send_descriptor("send the pidfd to the pidfd socket", socket_path, pidfd, payload);
}

}  // namespace ocx::runtime
