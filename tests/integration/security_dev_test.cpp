// Attacks on how a terminal is set up (CVE-2025-52565, CVE-2026-88264).
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "tests/integration/mount_table.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

// A listening socket for --console-socket; nobody has to accept.
Fd listen_at(const Path& path) {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  REQUIRE(bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(listen(socket.get(), 4) == 0);
  return socket;
}

struct TerminalBundle : Bundle {
  TerminalBundle() : socket(listen_at(scratch() / "s")) { process()["terminal"] = true; }
  std::vector<std::string> flags() const { return {"--console-socket", scratch() / "s"}; }
  Fd socket;
};

}  // namespace

TEST_CASE("a terminal is a slave of the container's own devpts", "[security][console]") {
  TerminalBundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create(bundle.flags()));
  struct stat console = stat_inside(container.pid(), "/dev/console");
  CHECK(S_ISCHR(console.st_mode));
  CHECK(major(console.st_rdev) >= 136);
  CHECK(mount_on(container.pid(), "/dev/console").type == "devpts");
}

TEST_CASE("CVE-2025-52565: a fake devpts is refused", "[security][console]") {
  if (!runtime_is_ocx()) SKIP_TEST("runc 1.1.5 is vulnerable");
  struct Row {
    const char* what;
    const char* ptmx;  // null: a copy of the real device
  };
  for (const Row& row : {Row{"a link to another file as ptmx", "/proc/sys/kernel/core_pattern"},
                         Row{"the real device as ptmx, no devpts", nullptr}}) {
    INFO(row.what);
    std::string pattern = read_file("/proc/sys/kernel/core_pattern");
    TerminalBundle bundle;
    Path pts = bundle.scratch() / "pts";
    fs::create_directory(pts);
    if (row.ptmx != nullptr)
      fs::create_symlink(row.ptmx, pts / "ptmx");
    else
      REQUIRE(mknod((pts / "ptmx").c_str(), S_IFCHR | 0666, makedev(5, 2)) == 0);
    for (int number = 0; number < 4; ++number)
      fs::create_symlink("/proc/sys/kernel/core_pattern", pts / std::to_string(number));
    bundle.find_mount("/dev/pts")->update(bind_mount(pts, "/dev/pts", {"rbind"}));
    Container container(bundle);
    CHECK(container.create(bundle.flags()).status != 0);
    CHECK(container.leftovers().empty());
    CHECK(read_file("/proc/sys/kernel/core_pattern") == pattern);
  }
}

TEST_CASE("CVE-2025-52565, CVE-2026-88264: /dev/console that is a link leads nowhere",
          "[security][console]") {
  if (!runtime_is_ocx()) SKIP_TEST("runc 1.1.5 follows the link inside the container");
  for (bool to_proc : {false, true}) {
    TerminalBundle bundle;
    Path victim = bundle.scratch() / "victim";
    fs::create_directory(victim);
    bundle.remove_mount("/dev");
    bundle.remove_mount("/dev/shm");
    bundle.remove_mount("/dev/mqueue");
    fs::create_symlink(to_proc ? "/proc/sys/kernel/core_pattern" : (victim / "made").string(),
                       bundle.rootfs() / "dev/console");
    Container container(bundle);
    Result created = container.create(bundle.flags());
    CHECK(names_in(victim).empty());
    if (created.status == 0) {
      // The terminal is on the name itself, not where the link led.
      CHECK(mount_on(container.pid(), "/dev/console").type == "devpts");
      CHECK_FALSE(is_mounted(container.pid(), "/proc/sys/kernel/core_pattern"));
      CHECK_FALSE(is_mounted(container.pid(), (victim / "made").string()));
    }
  }
}

TEST_CASE("CVE-2026-88264: /dev/console is not made on the host through a /dev that is a link",
          "[security][console]") {
  if (!runtime_is_ocx()) SKIP_TEST("runc 1.1.5 is vulnerable");
  TerminalBundle bundle;
  Path victim = bundle.scratch() / "victim";
  fs::create_directory(victim);
  for (const char* mount : {"/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"}) bundle.remove_mount(mount);
  fs::remove(bundle.rootfs() / "dev");
  fs::create_symlink(victim, bundle.rootfs() / "dev");
  Container container(bundle);
  container.create(bundle.flags());
  CHECK(names_in(victim).empty());
}
