// Runs a piece of a test in a child process with a mount namespace of its own, so that the host sees none of
// it.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace ocx::test {

#define EXPECT(condition)                                                                               \
  do {                                                                                                  \
    if (!(condition))                                                                                   \
      throw std::runtime_error(std::string(__FILE__ ":") + std::to_string(__LINE__) + ": " #condition); \
  } while (false)

/// "ok", or what() of what the body threw, or how the child died.
inline std::string forked(const std::function<void()>& body) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return "pipe2";
  const pid_t child = ::fork();
  if (child == 0) {
    std::string result = "ok";
    try {
      body();
    } catch (const std::exception& error) {
      result = error.what();
    }
    static_cast<void>(!::write(ends[1], result.data(), result.size()));
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string result;
  char buffer[4096];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    result.append(buffer, static_cast<std::size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) : result;
}

/// The same with a private mount namespace and a fresh tmpfs on /mnt, where the body works.
inline std::string in_mount_namespace(const std::function<void()>& body, int more_namespaces = 0) {
  return forked([&] {
    EXPECT(::unshare(CLONE_NEWNS | more_namespaces) == 0);
    EXPECT(::mount(nullptr, "/", nullptr, MS_PRIVATE | MS_REC, nullptr) == 0);
    EXPECT(::mount("tmpfs", "/mnt", "tmpfs", 0, "mode=755") == 0);
    body();
  });
}

/// From now on this process gets ENOSYS for these system calls: what an older kernel answers.
inline void hide_system_calls(const std::vector<long>& numbers) {
  std::vector<sock_filter> program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)};
  for (long number : numbers) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<__u32>(number), 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 38));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  EXPECT(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  EXPECT(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
}

}  // namespace ocx::test
