// What a process sees of its container, from inside, using nothing but /proc and a few system calls.
#include <dirent.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

void section(const char* title, const char* explanation) {
  std::printf("\n%s: %s\n", title, explanation);
}

void row(const char* name, const std::string& value, const char* remark = "") {
  std::printf(*remark ? "  %-14s %-22s %s\n" : "  %-14s %s\n", name, value.c_str(), remark);
}

std::string number(long long value) {
  return std::to_string(value);
}

std::string read_file(const char* path) {
  std::string content;
  std::FILE* file = std::fopen(path, "re");
  if (!file) return content;
  char buffer[4096];
  while (std::size_t n = std::fread(buffer, 1, sizeof buffer, file)) content.append(buffer, n);
  std::fclose(file);
  return content;
}

std::string read_link(const std::string& path) {
  char target[4096];
  const ssize_t length = readlink(path.c_str(), target, sizeof target);
  return length < 0 ? std::strerror(errno) : std::string(target, static_cast<std::size_t>(length));
}

/// The value of a line `name:\tvalue` of /proc/self/status.
std::string status_field(const std::string& status, const std::string& name) {
  const std::size_t start = status.find("\n" + name + ":\t");
  if (start == std::string::npos) return "not known to this kernel";
  const std::size_t value = start + name.size() + 3;
  return status.substr(value, status.find('\n', value) - value);
}

void identity(const std::string& status) {
  section("identity", "process.user, hostname and the pid and uts namespaces");
  utsname uts{};
  uname(&uts);
  char cwd[4096] = "";
  row("pid", number(getpid()), getpid() == 1 ? "the first process of its pid namespace" : "");
  row("parent", number(getppid()), getppid() == 0 ? "outside, so it has no number here" : "");
  row("user", "uid " + number(getuid()) + ", gid " + number(getgid()));
  row("groups", status_field(status, "Groups"));
  row("host name", uts.nodename);
  row("directory", getcwd(cwd, sizeof cwd) ? cwd : std::strerror(errno));
}

void namespaces() {
  section("namespaces", "each number is one; compare them with `ls -l /proc/self/ns` outside");
  static constexpr const char* kinds[][2] = {
      {"pid", "process numbers"},      {"mnt", "mounts"},        {"net", "interfaces, ports"},
      {"ipc", "System V ipc, mqueue"}, {"uts", "host name"},     {"cgroup", "the root of cgroup paths"},
      {"user", "uids, capabilities"},  {"time", "clock offsets"}};
  for (const auto& [kind, what] : kinds) {
    std::string target = read_link(std::string("/proc/self/ns/") + kind);  // "pid:[4026531836]"
    const std::size_t bracket = target.find('[');
    if (bracket != std::string::npos) target = target.substr(bracket + 1, target.size() - bracket - 2);
    row(kind, target, what);
  }
}

/// One line of /proc/self/mountinfo, proc_pid_mountinfo(5): `id parent dev root TARGET OPTIONS [tags] - TYPE
/// source super`.
void mount_row(const std::string& line) {
  char target[4096], options[256], type[64];
  const char* rest = std::strstr(line.c_str(), " - ");
  if (!rest || std::sscanf(line.c_str(), "%*s %*s %*s %*s %4095s %255s", target, options) != 2) return;
  if (std::sscanf(rest, " - %63s", type) == 1) std::printf("  %-28s %-8s %s\n", target, type, options);
}

void mounts() {
  section("mounts", "root, mounts, linux.maskedPaths and linux.readonlyPaths");
  const std::string table = read_file("/proc/self/mountinfo");
  for (std::size_t start = 0, end; (end = table.find('\n', start)) != std::string::npos; start = end + 1)
    mount_row(table.substr(start, end - start));
}

std::string capability_names(const std::string& hexadecimal) {
  const unsigned long long set = std::strtoull(hexadecimal.c_str(), nullptr, 16);
  std::string names;
  for (unsigned i = 0; i < 64; ++i) {
    if (!(set >> i & 1)) continue;
    char* name = cap_to_name(static_cast<cap_value_t>(i));
    names += (names.empty() ? "" : ", ") + std::string(name ? name : "?");
    cap_free(name);
  }
  return names.empty() ? "none" : names;
}

void capabilities(const std::string& status) {
  section("capabilities", "process.capabilities; outside, root has about 40");
  static constexpr const char* sets[][2] = {{"effective", "CapEff"},
                                            {"permitted", "CapPrm"},
                                            {"inheritable", "CapInh"},
                                            {"bounding", "CapBnd"},
                                            {"ambient", "CapAmb"}};
  for (const auto& [name, field] : sets) row(name, capability_names(status_field(status, field)));
}

void confinement(const std::string& status) {
  static constexpr const char* modes[] = {"off", "strict", "filter"};
  const unsigned mode = static_cast<unsigned>(std::atoi(status_field(status, "Seccomp").c_str()));
  section("confinement", "process.noNewPrivileges and linux.seccomp");
  const bool kept = status_field(status, "NoNewPrivs") == "1";
  row("no new privs", kept ? "yes" : "no", kept ? "setuid programs gain nothing" : "setuid programs work");
  row("seccomp", mode < 3 ? modes[mode] : "?");
}

/// Lines `number:controllers:path` of cgroups(7).
void cgroups() {
  section("cgroups", "linux.cgroupsPath; with a cgroup namespace they all begin here, at /");
  const std::string table = read_file("/proc/self/cgroup");
  for (std::size_t start = 0, end; (end = table.find('\n', start)) != std::string::npos; start = end + 1) {
    const std::size_t first = table.find(':', start), second = table.find(':', first + 1);
    if (second > end) break;
    const std::string controllers = table.substr(first + 1, second - first - 1);
    row(controllers.empty() ? "(version 2)" : controllers.c_str(),
        table.substr(second + 1, end - second - 1));
  }
}

void descriptors() {
  section("descriptors", "open files; nothing but the three of standard io should be here");
  DIR* directory = opendir("/proc/self/fd");
  if (!directory) return row("/proc/self/fd", std::strerror(errno));
  while (const dirent* entry = readdir(directory))
    if (entry->d_name[0] != '.' && std::atoi(entry->d_name) != dirfd(directory))
      row(entry->d_name, read_link(std::string("/proc/self/fd/") + entry->d_name));
  closedir(directory);
}

}  // namespace

int main() {
  const std::string status = read_file("/proc/self/status");
  std::puts("Hello from inside a container. Each heading names the part of config.json behind it.");
  identity(status);
  namespaces();
  mounts();
  capabilities(status);
  confinement(status);
  cgroups();
  descriptors();
  return status.empty() ? 1 : 0;
}
