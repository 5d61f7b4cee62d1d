#include "sys/spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>

#include <cerrno>

#include "sys/error.hpp"
#include "sys/process.hpp"

namespace ocx::sys {
namespace {

void check(int error_number) {
  if (error_number != 0) throw_errno("prepare posix_spawn", error_number);
}

class SpawnAttributes {
 public:
  SpawnAttributes() {
    check(::posix_spawnattr_init(&attributes_));
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    check(::posix_spawnattr_setsigmask(&attributes_, &none));
    check(::posix_spawnattr_setsigdefault(&attributes_, &all));
    check(::posix_spawnattr_setpgroup(&attributes_, 0));
    check(::posix_spawnattr_setflags(&attributes_,
                                     POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP));
  }
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

class SpawnActions {
 public:
  SpawnActions() { check(::posix_spawn_file_actions_init(&actions_)); }
  ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  void put(FdRef fd, int target) { check(::posix_spawn_file_actions_adddup2(&actions_, fd.raw(), target)); }
  void close_from(int first) { check(::posix_spawn_file_actions_addclosefrom_np(&actions_, first)); }
  void enter(const std::string& directory) {
    if (!directory.empty()) check(::posix_spawn_file_actions_addchdir_np(&actions_, directory.c_str()));
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

}  // namespace

Pipe make_pipe(NonBlocking end) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("pipe2");
  Pipe made{UniqueFd(ends[0]), UniqueFd(ends[1])};
  if (end == NonBlocking::read_end) set_nonblocking(made.read);
  if (end == NonBlocking::write_end) set_nonblocking(made.write);
  return made;
}

void set_nonblocking(FdRef fd) {
  const int flags = ::fcntl(fd.raw(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.raw(), F_SETFL, flags | O_NONBLOCK) != 0)
    throw_errno("fcntl F_SETFL O_NONBLOCK");
}

Spawned spawn(const Program& program, FdRef input, FdRef output, FdRef error_output) {
  const SpawnAttributes attributes;
  SpawnActions actions;
  actions.enter(program.directory);
  actions.put(input, 0);
  actions.put(output, 1);
  actions.put(error_output, 2);
  actions.close_from(3);
  const Argv argv(program.argv), env(program.env);
  Spawned child;
  child.error_number = ::posix_spawn(&child.pid, program.path.c_str(), actions.get(), attributes.get(),
                                     argv.data(), env.data());
  if (child.error_number == 0) child.pidfd = pidfd_open(child.pid);
  return child;
}

void place_descriptors(const std::vector<FdRef>& fds) {
  const int count = static_cast<int>(fds.size());
  std::vector<int> copies;  // out of the way of the numbers that are wanted
  for (const FdRef fd : fds) {
    copies.push_back(::fcntl(fd.raw(), F_DUPFD_CLOEXEC, count));
    if (copies.back() < 0) throw_errno("fcntl F_DUPFD_CLOEXEC");
  }
  for (int i = 0; i < count; ++i)
    if (::dup2(copies[static_cast<std::size_t>(i)], i) < 0) throw_errno("dup2");
  close_range(static_cast<unsigned>(count), ~0U, false);
}

ReadOutcome read_some(FdRef fd, std::string& into, std::size_t limit) {
  char buffer[4096];
  ssize_t size = -1;
  while ((size = ::read(fd.raw(), buffer, limit < sizeof(buffer) ? limit : sizeof(buffer))) < 0)
    if (errno != EINTR) break;
  if (size > 0) {
    into.append(buffer, static_cast<std::size_t>(size));
    return ReadOutcome::data;
  }
  return size < 0 && errno == EAGAIN ? ReadOutcome::nothing_now : ReadOutcome::end;
}

ssize_t write_some(FdRef fd, std::string_view data) {
  while (true) {
    const ssize_t size = ::write(fd.raw(), data.data(), data.size());
    if (size >= 0) return size;
    if (errno == EAGAIN) return 0;
    if (errno != EINTR) return -errno;
  }
}

}  // namespace ocx::sys
