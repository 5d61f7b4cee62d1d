// linux.rootfsPropagation: what mount events pass between the host and the container.
#include <catch2/catch.hpp>
#include <sys/mount.h>

#include "tests/integration/mount_table.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

// A bundle whose rootfs lies on a shared mount, and a volume "/vol" bound from another one with its
// propagation.
struct Peers {
  explicit Peers(const std::string& propagation, std::vector<std::string> volume_options = {"rbind"})
      : volume("tmpfs", "volume", bundle.scratch() / "volume") {
    volume.propagation(MS_SHARED);
    fs::create_directory(volume.path() / "host");
    fs::create_directory(volume.path() / "guest");
    bundle.add_mount(bind_mount(volume.path(), "/vol", std::move(volume_options)));
    if (!propagation.empty()) bundle.config["linux"]["rootfsPropagation"] = propagation;
  }
  // Mounts a tmpfs on volume/host here, and tells whether the container sees it.
  bool host_to_guest(Container& container) const {
    HostMount inner("tmpfs", "inner", volume.path() / "host");
    return is_mounted(container.pid(), "/vol/host");
  }
  // Mounts one in the container, and tells whether the host sees it.
  bool guest_to_host(Container& container) const {
    std::string pid = std::to_string(container.pid());
    REQUIRE_OK(
        run({"nsenter", "-t", pid, "-m", "/bin/busybox", "mount", "-t", "tmpfs", "inner", "/vol/guest"}));
    bool seen = !host_mounts_with(volume.path() / "guest").empty();
    REQUIRE_OK(run({"nsenter", "-t", pid, "-m", "/bin/busybox", "umount", "/vol/guest"}));
    return seen;
  }
  Bundle bundle;
  HostMount volume;
};

std::set<std::string> root_propagation(Container& container) {
  REQUIRE_OK(container.create());
  return mount_on(container.pid(), "/").propagation;
}

}  // namespace

TEST_CASE("propagation shared: mounts travel both ways", "[rootfs_propagation]") {
  Peers peers("shared", {"rbind", "rshared"});
  Container container(peers.bundle);
  std::set<std::string> root = root_propagation(container);
  if (runtime_is_ocx()) CHECK(root.count("shared") == 1);  // runc leaves "/" itself private
  CHECK(peers.host_to_guest(container));
  CHECK(peers.guest_to_host(container));
}

TEST_CASE("propagation slave: the host's mounts arrive, the container's stay", "[rootfs_propagation]") {
  Peers peers("slave", {"rbind", "rslave"});
  Container container(peers.bundle);
  CHECK(root_propagation(container).count("shared") == 0);
  CHECK(mount_on(container.pid(), "/vol").propagation == std::set<std::string>{"master"});
  CHECK(peers.host_to_guest(container));
  CHECK_FALSE(peers.guest_to_host(container));
}

TEST_CASE("propagation rprivate: nothing travels", "[rootfs_propagation]") {
  Peers peers("rprivate");
  Container container(peers.bundle);
  CHECK(root_propagation(container).empty());
  CHECK(mount_on(container.pid(), "/vol").propagation.empty());
  CHECK_FALSE(peers.host_to_guest(container));
  CHECK_FALSE(peers.guest_to_host(container));
}

TEST_CASE("propagation private: the root neither sends nor receives", "[rootfs_propagation]") {
  Bundle bundle;
  HostMount shared("tmpfs", "image", bundle.path() / "shared");
  shared.propagation(MS_SHARED);
  fs::copy(bundle.rootfs(), shared.path(), fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  fs::create_directory(shared.path() / "later");
  bundle.config["root"]["path"] = "shared";
  bundle.config["linux"]["rootfsPropagation"] = "private";
  Container container(bundle);
  CHECK(root_propagation(container).empty());
  HostMount later("tmpfs", "later", shared.path() / "later");
  CHECK_FALSE(is_mounted(container.pid(), "/later"));
}

TEST_CASE("propagation unbindable: the root can't be bound elsewhere", "[rootfs_propagation]") {
  ONLY_OCX("runc makes the host's tree unbindable first and then can't bind the rootfs");
  Peers peers("unbindable");
  Container container(peers.bundle);
  CHECK(root_propagation(container) == std::set<std::string>{"unbindable"});
  std::string pid = std::to_string(container.pid());
  CHECK(run({"nsenter", "-t", pid, "-m", "/bin/busybox", "mount", "--bind", "/", "/tmp"}).status != 0);
}

TEST_CASE("without a word the container's root receives nothing back to the host", "[rootfs_propagation]") {
  Peers peers("");
  Container container(peers.bundle);
  CHECK(root_propagation(container).count("shared") == 0);
  CHECK_FALSE(peers.guest_to_host(container));
}

TEST_CASE("an unknown propagation is refused by name", "[rootfs_propagation]") {
  Bundle bundle;
  bundle.config["linux"]["rootfsPropagation"] = "sharedd";
  check_refused(bundle, {"sharedd"});
}

TEST_CASE("a volume's own propagation options are applied to it", "[rootfs_propagation][mounts]") {
  struct Row {
    const char* option;
    std::set<std::string> expected;
  };
  const Row rows[] = {{"shared", {"shared"}},
                      {"rshared", {"shared"}},
                      {"slave", {"master"}},
                      {"rslave", {"master"}},
                      {"private", {}},
                      {"rprivate", {}},
                      {"unbindable", {"unbindable"}},
                      {"runbindable", {"unbindable"}}};
  for (const Row& row : rows) {
    INFO(row.option);
    bool keeps_sharing = contains(row.option, "shared");
    Peers peers(keeps_sharing ? "shared" : "", {"rbind", row.option});
    fs::create_directory(peers.volume.path() / "below");
    HostMount below("tmpfs", "below", peers.volume.path() / "below");
    below.propagation(MS_SHARED);
    Container container(peers.bundle);
    REQUIRE_OK(container.create());
    CHECK(mount_on(container.pid(), "/vol").propagation == row.expected);
    bool recursive = row.option[0] == 'r';
    if (recursive) CHECK(mount_on(container.pid(), "/vol/below").propagation == row.expected);
    if (std::string(row.option) == "unbindable")
      CHECK(mount_on(container.pid(), "/vol/below").propagation.count("unbindable") == 0);
  }
}

TEST_CASE("a volume's later mounts are seen inside when it is slave, also by default",
          "[rootfs_propagation][mounts]") {
  for (const char* option : {"rslave", "slave", "rshared"}) {
    INFO(option);
    Peers peers("", {"rbind", option});
    Container container(peers.bundle);
    REQUIRE_OK(container.create());
    CHECK(peers.host_to_guest(container));
  }
}
