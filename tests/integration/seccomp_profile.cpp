#include "tests/integration/seccomp_profile.hpp"

#include <sstream>

namespace ocx::test {

namespace {

const char* const needed =
    "access arch_prctl brk capget capset chdir close close_range dup dup2 dup3 execve execveat exit "
    "exit_group faccessat faccessat2 fchdir fcntl fork vfork fstat fstatfs futex getdents64 getegid "
    "geteuid getgid getgroups getpid getppid getrandom gettid getuid ioctl lseek lstat madvise mmap "
    "mprotect mremap munmap newfstatat open openat openat2 pipe pipe2 poll ppoll prctl pread64 "
    "prlimit64 read readlink readlinkat readv recvfrom recvmsg rseq rt_sigaction rt_sigprocmask "
    "rt_sigreturn sched_yield sendmsg sendto set_robust_list set_tid_address setgid setgroups setuid "
    "sigaltstack stat statfs statx tgkill kill umask uname wait4 waitid write writev accept4 "
    "fadvise64 getpgrp clock_gettime nanosleep landlock_restrict_self";

}  // namespace

json allow_list(const std::vector<std::string>& more) {
  std::vector<std::string> names = more;
  std::istringstream words(needed);
  for (std::string word; words >> word;) names.push_back(word);
  // A fork: clone with SIGCHLD and what the C library adds, but no new namespaces.
  json clone = seccomp_rule({"clone"}, "SCMP_ACT_ALLOW");
  clone["args"] = {{{"index", 0}, {"value", 0x7e020000}, {"valueTwo", 0}, {"op", "SCMP_CMP_MASKED_EQ"}}};
  return {{"defaultAction", "SCMP_ACT_ERRNO"}, {"syscalls", {seccomp_rule(names, "SCMP_ACT_ALLOW"), clone}}};
}

}  // namespace ocx::test
