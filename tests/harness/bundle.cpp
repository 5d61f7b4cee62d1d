#include "tests/harness/bundle.hpp"

#include <catch2/catch.hpp>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>

#include "tests/harness/process.hpp"

namespace fs = std::filesystem;

namespace ocx::test {
namespace {

constexpr const char* applets[] = {"awk",
                                   "basename",
                                   "cat",
                                   "chmod",
                                   "chown",
                                   "cmp",
                                   "cp",
                                   "cut",
                                   "date",
                                   "dd",
                                   "df",
                                   "dirname",
                                   "du",
                                   "echo",
                                   "env",
                                   "expr",
                                   "false",
                                   "find",
                                   "fold",
                                   "free",
                                   "grep",
                                   "groups",
                                   "head",
                                   "hostname",
                                   "id",
                                   "ip",
                                   "kill",
                                   "ln",
                                   "ls",
                                   "mkdir",
                                   "mkfifo",
                                   "mknod",
                                   "mktemp",
                                   "mount",
                                   "mv",
                                   "nc",
                                   "nice",
                                   "nproc",
                                   "od",
                                   "pidof",
                                   "printf",
                                   "ps",
                                   "pwd",
                                   "readlink",
                                   "rm",
                                   "rmdir",
                                   "sed",
                                   "seq",
                                   "setsid",
                                   "sh",
                                   "sha256sum",
                                   "sleep",
                                   "sort",
                                   "stat",
                                   "stty",
                                   "sync",
                                   "tail",
                                   "tee",
                                   "test",
                                   "timeout",
                                   "touch",
                                   "tr",
                                   "true",
                                   "tty",
                                   "umount",
                                   "uname",
                                   "uniq",
                                   "unshare",
                                   "wc",
                                   "who",
                                   "xargs",
                                   "yes",
                                   "dnsdomainname",
                                   "sysctl"};

// The host's files are copied once: a hard link to them would let a container write to the host's inode.
const Path& originals() {
  static const std::unique_ptr<TempDir> directory = [] {
    auto made = std::make_unique<TempDir>();
    Path busybox = fs::exists("/usr/bin/busybox") ? "/usr/bin/busybox" : "/bin/busybox";
    fs::copy_file(busybox, made->path() / "busybox");
    fs::copy_file(host_probe(), made->path() / "probe");
    return made;
  }();
  return directory->path();
}

void build_rootfs(const Path& root) {
  for (const char* name : {"bin", "dev", "etc", "home", "proc", "root", "run", "sys", "tmp", "usr", "var"})
    fs::create_directories(root / name);
  chmod((root / "tmp").c_str(), 01777);
  for (const char* name : {"busybox", "probe"}) fs::create_hard_link(originals() / name, root / "bin" / name);
  for (const char* name : applets) fs::create_symlink("busybox", root / "bin" / name);
  write_file(root / "etc/passwd", "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\n");
  write_file(root / "etc/group", "root:x:0:\ntty:x:5:\nuser:x:1000:\n");
}

// Children first; never into another file system, never through a link.
void remove_tree(int parent, const char* name, dev_t device) {
  int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat facts {};
  if (directory >= 0 && fstat(directory, &facts) == 0 && facts.st_dev == device) {
    DIR* stream = fdopendir(dup(directory));
    while (const dirent* entry = readdir(stream)) {
      std::string_view child = entry->d_name;
      if (child == "." || child == "..") continue;
      if (entry->d_type != DT_DIR && unlinkat(directory, entry->d_name, 0) == 0) continue;
      remove_tree(directory, entry->d_name, device);
    }
    closedir(stream);
  }
  if (directory >= 0) close(directory);
  unlinkat(parent, name, AT_REMOVEDIR);
}

std::string unescape(std::string text) {
  for (size_t at; (at = text.find("\\040")) != std::string::npos;) text.replace(at, 4, " ");
  return text;
}

// What a broken runtime left mounted in a directory would be emptied with it.
void unmount_below(const Path& path) {
  for (int round = 0; round < 64; ++round) {
    std::vector<std::string> found = host_mounts_with(path.string());
    bool progress = false;
    for (auto line = found.rbegin(); line != found.rend(); ++line) {
      std::istringstream words(*line);
      std::string id, parent, device, root, target;
      words >> id >> parent >> device >> root >> target;
      if (target.rfind(path.string(), 0) == 0) progress |= umount2(unescape(target).c_str(), MNT_DETACH) == 0;
    }
    if (!progress) return;
  }
}

bool mounted_below(const Path& path) {
  for (const std::string& line : host_mounts_with(" " + path.string())) {
    (void)line;
    return true;
  }
  return false;
}

Path make_temp_directory() {
  const char* base = std::getenv("TMPDIR");
  std::string name = std::string(base != nullptr && *base != 0 ? base : "/tmp") + "/ocx-test-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
  // A container in a user namespace has to be able to walk through.
  chmod(name.c_str(), 0755);
  return name;
}

}  // namespace

TempDir::TempDir() : path_(make_temp_directory()) {}

TempDir::~TempDir() {
  unmount_below(path_);
  if (mounted_below(path_)) return;
  struct stat facts {};
  if (lstat(path_.c_str(), &facts) == 0) remove_tree(AT_FDCWD, path_.c_str(), facts.st_dev);
}

void write_file(const Path& path, std::string_view content, unsigned mode) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::trunc) << content;
  chmod(path.c_str(), mode);
}

