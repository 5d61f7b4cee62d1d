// Processes, namespaces, credentials: one wrapper a system call, under the kernel's name; errors print the
// call.
#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sys/fd.hpp"

namespace ocx::sys {

struct CloneResult {
  int pid = 0;     // 0 in the child
  UniqueFd pidfd;  // in the parent
};
/// clone3(2) with CLONE_PIDFD and CLONE_CLEAR_SIGHAND; `cgroup` adds CLONE_INTO_CGROUP. Fork-like: the child
/// runs on a copy.
CloneResult clone3(std::uint64_t flags, std::optional<FdRef> cgroup = std::nullopt);

UniqueFd pidfd_open(int pid);
/// Nothing when the process is gone (ESRCH).
std::optional<UniqueFd> try_pidfd_open(int pid);
/// False when the process is gone (ESRCH).
bool pidfd_send_signal(FdRef pidfd, int signal);
/// kill(2) of a whole process group; a group without members is no error.
void kill_process_group(int pgrp, int signal);
/// Waits until the process has ended; false when the time (milliseconds, -1 = for ever) is over.
bool pidfd_wait(FdRef pidfd, int timeout_ms);

struct ExitStatus {
  int code = 0;    // exit code, when not signalled
  int signal = 0;  // 0: it exited
  int shell_status() const { return signal != 0 ? 128 + signal : code; }
};
/// waitid(P_PIDFD) for a child; EINTR retried.
ExitStatus wait_for_child(FdRef pidfd);
/// Nothing yet: std::nullopt.
std::optional<ExitStatus> try_wait_for_child(FdRef pidfd);

/// State letter, start time (field 22, clock ticks) and whether it is exiting (PF_EXITING in field 9, also
/// before it is a zombie) from /proc/PID/stat.
struct ProcessStat {
  char state = '?';
  std::uint64_t start_time = 0;
  bool exiting = false;
};
std::optional<ProcessStat> process_stat(int pid);

void setns(FdRef namespace_fd, std::uint64_t type);
/// setns(2) without a retry; 0 or errno. With a pidfd (Linux 5.8) `type` may name several namespaces.
int try_setns(FdRef fd, std::uint64_t type);
void unshare(std::uint64_t flags);
void sethostname(const std::string& name);
void setdomainname(const std::string& name);
void setsid();
void chdir(const std::string& path);
int try_chdir(const std::string& path);  // 0 or errno
void fchdir(FdRef directory);
/// False when the current directory is outside the process's root or removed: the system call, not getcwd(3),
/// which then walks ".." up on its own (CVE-2024-21626).
bool current_directory_in_root();
void chroot(const std::string& path);
void setresuid(uid_t uid);  // all three
void setresgid(gid_t gid);
void setgroups(const std::vector<gid_t>& groups);
void umask(mode_t mask);
/// fchown(2) of the owner alone. 0 or errno.
int try_fchown_user(FdRef fd, uid_t uid);
void prlimit(int pid, int resource, std::uint64_t soft, std::uint64_t hard);
struct Limits {
  std::uint64_t soft = 0, hard = 0;
};
Limits get_prlimit(int pid, int resource);
void personality(unsigned long domain);
/// prctl(2) with a name for the message.
int prctl(const char* name, int option, unsigned long a = 0, unsigned long b = 0, unsigned long c = 0,
          unsigned long d = 0);
int try_prctl(int option, unsigned long a = 0, unsigned long b = 0, unsigned long c = 0,
              unsigned long d = 0);  // result, or -errno
/// Closes (or, with cloexec, marks) every descriptor from `first` on.
void close_range(unsigned first, unsigned last, bool cloexec);
/// Puts what is closed of `first` to `last` out of reach of later opens: a close-on-exec descriptor that
/// refers to nothing of use. Ends at the limit of open files.
void occupy_closed(unsigned first, unsigned last);
/// Opens /dev/null on those of 0, 1, 2 that are closed.
void open_missing_stdio();

struct SchedAttributes {
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0, deadline = 0, period = 0;
};
void sched_setattr(int pid, const SchedAttributes& attributes);
/// sched_setaffinity(2) of the caller: the CPUs it may run on.
void sched_setaffinity(const std::vector<unsigned>& cpus);
/// ioprio_set(2), IOPRIO_WHO_PGRP.
void ioprio_set_group(int pgrp, int io_class, int priority);

/// capset(2) of the calling thread, and the bounding and ambient sets; bit n is capability n.
struct CapabilitySets {
  std::uint64_t effective = 0, permitted = 0, inheritable = 0;
};
CapabilitySets capget();
void capset(const CapabilitySets& sets);
bool bounding_has(unsigned capability);
void bounding_drop(unsigned capability);
/// The highest capability the kernel knows.
unsigned last_capability();

/// argv and envp for execve, built before the point of no return.
class Argv {
 public:
  explicit Argv(const std::vector<std::string>& words);
  char* const* data() const { return const_cast<char* const*>(pointers_.data()); }

 private:
  std::vector<const char*> pointers_;
};
/// execve(2); returns errno, and only then.
int execve(const std::string& path, const Argv& argv, const Argv& envp);
int execveat(FdRef file, const Argv& argv, const Argv& envp);  // AT_EMPTY_PATH
int execveat(FdRef file, char* const* argv, char* const* envp);

}  // namespace ocx::sys
