#include "sys/process.hpp"

#include <dirent.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <climits>

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/socket.hpp"
#include "sys/text.hpp"

namespace ocx::sys {
namespace {

struct NamedFlag {
  std::uint64_t flag;
  const char* name;
};
constexpr int spawn_ms = 2'000;

constexpr NamedFlag namespace_flags[] = {
    {CLONE_NEWUSER, "CLONE_NEWUSER"}, {CLONE_NEWNS, "CLONE_NEWNS"},         {CLONE_NEWPID, "CLONE_NEWPID"},
    {CLONE_NEWNET, "CLONE_NEWNET"},   {CLONE_NEWIPC, "CLONE_NEWIPC"},       {CLONE_NEWUTS, "CLONE_NEWUTS"},
    {CLONE_NEWTIME, "CLONE_NEWTIME"}, {CLONE_NEWCGROUP, "CLONE_NEWCGROUP"},
};

std::string flag_names(std::uint64_t flags) {
  std::string text;
  for (const NamedFlag& known : namespace_flags)
    if ((flags & known.flag) != 0) text.append(text.empty() ? "" : "|").append(known.name);
  return text.empty() ? "0" : text;
}

long raw_clone3(clone_args& arguments) {
  return ::syscall(SYS_clone3, &arguments, sizeof(arguments));
}

std::string pid_text(const char* call, int pid) {
  return std::string(call) + " " + std::to_string(pid);
}

std::optional<ExitStatus> wait_child(FdRef pidfd, int options) {
  siginfo_t info{};
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd.raw()), &info, WEXITED | options) < 0)
    if (errno != EINTR) throw_errno("waitid a child by its pidfd");
  if (info.si_pid == 0) return std::nullopt;
  if (info.si_code == CLD_EXITED) return ExitStatus{info.si_status, 0};
  return ExitStatus{0, info.si_status};
}

// The directory says which descriptors exist; its own is closed with the others' list already taken.
void close_listed(unsigned first, unsigned last, bool cloexec) {
  UniqueFd directory = openat(FdRef::cwd(), "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  constexpr long proc_magic = 0x9fa0;
  if (filesystem_type(directory) != proc_magic)
    throw Error(R"("/proc" is no procfs: can't list descriptors)");
  for (const std::string& name : list_directory(directory)) {
    const std::optional<std::uint64_t> number = parse_uint(name);
    if (!number || *number < first || *number > last || *number > INT_MAX) continue;
    const int fd = static_cast<int>(*number);
    if (fd == directory.ref().raw()) continue;
    if (cloexec)
      ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    else
      ::close(fd);
  }
}

}  // namespace

CloneResult clone3(std::uint64_t flags, std::optional<FdRef> cgroup) {
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = flags | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  // A sibling (CLONE_PARENT) takes over the exit signal of its creator; clone3(2) wants 0 there.
  arguments.exit_signal = (flags & CLONE_PARENT) != 0 ? 0 : SIGCHLD;
  if (cgroup) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<std::uint64_t>(cgroup->raw());
  }
  long pid = raw_clone3(arguments);
  if (pid < 0 && errno == EINVAL) {
    // CLONE_CLEAR_SIGHAND is Linux 5.5. It only saves resets: ocx installs no handlers. This can go with 5.4.
    arguments.flags &= ~static_cast<std::uint64_t>(CLONE_CLEAR_SIGHAND);
    pid = raw_clone3(arguments);
  }
  if (pid < 0) throw_errno("clone3 " + flag_names(flags) + (cgroup ? " into the cgroup" : ""));
  CloneResult result;
  result.pid = static_cast<int>(pid);
  if (pid > 0) result.pidfd = UniqueFd(pidfd);
  return result;
}

UniqueFd pidfd_open(int pid) {
  const long fd = ::syscall(SYS_pidfd_open, pid, 0);
  if (fd < 0) throw_errno(pid_text("pidfd_open", pid));
  return UniqueFd(static_cast<int>(fd));
}

std::optional<UniqueFd> try_pidfd_open(int pid) {
  const long fd = ::syscall(SYS_pidfd_open, pid, 0);
  if (fd >= 0) return UniqueFd(static_cast<int>(fd));
  if (errno == ESRCH) return std::nullopt;
  throw_errno(pid_text("pidfd_open", pid));
}

bool pidfd_send_signal(FdRef pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd.raw(), signal, nullptr, 0) == 0) return true;
  if (errno == ESRCH) return false;
  throw_errno("pidfd_send_signal " + std::to_string(signal));
}

void kill_process_group(int pgrp, int signal) {
  if (::kill(-pgrp, signal) != 0 && errno != ESRCH) throw_errno(pid_text("kill the process group", pgrp));
}

bool pidfd_wait(FdRef pidfd, int timeout_ms) {
  return poll_readable({pidfd}, timeout_ms) == 0;
}

ExitStatus wait_for_child(FdRef pidfd) {
  return wait_child(pidfd, 0).value_or(ExitStatus{});
}

std::optional<ExitStatus> try_wait_for_child(FdRef pidfd) {
  return wait_child(pidfd, WNOHANG);
}

