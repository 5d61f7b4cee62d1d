#include "runtime/passed_fds.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include <cstdlib>

#include "runtime/pid_file.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/process.hpp"
#include "sys/socket.hpp"
#include "tests/unit/forked.hpp"

using namespace ocx;
using ocx::test::forked;

namespace {

std::string states(int first, int last) {
  std::string text;
  for (int fd = first; fd <= last; ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    text += flags < 0 ? '-' : (flags == FD_CLOEXEC ? 'c' : 'o');
  }
  return text;
}

void open_all(int first, int last) {
  for (int fd = first; fd <= last; ++fd) ::dup2(0, fd);
}

class Directory {
 public:
  Directory() {
    if (::mkdtemp(path_) == nullptr) throw_errno("mkdtemp");
    fd_ = sys::openat(sys::FdRef::cwd(), path_, O_RDONLY | O_DIRECTORY);
  }
  ~Directory() {
    sys::try_unlinkat(fd_, "notify/notify.sock");
    sys::try_unlinkat(fd_, "notify", AT_REMOVEDIR);
    for (const std::string& name : sys::list_directory(fd_)) sys::try_unlinkat(fd_, name);
    ::rmdir(path_);
  }
  sys::FdRef fd() const { return fd_; }
  std::string path() const { return path_; }

 private:
  char path_[32] = "/tmp/ocx-test-XXXXXX";
  sys::UniqueFd fd_;
};

}  // namespace

TEST_CASE("inherited descriptors end at exec but for those asked for; holes can't be filled by ours") {
  CHECK(forked([] {
          open_all(3, 8);
          ::close(4);
          runtime::sanitise_inherited(3);
          return states(3, 8);
        }) == "ococcc");
  CHECK(forked([] {
          open_all(3, 5);
          runtime::sanitise_inherited(0);
          return states(3, 5);
        }) == "ccc");
}

TEST_CASE("before exec everything else is closed, not marked (CVE-2024-21626)") {
  struct Case {
    unsigned keep;
    int except;
    const char* left;
  };
  // The tests' own report is on a high number, which the sweep takes with it: exempt it by the last case's
  // choice.
  const Case cases[] = {{0, 5, "--o---"}, {2, 5, "ooo---"}, {2, 3, "oo----"}, {1, 8, "o----o"}};
  for (const Case& c : cases) {
    CAPTURE(c.keep, c.except);
    char path[] = "/tmp/ocx-test-XXXXXX";
    sys::UniqueFd report(::mkstemp(path));
    forked([&] {
      open_all(3, 8);
      runtime::sweep_descriptors(c.keep, c.except);
      const std::string text = states(3, 8);
      sys::write_all(sys::openat(sys::FdRef::cwd(), path, O_WRONLY), text);
      return text;
    });
    CHECK(sys::read_file(sys::FdRef::cwd(), path) == c.left);
    ::unlink(path);
  }
}

TEST_CASE("LISTEN_FDS") {
  const auto with = [](const char* value) {
    return forked([&] {
      ::setenv("LISTEN_FDS", value, 1);
      return std::to_string(runtime::listen_fds());
    });
  };
  CHECK(with("3") == "3");
  CHECK(with("") == "0");
  CHECK(with("-1") == "0");
  CHECK(with("2x") == "0");
  CHECK(with("99999999999999999999") == "0");
  CHECK(with("4294967295") == "0");
  CHECK(forked([] {
          ::unsetenv("LISTEN_FDS");
          return std::to_string(runtime::listen_fds());
        }) == "0");
}

TEST_CASE("sd_notify: READY goes on with the host's pid, then a barrier; nothing else does") {
  const Directory directory;
  const sys::UniqueFd outer = sys::bind_datagram(directory.fd(), "outer", 0600);
  const sys::CloneResult payload = sys::clone3(0);
  while (payload.pid == 0) ::pause();
  const sys::CloneResult manager = sys::clone3(0);
  if (manager.pid == 0) {
    const sys::Packet ready = sys::receive_packet(outer, 1000);
    sys::Packet barrier = sys::receive_packet(outer, 1000);
    ::_exit(ready.data == "MAINPID=77\nREADY=1" && barrier.data == "BARRIER=1" && barrier.fds.size() == 1
                ? 0
                : 1);
  }
  runtime::NotifyProxy proxy(directory.fd(), directory.path() + "/outer");
  CHECK((sys::fstatat(directory.fd(), "notify/notify.sock")->st_mode & 0777) == 0777);
  const std::string inside = directory.path() + "/notify/notify.sock";
  sys::send_datagram(inside, "STATUS=almost\nXREADY=1\nREADY=12");
  sys::send_datagram(inside, std::string(100'000, 'x'));
  sys::send_datagram(inside, "");
  sys::send_datagram(inside, "STATUS=there\nREADY=1\n");
  proxy.forward_until_ready(payload.pidfd, 77);
  CHECK(sys::wait_for_child(manager.pidfd).code == 0);
  sys::pidfd_send_signal(payload.pidfd, SIGKILL);
  sys::wait_for_child(payload.pidfd);
}

TEST_CASE("sd_notify: a payload that ends without READY ends the wait") {
  const Directory directory;
  const sys::UniqueFd outer = sys::bind_datagram(directory.fd(), "outer", 0600);
  const sys::CloneResult payload = sys::clone3(0);
  if (payload.pid == 0) ::_exit(0);
  runtime::NotifyProxy proxy(directory.fd(), directory.path() + "/outer");
  proxy.forward_until_ready(payload.pidfd, 77);
  CHECK(sys::poll_readable({outer}, 0) == -1);
  sys::wait_for_child(payload.pidfd);
}

TEST_CASE("the pid file: digits alone, by rename, over whatever was there") {
  const Directory directory;
  const std::string path = directory.path() + "/pid";
  sys::write_all(sys::openat(sys::FdRef::cwd(), path, O_WRONLY | O_CREAT, 0600), "something longer");
  const ino_t before = sys::fstatat(sys::FdRef::cwd(), path)->st_ino;
  runtime::write_pid_file(path, 4711);
  CHECK(sys::read_file(sys::FdRef::cwd(), path) == "4711");
  CHECK(sys::fstatat(sys::FdRef::cwd(), path)->st_ino != before);
  CHECK(sys::list_directory(directory.fd()).size() == 1);
  CHECK_THROWS_WITH(runtime::write_pid_file(directory.path() + "/none/pid", 1),
                    Catch::Contains("write the pid file") && Catch::Contains("no such file or directory"));
}
