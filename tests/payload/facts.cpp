#include "facts.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>
#include <vector>

#include "json_writer.hpp"

extern char** environ;

namespace {

std::string read_text(const std::string& path) {
  std::string text;
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  char buffer[4096];
  for (ssize_t count; (count = read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(count));
  close(fd);
  return text;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> list;
  size_t from = 0;
  for (size_t end; (end = text.find('\n', from)) != std::string::npos; from = end + 1)
    list.push_back(text.substr(from, end - from));
  if (from < text.size()) list.push_back(text.substr(from));
  return list;
}

std::string read_link(const std::string& path) {
  char buffer[4096];
  ssize_t length = readlink(path.c_str(), buffer, sizeof buffer);
  return length < 0 ? "" : std::string(buffer, static_cast<size_t>(length));
}

void add_lines(JsonWriter& out, const char* name, const std::string& path) {
  out.key(name);
  out.begin_array();
  for (const std::string& line : split(read_text(path))) out.value(line);
  out.end_array();
}

void add_ids(JsonWriter& out) {
  uid_t uid[3];
  gid_t gid[3];
  getresuid(&uid[0], &uid[1], &uid[2]);
  getresgid(&gid[0], &gid[1], &gid[2]);
  out.key("uids");
  out.begin_array();
  for (uid_t id : uid) out.value(static_cast<long long>(id));
  out.end_array();
  out.key("gids");
  out.begin_array();
  for (gid_t id : gid) out.value(static_cast<long long>(id));
  out.end_array();
  gid_t groups[256];
  int count = getgroups(256, groups);
  out.key("groups");
  out.begin_array();
  for (int i = 0; i < count; ++i) out.value(static_cast<long long>(groups[i]));
  out.end_array();
}

void add_status(JsonWriter& out) {
  out.key("status");
  out.begin_object();
  for (const std::string& line : split(read_text("/proc/self/status"))) {
    size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    size_t from = line.find_first_not_of(" \t", colon + 1);
    out.field(line.substr(0, colon), from == std::string::npos ? std::string() : line.substr(from));
  }
  out.end_object();
}

void add_rlimits(JsonWriter& out) {
  constexpr std::pair<const char*, int> names[] = {
      {"RLIMIT_CPU", 0},       {"RLIMIT_FSIZE", 1}, {"RLIMIT_DATA", 2},    {"RLIMIT_STACK", 3},
      {"RLIMIT_CORE", 4},      {"RLIMIT_RSS", 5},   {"RLIMIT_NPROC", 6},   {"RLIMIT_NOFILE", 7},
      {"RLIMIT_MEMLOCK", 8},   {"RLIMIT_AS", 9},    {"RLIMIT_LOCKS", 10},  {"RLIMIT_SIGPENDING", 11},
      {"RLIMIT_MSGQUEUE", 12}, {"RLIMIT_NICE", 13}, {"RLIMIT_RTPRIO", 14}, {"RLIMIT_RTTIME", 15}};
  out.key("rlimits");
  out.begin_object();
  for (auto [name, number] : names) {
    struct rlimit limit {};
    syscall(SYS_prlimit64, 0, number, nullptr, &limit);
    out.key(name);
    out.begin_array();
    out.value(static_cast<unsigned long long>(limit.rlim_cur));
    out.value(static_cast<unsigned long long>(limit.rlim_max));
    out.end_array();
  }
  out.end_object();
}

// The descriptor that lists the directory is not counted.
void add_fds(JsonWriter& out) {
  out.key("fds");
  out.begin_object();
  DIR* stream = opendir("/proc/self/fd");
  while (const dirent* entry = stream != nullptr ? readdir(stream) : nullptr) {
    if (entry->d_name[0] == '.' || std::atoi(entry->d_name) == dirfd(stream)) continue;
    out.field(entry->d_name, read_link(std::string("/proc/self/fd/") + entry->d_name));
  }
  if (stream != nullptr) closedir(stream);
  out.end_object();
}

// Without /proc: which numbers answer fcntl.
void add_open_fds(JsonWriter& out) {
  out.key("open_fds");
  out.begin_array();
  for (int fd = 0; fd < 1024; ++fd)
    if (fcntl(fd, F_GETFD) >= 0) out.value(static_cast<long long>(fd));
  out.end_array();
}

void add_namespaces(JsonWriter& out) {
  out.key("namespaces");
  out.begin_object();
  for (const char* name : {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"})
    out.field(name, read_link(std::string("/proc/self/ns/") + name));
  out.end_object();
}

void add_scheduling(JsonWriter& out) {
  struct {
    unsigned size, policy;
    unsigned long long flags;
    int nice;
    unsigned priority;
    unsigned long long runtime, deadline, period;
    unsigned clamp_min, clamp_max;
  } attributes{};
  syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0);
  out.key("scheduler");
  out.begin_object();
  out.number("policy", attributes.policy);
  out.number("flags", static_cast<long long>(attributes.flags));
  out.number("nice", attributes.nice);
  out.number("priority", attributes.priority);
  out.field("runtime", attributes.runtime);
  out.field("deadline", attributes.deadline);
  out.field("period", attributes.period);
  out.end_object();
  long ioprio = syscall(SYS_ioprio_get, 1 /* IOPRIO_WHO_PROCESS */, 0);
  out.number("ioprio_class", ioprio >> 13);
  out.number("ioprio_priority", ioprio & 7);
}

// get_mempolicy(2): -1 where the kernel has no NUMA.
void add_memory_policy(JsonWriter& out) {
  int mode = -1;
  unsigned long nodes[1024 / 64]{};
  if (syscall(SYS_get_mempolicy, &mode, nodes, 1024UL, nullptr, 0UL) != 0) mode = -1;
  out.number("memory_policy", mode);
  out.key("memory_nodes");
  out.begin_array();
  for (size_t node = 0; mode >= 0 && node < 1024; ++node)
    if ((nodes[node / 64] >> (node % 64) & 1UL) != 0) out.value(static_cast<long long>(node));
  out.end_array();
}

void add_names(JsonWriter& out) {
  struct utsname names {};
  uname(&names);
  out.field("hostname", std::string(names.nodename));
  out.field("domainname", std::string(names.domainname));
  out.field("machine", std::string(names.machine));
}

void add_clocks(JsonWriter& out) {
  for (auto [name, clock] :
       {std::pair{"monotonic", CLOCK_MONOTONIC}, std::pair{"boottime", CLOCK_BOOTTIME}}) {
    timespec now{};
    clock_gettime(clock, &now);
    out.number(name, now.tv_sec);
  }
}

void add_keyring(JsonWriter& out) {
  char text[256] = "";
  long length = syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, text, sizeof text - 1);
  out.field("keyring", std::string(length > 0 ? text : ""));
}

void add_directory_and_mask(JsonWriter& out) {
  char directory[4096] = "";
  out.field("cwd", std::string(getcwd(directory, sizeof directory) != nullptr ? directory : ""));
  mode_t mask = umask(0);
  umask(mask);
  out.number("umask", mask);
}

void add_environment(JsonWriter& out) {
  out.key("env");
  out.begin_array();
  for (char** entry = environ; *entry != nullptr; ++entry) out.value(std::string(*entry));
  out.end_array();
}

void add_process(JsonWriter& out) {
  out.number("pid", getpid());
  out.number("ppid", getppid());
  out.number("sid", getsid(0));
  out.number("personality", static_cast<unsigned>(personality(0xffffffff)));
  out.number("no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  out.number("dumpable", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
  int death_signal = 0;
  prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0);
  out.number("pdeathsig", death_signal);
  out.field("oom_score_adj",
            static_cast<long long>(std::atoi(read_text("/proc/self/oom_score_adj").c_str())));
  out.field("exe", read_link("/proc/self/exe"));
}

}  // namespace

std::string facts() {
  JsonWriter out;
  out.begin_object();
  add_process(out);
  add_directory_and_mask(out);
  add_ids(out);
  add_environment(out);
  add_open_fds(out);
  add_fds(out);
  add_namespaces(out);
  add_status(out);
  add_rlimits(out);
  add_scheduling(out);
  add_memory_policy(out);
  add_names(out);
  add_clocks(out);
  add_keyring(out);
  add_lines(out, "mountinfo", "/proc/self/mountinfo");
  add_lines(out, "cgroup", "/proc/self/cgroup");
  add_lines(out, "uid_map", "/proc/self/uid_map");
  add_lines(out, "gid_map", "/proc/self/gid_map");
  add_lines(out, "timens_offsets", "/proc/self/timens_offsets");
  out.end_object();
  return out.text();
}