std::optional<ProcessStat> process_stat(int pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT || errno == ESRCH) return std::nullopt;
    throw_errno("open " + quote(path));
  }
  char buffer[1024];
  const ssize_t size = ::read(file.ref().raw(), buffer, sizeof(buffer));
  if (size < 0 && errno != ESRCH) throw_errno("read " + quote(path));
  if (size <= 0) return std::nullopt;
  // The name (field 2) is the process's own choice and may hold blanks and brackets: count from the last one.
  const std::string_view text(buffer, static_cast<std::size_t>(size));
  const std::size_t bracket = text.rfind(')');
  if (bracket == std::string_view::npos || bracket + 2 >= text.size()) return std::nullopt;
  const std::vector<std::string> fields = split(text.substr(bracket + 2), ' ');
  constexpr std::size_t start_time_index = 22 - 3;
  if (fields.size() <= start_time_index || fields[0].empty()) return std::nullopt;
  constexpr std::size_t flags_index = 9 - 3;
  constexpr std::uint64_t exiting = 0x4;  // PF_EXITING of the kernel's <linux/sched.h>
  return ProcessStat{fields[0][0], parse_uint(fields[start_time_index]).value_or(0),
                     (parse_uint(fields[flags_index]).value_or(0) & exiting) != 0};
}

void setns(FdRef namespace_fd, std::uint64_t type) {
  // A time namespace takes only processes that share their memory with nobody (EUSERS), and a child of
  // posix_spawn shares it until a moment after its exec has let us go on (exec_mmap() in the kernel).
  const Deadline deadline(spawn_ms);
  for (Backoff backoff; ::setns(namespace_fd.raw(), static_cast<int>(type)) != 0; backoff.pause())
    if (errno != EUSERS || deadline.passed()) throw_errno("setns " + flag_names(type));
}

int try_setns(FdRef fd, std::uint64_t type) {
  return ::setns(fd.raw(), static_cast<int>(type)) == 0 ? 0 : errno;
}

void unshare(std::uint64_t flags) {
  if (::syscall(SYS_unshare, static_cast<unsigned long>(flags)) != 0)
    throw_errno("unshare " + flag_names(flags));
}

void sethostname(const std::string& name) {
  if (::sethostname(name.data(), name.size()) != 0) throw_errno("sethostname " + quote(name));
}

void setdomainname(const std::string& name) {
  if (::setdomainname(name.data(), name.size()) != 0) throw_errno("setdomainname " + quote(name));
}

void setsid() {
  if (::setsid() < 0) throw_errno("setsid");
}

void chdir(const std::string& path) {
  if (::chdir(path.c_str()) != 0) throw_errno("chdir " + quote(path));
}

int try_chdir(const std::string& path) {
  return ::chdir(path.c_str()) == 0 ? 0 : errno;
}

void fchdir(FdRef directory) {
  if (::fchdir(directory.raw()) != 0) throw_errno("fchdir");
}

bool current_directory_in_root() {
  char path[PATH_MAX];
  return ::syscall(SYS_getcwd, path, sizeof(path)) > 0 && path[0] == '/';
}

void chroot(const std::string& path) {
  if (::chroot(path.c_str()) != 0) throw_errno("chroot " + quote(path));
}

void close_range(unsigned first, unsigned last, bool cloexec) {
  if (first > last) return;
  const unsigned flags = cloexec ? 1U << 2U /* CLOSE_RANGE_CLOEXEC */ : 0U;
  if (::syscall(SYS_close_range, first, last, flags) == 0) return;
  // close_range is Linux 5.9, its CLOEXEC flag 5.11. This can go with 5.10. EPERM: the container's seccomp
  // filter is loaded already, and was written before there was this call.
  if (errno != ENOSYS && errno != EINVAL && errno != EPERM)
    throw_errno("close_range from " + std::to_string(first));
  close_listed(first, last, cloexec);
}

void occupy_closed(unsigned first, unsigned last) {
  UniqueFd filler;
  for (unsigned number = first; number <= last && number <= INT_MAX; ++number) {
    const int fd = static_cast<int>(number);
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    if (!filler) filler = try_openat(FdRef::cwd(), "/dev/null", O_PATH | O_CLOEXEC).fd;
    if (!filler) return;
    if (filler.ref().raw() == fd)
      filler.release();
    else if (::dup3(filler.ref().raw(), fd, O_CLOEXEC) < 0)
      return;
  }
}

void open_missing_stdio() {
  for (int fd = 0; fd <= 2; ++fd)
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) != fd)
      throw_errno(R"(open "/dev/null" for stdio)");
}

Argv::Argv(const std::vector<std::string>& words) {
  pointers_.reserve(words.size() + 1);
  for (const std::string& word : words) pointers_.push_back(word.c_str());
  pointers_.push_back(nullptr);
}

int execve(const std::string& path, const Argv& argv, const Argv& envp) {
  ::execve(path.c_str(), argv.data(), envp.data());
  return errno;
}

int execveat(FdRef file, const Argv& argv, const Argv& envp) {
  return execveat(file, argv.data(), envp.data());
}

int execveat(FdRef file, char* const* argv, char* const* envp) {
  ::syscall(SYS_execveat, file.raw(), "", argv, envp, AT_EMPTY_PATH);
  return errno;
}

}  // namespace ocx::sys
