// Races: while containers are created, a process of a sibling exchanges a directory of a shared volume with a
// link to the host. The number of creates and the time are bounded; the victim is a directory of the host
// that has to stay as it is.
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "tests/integration/mount_table.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

// Exchanges two names until its end. A thread: a child of the test would count as something a container has
// left.
class Racer {
 public:
  Racer(const Path& left, const Path& right)
      : thread_([this, left, right] {
          while (!stop_)
            exchanges_ += renameat2(AT_FDCWD, left.c_str(), AT_FDCWD, right.c_str(), RENAME_EXCHANGE) == 0;
        }) {}
  Racer(const Racer&) = delete;
  Racer& operator=(const Racer&) = delete;
  ~Racer() { stop(); }
  /// How often the names were exchanged.
  long stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return exchanges_;
  }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<long> exchanges_{0};
  std::thread thread_;
};

struct Outcome {
  int attempts = 0, created = 0;
};

// Creates containers of the bundle until `count` or the time is over; `check` looks at each.
template <class Check>
Outcome create_many(Bundle& bundle, int count, Seconds limit, Check check) {
  Outcome outcome;
  auto end = std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::nanoseconds>(limit);
  while (outcome.attempts < count && std::chrono::steady_clock::now() < end) {
    Container container(bundle);
    ++outcome.attempts;
    if (container.create().status != 0) continue;
    ++outcome.created;
    check(container);
  }
  WARN(outcome.attempts << " attempts, " << outcome.created << " containers made");
  return outcome;
}

constexpr Seconds race_time{9};

}  // namespace

TEST_CASE("CVE-2021-30465: a mount target that is exchanged with a link never leads to the host",
          "[security][race]") {
  Bundle bundle;
  Path volume = bundle.scratch() / "volume", victim = bundle.scratch() / "victim";
  fs::create_directories(volume / "directory");
  fs::create_directories(victim);
  write_file(victim / "sentinel", "host");
  fs::create_symlink(victim, volume / "link");
  bundle.add_mount(bind_mount(volume, "/volume", {"rbind"}));
  for (int i = 0; i < 20; ++i)
    bundle.add_mount({{"destination", "/volume/directory"}, {"type", "tmpfs"}, {"source", "race"}});
  Racer racer(volume / "directory", volume / "link");
  Outcome outcome = create_many(bundle, 60, race_time, [&](Container& container) {
    // Through the link a mount lands inside the image. One that had left it, on the victim in the host's
    // tree, would have gone with that tree.
    long seen = 0;
    for (const MountEntry& entry : mounts_of(container.pid())) seen += entry.source == "race" ? 1 : 0;
    CHECK(seen == 20);
    CHECK(host_mounts_with(victim).empty());
  });
  CHECK(racer.stop() > 1000);
  CHECK(outcome.attempts > 0);
  CHECK(names_in(victim) == std::vector<std::string>{"sentinel"});
}

TEST_CASE("CVE-2024-45310: mount points are never made on the host", "[security][race]") {
  if (!runtime_is_ocx())
    SKIP_TEST("runc 1.1.5 is vulnerable: it makes them in the victim within a few attempts");
  Bundle bundle;
  Path volume = bundle.scratch() / "volume", victim = bundle.scratch() / "victim";
  fs::create_directories(volume / "directory");
  fs::create_directories(victim);
  fs::create_symlink(victim, volume / "link");
  write_file(bundle.scratch() / "file", "x");
  bundle.add_mount(bind_mount(volume, "/volume", {"rbind"}));
  for (int i = 0; i < 12; ++i) {
    std::string name = "/volume/directory/made" + std::to_string(i);
    bundle.add_mount(bind_mount(bundle.scratch() / "file", name + "/file"));
    bundle.add_mount(tmpfs_mount(name + "/below/it"));
  }
  Racer racer(volume / "directory", volume / "link");
  Outcome outcome = create_many(bundle, 60, race_time, [&](Container&) { CHECK(names_in(victim).empty()); });
  CHECK(racer.stop() > 1000);
  CHECK(outcome.attempts > 0);
  CHECK(names_in(victim).empty());
}

TEST_CASE("CVE-2019-19921: /proc is not mounted elsewhere while its directory is exchanged",
          "[security][race]") {
  Bundle bundle;
  Path victim = bundle.scratch() / "victim";
  fs::create_directories(victim);
  fs::create_symlink(victim, bundle.rootfs() / "link");
  Racer racer(bundle.rootfs() / "proc", bundle.rootfs() / "link");
  Outcome outcome = create_many(bundle, 40, race_time, [&](Container& container) {
    for (const MountEntry& entry : mounts_of(container.pid()))
      if (entry.type == "proc" && entry.root == "/")
        CHECK((entry.target == "/proc" || entry.target == "/link"));
    CHECK(names_in(victim).empty());
  });
  CHECK(racer.stop() > 1000);
  CHECK(outcome.attempts > 0);
  CHECK(names_in(victim).empty());
}

TEST_CASE("CVE-2025-31133: masks hold while /dev/null is exchanged with a link", "[security][race]") {
  if (!runtime_is_ocx()) SKIP_TEST("runc 1.1.5 is vulnerable");
  Bundle bundle;
  Path dev = bundle.scratch() / "dev";
  fs::create_directories(dev);
  REQUIRE(mknod((dev / "null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0);
  fs::create_symlink("/proc/sys/kernel/core_pattern", dev / "link");
  std::string pattern = read_file("/proc/sys/kernel/core_pattern");
  for (const char* mount : {"/dev/pts", "/dev/shm", "/dev/mqueue"}) bundle.remove_mount(mount);
  bundle.find_mount("/dev")->update(bind_mount(dev, "/dev", {"rbind"}));
  std::vector<std::string> masked = {"/etc/group", "/proc/timer_list", "/proc/keys"};
  bundle.config["linux"]["maskedPaths"] = masked;
  Racer racer(dev / "null", dev / "link");
  Outcome outcome = create_many(bundle, 60, race_time, [&](Container& container) {
    for (const std::string& path : masked)
      if (exists_inside(container.pid(), path))
        CHECK(stat_inside(container.pid(), path).st_rdev == makedev(1, 3));
  });
  CHECK(racer.stop() > 1000);
  CHECK(outcome.attempts > 0);
  CHECK(read_file("/proc/sys/kernel/core_pattern") == pattern);
}

TEST_CASE("CVE-2026-41579: /dev exchanged with a link to the host stays harmless",
          "[security][race][devices]") {
  if (!runtime_is_ocx()) SKIP_TEST("runc 1.1.5 is vulnerable");
  Bundle bundle;
  Path victim = bundle.scratch() / "victim";
  write_file(victim / "ptmx", "sentinel");
  fs::create_symlink(victim, bundle.rootfs() / "link");
  for (const char* mount : {"/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"}) bundle.remove_mount(mount);
  Racer racer(bundle.rootfs() / "dev", bundle.rootfs() / "link");
  Outcome outcome = create_many(bundle, 40, race_time, [&](Container&) {
    CHECK(names_in(victim) == std::vector<std::string>{"ptmx"});
  });
  CHECK(racer.stop() > 1000);
  CHECK(outcome.attempts > 0);
  CHECK(names_in(victim) == std::vector<std::string>{"ptmx"});
  CHECK(read_file(victim / "ptmx") == "sentinel");
}