std::string read_file(const Path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string wait_for_lines(const Path& path, size_t count) {
  Fd watch(inotify_init1(IN_CLOEXEC));
  fs::create_directories(path.parent_path());
  REQUIRE(inotify_add_watch(watch.get(), path.parent_path().c_str(),
                            IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO) >= 0);
  auto end = std::chrono::steady_clock::now() +
             std::chrono::duration_cast<std::chrono::nanoseconds>(default_timeout);
  for (;;) {
    std::string text = read_file(path);
    if (static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) >= count) return text;
    auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    pollfd entry{watch.get(), POLLIN, 0};
    if (left <= 0 || poll(&entry, 1, static_cast<int>(left)) <= 0)
      FAIL(count << " lines expected in " << path << ": " << text);
    char buffer[4096];
    if (read(watch.get(), buffer, sizeof buffer) < 0) FAIL("inotify");
  }
}

std::vector<std::string> lines(std::string_view text) {
  std::vector<std::string> list;
  while (!text.empty()) {
    size_t end = text.find('\n');
    list.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return list;
}

std::vector<std::string> host_mounts_with(const std::string& text) {
  std::vector<std::string> found = lines(read_file("/proc/self/mountinfo"));
  std::erase_if(found, [&](const std::string& line) { return line.find(text) == std::string::npos; });
  return found;
}

Path lessons() {
  const char* chosen = std::getenv("OCX_BUNDLES");
  if (chosen != nullptr && *chosen != 0) return chosen;
  const Path build = fs::read_symlink("/proc/self/exe").parent_path().parent_path();
  for (const Path& path : {build.parent_path().parent_path() / "bundles", build / "bundles"})
    if (fs::exists(path / "hello/config.json")) return path;
  FAIL("bundles/ is neither in the source tree nor beside the build");
  return {};
}

Path host_probe() {
  const char* chosen = std::getenv("OCX_PROBE");
  if (chosen != nullptr) return chosen;
  return fs::read_symlink("/proc/self/exe").parent_path() / "probe";
}

json default_config() {
  return json::parse(R"({
    "ociVersion": "1.0.2",
    "process": {
      "terminal": false,
      "user": {"uid": 0, "gid": 0},
      "args": ["/bin/probe", "pause"],
      "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
      "cwd": "/",
      "capabilities": {
        "bounding": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
        "effective": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
        "permitted": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
      },
      "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
      "noNewPrivileges": true
    },
    "root": {"path": "rootfs", "readonly": false},
    "hostname": "bundle",
    "mounts": [
      {"destination": "/proc", "type": "proc", "source": "proc"},
      {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
       "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
      {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
       "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
      {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
       "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
      {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]},
      {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
      {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
       "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]}
    ],
    "linux": {
      "resources": {"devices": [{"allow": false, "access": "rwm"}]},
      "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}],
      "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
                      "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"],
      "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
    }
  })");
}

Bundle::Bundle(std::vector<std::string> words) : config(default_config()) {
  fs::create_directories(scratch());
  build_rootfs(rootfs());
  if (!words.empty()) args(std::move(words));
}

void Bundle::save() const {
  write_file(path() / "config.json", config.dump(2));
}

Bundle& Bundle::args(std::vector<std::string> words) {
  process()["args"] = std::move(words);
  return *this;
}

Bundle& Bundle::shell(const std::string& script) {
  return args({"/bin/sh", "-c", script});
}

Bundle& Bundle::capabilities(const std::vector<std::string>& names) {
  process()["capabilities"] = {{"bounding", names}, {"effective", names}, {"permitted", names}};
  return *this;
}

Bundle& Bundle::add_mount(json mount) {
  config["mounts"].push_back(std::move(mount));
  return *this;
}

json* Bundle::find_mount(const std::string& destination) {
  for (json& mount : config["mounts"])
    if (mount["destination"] == destination) return &mount;
  return nullptr;
}

void Bundle::remove_mount(const std::string& destination) {
  json kept = json::array();
  for (json& mount : config["mounts"])
    if (mount["destination"] != destination) kept.push_back(mount);
  config["mounts"] = kept;
}

void Bundle::remove_namespace(const std::string& type) {
  json kept = json::array();
  for (json& entry : config["linux"]["namespaces"])
    if (entry["type"] != type) kept.push_back(entry);
  config["linux"]["namespaces"] = kept;
}

void Bundle::add_namespace(const std::string& type, const std::string& path) {
  remove_namespace(type);
  json entry = {{"type", type}};
  if (!path.empty()) entry["path"] = path;
  config["linux"]["namespaces"].push_back(entry);
}

void Bundle::use_user_namespace() {
  add_namespace("user");
  json maps = json::array({{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}});
  config["linux"]["uidMappings"] = maps;
  config["linux"]["gidMappings"] = maps;
  if (lchown(rootfs().c_str(), 100000, 100000) != 0) FAIL("chown " << rootfs());
  for (const auto& entry : fs::directory_iterator(rootfs())) {
    if (lchown(entry.path().c_str(), 100000, 100000) != 0) FAIL("chown " << entry.path());
  }
}

}  // namespace ocx::test
