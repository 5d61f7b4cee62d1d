#include "runtime/console.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "sys/error.hpp"
#include "sys/socket.hpp"
#include "sys/spawn.hpp"
#include "sys/terminal.hpp"
#include "tests/unit/forked.hpp"
#include "tests/unit/runtime/fake_init.hpp"

using namespace ocx;
using namespace ocx::runtime;
using ocx::test::FakeInit;
using ocx::test::forked;

namespace {

/// In a mount namespace of its own: a root on a tmpfs, with a devpts of its own unless told otherwise.
std::string make_root(bool devpts) {
  ::signal(SIGHUP, SIG_IGN);  // what the session gets when the master goes
  sys::unshare(CLONE_NEWNS);
  ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  if (::mount("tmpfs", "/mnt", "tmpfs", 0, nullptr) != 0) throw_errno("mount");
  ::mkdir("/mnt/dev", 0755);
  ::mkdir("/mnt/dev/pts", 0755);
  if (devpts &&
      ::mount("devpts", "/mnt/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666,gid=5,mode=620") != 0)
    throw_errno("mount devpts");
  return "/mnt";
}

std::string read_now(sys::FdRef fd) {
  std::string text;
  if (sys::poll_readable({fd}, 5000) == 0) sys::read_some(fd, text, 100);
  return text;
}

sys::Pty new_pty() {
  return sys::open_pty(sys::openat(sys::FdRef::cwd(), "/dev/ptmx", O_RDWR | O_NOCTTY));
}

step::Console console_for(uid_t uid) {
  step::Console step;
  step.uid = uid;
  step.size = spec::ConsoleSize{30, 90};
  return step;
}

}  // namespace

TEST_CASE(
    "the container's terminal: own devpts, on 0-2 and /dev/console, the payload's, of the size asked for") {
  const std::string text = forked([] {
    FakeInit init(make_root(true));
    sys::setsid();
    execute(init.context, console_for(1234));
    const struct ::stat info = sys::fstat(sys::standard_input);
    sys::write_all(sys::standard_output, "out ");
    std::string out = read_now(init.channel.master);
    const sys::UniqueFd console = sys::openat(sys::FdRef::cwd(), "/mnt/dev/console", O_RDWR | O_NOCTTY);
    sys::write_all(console, "console ");
    out += read_now(init.channel.master);
    out += "uid " + std::to_string(info.st_uid) + " gid " + std::to_string(info.st_gid);
    out += ::tcgetsid(0) == ::getpid() ? " ours" : " not ours";
    const std::optional<winsize> size = sys::window_size(sys::standard_error);
    out += " " + std::to_string(size->ws_row) + "x" + std::to_string(size->ws_col);
    out += sys::fstatat(sys::FdRef::cwd(), "/mnt/dev/pts/0") ? " own" : " not own";
    return out;
  });
  CHECK(text == "out console uid 1234 gid 5 ours 30x90 own");
}

TEST_CASE("/dev/pts that is no devpts is refused before anything in it is opened (CVE-2025-52565)") {
  const std::string text = forked([] {
    FakeInit init(make_root(false));
    ::mknod("/mnt/dev/pts/ptmx", S_IFCHR | 0666, ::makedev(5, 2));
    try {
      execute(init.context, console_for(0));
    } catch (const Error& error) {
      return std::string(error.what()) +
             (sys::fstatat(sys::FdRef::cwd(), "/mnt/dev/console") ? " made" : " clean");
    }
    return std::string("accepted");
  });
  CHECK_THAT(text,
             Catch::StartsWith("\"/dev/pts\" in the container is no devpts") && Catch::EndsWith("clean"));
}

TEST_CASE("a symlink in /dev/console's place is covered, never followed") {
  const std::string text = forked([] {
    FakeInit init(make_root(true));
    ::symlink("/victim", "/mnt/dev/console");
    sys::setsid();
    execute(init.context, console_for(0));
    sys::write_all(sys::openat(sys::FdRef::cwd(), "/mnt/dev/console", O_RDWR | O_NOCTTY), "console");
    return read_now(init.channel.master) +
           (sys::fstatat(sys::FdRef::cwd(), "/mnt/victim") ? " made" : " clean");
  });
  CHECK(text == "console clean");
}

TEST_CASE("without a mount namespace the root's /dev/ptmx is used, and /dev/console left alone") {
  const std::string text = forked([] {
    FakeInit init(make_root(true));
    ::symlink("pts/ptmx", "/mnt/dev/ptmx");
    sys::setsid();
    step::Console step = console_for(0);
    step.own_mount_namespace = false;
    execute(init.context, step);
    sys::write_all(sys::standard_output, "out");
    return read_now(init.channel.master) +
           (sys::fstatat(sys::FdRef::cwd(), "/mnt/dev/console") ? " made" : " clean");
  });
  CHECK(text == "out clean");
}

TEST_CASE("the console socket gets one message with one descriptor, though nobody has accepted yet") {
  char directory[] = "/tmp/ocx-test-XXXXXX";
  REQUIRE(::mkdtemp(directory) != nullptr);
  const sys::UniqueFd fd = sys::openat(sys::FdRef::cwd(), directory, O_PATH | O_DIRECTORY);
  const std::string path = std::string(directory) + "/console.sock";
  const sys::UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  struct {
    sa_family_t family = AF_UNIX;
    char path[108] = {};
  } address;
  path.copy(address.path, 107);
  REQUIRE(::bind(listener.ref().raw(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  REQUIRE(::listen(listener.ref().raw(), 5) == 0);

  const sys::Pty pty = new_pty();
  send_console_master(path, pty.master);
  send_pidfd(path, sys::pidfd_open(::getpid()), "standard");
  const sys::Packet console = sys::receive_packet(sys::accept(listener), 4095);
  CHECK(console.data == "/dev/ptmx");
  REQUIRE(console.fds.size() == 1);
  CHECK(sys::fstat(console.fds[0]).st_rdev == ::makedev(5, 2));
  const sys::Packet pidfd = sys::receive_packet(sys::accept(listener), 4095);
  CHECK(pidfd.data == "standard");
  CHECK(pidfd.fds.size() == 1);
  sys::unlinkat(fd, "console.sock");
  CHECK_THROWS_WITH(
      send_console_master(path, pty.master),
      Catch::Contains("send the terminal to the console socket") && Catch::Contains("no such file"));
  ::rmdir(directory);
}
