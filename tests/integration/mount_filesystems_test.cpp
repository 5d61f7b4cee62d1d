// Kernel file systems in a container: tmpfs, proc, sysfs, devpts, mqueue (config-linux.md "Default
// Filesystems").
#include <catch2/catch.hpp>
#include <sys/statfs.h>
#include <unistd.h>

#include "tests/integration/mount_table.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

TEST_CASE("a tmpfs has the size, mode and owner of its options", "[mounts][tmpfs]") {
  Bundle bundle;
  bundle.add_mount(tmpfs_mount("/data", {"size=128k", "mode=1731", "uid=12", "gid=34", "nr_inodes=40"}));
  Container container(bundle);
  REQUIRE_OK(container.create());
  struct stat facts = stat_inside(container.pid(), "/data");
  CHECK((facts.st_mode & 07777) == 01731);
  CHECK(facts.st_uid == 12);
  CHECK(facts.st_gid == 34);
  struct statfs room {};
  REQUIRE(statfs(inside(container.pid(), "/data").c_str(), &room) == 0);
  CHECK(room.f_blocks * static_cast<unsigned long>(room.f_bsize) == 128 * 1024);
  CHECK(room.f_files == 40);
}

TEST_CASE("a tmpfs without a mode takes that of the directory it covers", "[mounts][tmpfs]") {
  Bundle bundle;
  fs::create_directory(bundle.rootfs() / "private");
  chmod((bundle.rootfs() / "private").c_str(), 0710);
  bundle.add_mount(tmpfs_mount("/tmp"));
  bundle.add_mount(tmpfs_mount("/private"));
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK((stat_inside(container.pid(), "/tmp").st_mode & 07777) == 01777);
  CHECK((stat_inside(container.pid(), "/private").st_mode & 07777) == 0710);
}

TEST_CASE("tmpcopyup begins with what the image has there, and the image keeps its own",
          "[mounts][tmpcopyup][contract]") {
  Bundle bundle;
  bundle.shell(
      "cat /data/below/file /data/link; echo new > /data/below/file; echo x > /data/more; rm /data/link");
  Path data = bundle.rootfs() / "data";
  write_file(data / "below/file", "old\n", 0640);
  fs::create_symlink("below/file", data / "link");
  REQUIRE(chown((data / "below/file").c_str(), 7, 8) == 0);
  REQUIRE(chown((data / "below").c_str(), 7, 0) == 0);
  chmod((data / "below").c_str(), 0751);
  bundle.capabilities({"CAP_DAC_OVERRIDE"});
  bundle.add_mount(tmpfs_mount("/data", {"tmpcopyup", "mode=750"}));
  Container container(bundle);
  Result created = container.create();
  REQUIRE_OK(created);
  CHECK(mount_on(container.pid(), "/data").type == "tmpfs");
  struct stat file = stat_inside(container.pid(), "/data/below/file");
  CHECK((file.st_mode & 07777) == 0640);
  CHECK(file.st_uid == 7);
  CHECK(file.st_gid == 8);
  CHECK((stat_inside(container.pid(), "/data/below").st_mode & 07777) == 0751);
  CHECK(fs::read_symlink(inside(container.pid(), "/data/link")) == "below/file");
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  CHECK(created.out_now() == "old\nold\n");
  CHECK(read_file(data / "below/file") == "old\n");
  CHECK_FALSE(fs::exists(data / "more"));
  CHECK(fs::is_symlink(data / "link"));
}

TEST_CASE("tmpcopyup follows no link out of the image", "[mounts][tmpcopyup][security]") {
  Bundle bundle;
  write_file(bundle.scratch() / "secret/file", "secret of the host\n");
  fs::create_directory(bundle.rootfs() / "data");
  fs::create_symlink(bundle.scratch() / "secret", bundle.rootfs() / "data/directory");
  fs::create_symlink(bundle.scratch() / "secret/file", bundle.rootfs() / "data/file");
  bundle.add_mount(tmpfs_mount("/data", {"tmpcopyup"}));
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(fs::is_symlink(inside(container.pid(), "/data/directory")));
  CHECK(fs::is_symlink(inside(container.pid(), "/data/file")));
}

TEST_CASE("tmpcopyup with ro is filled and then read-only", "[mounts][tmpcopyup]") {
  Bundle bundle({"/bin/probe", "try", "open", "/data/file", "create", "/data/other"});
  write_file(bundle.rootfs() / "data/file", "x");
  bundle.add_mount(tmpfs_mount("/data", {"tmpcopyup", "ro"}));
  Container container(bundle);
  CHECK(container.output() == "ok\nEROFS\n");
}

TEST_CASE("a read-only tmpfs still takes the mounts that come after it", "[mounts][tmpfs]") {
  Bundle bundle({"/bin/probe", "try", "create", "/data/file", "create", "/data/below/file"});
  bundle.add_mount(tmpfs_mount("/data", {"ro"}));
  bundle.add_mount(tmpfs_mount("/data/below"));
  Container container(bundle);
  CHECK(container.output() == "EROFS\nok\n");
}

TEST_CASE("the default file systems are the kernel's own, new for the container", "[mounts]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  pid_t pid = container.pid();
  CHECK(mount_on(pid, "/proc").type == "proc");
  CHECK(mount_on(pid, "/sys").type == "sysfs");
  CHECK(mount_on(pid, "/sys").has("ro"));
  CHECK(mount_on(pid, "/dev").type == "tmpfs");
  CHECK(mount_on(pid, "/dev/pts").type == "devpts");
  CHECK(mount_on(pid, "/dev/pts").superblock.count("ptmxmode=666") == 1);
  CHECK(mount_on(pid, "/dev/pts").superblock.count("gid=5") == 1);
  CHECK(mount_on(pid, "/dev/shm").superblock.count("size=65536k") == 1);
  CHECK((stat_inside(pid, "/dev/shm").st_mode & 07777) == 01777);
  CHECK((stat_inside(pid, "/dev").st_mode & 07777) == 0755);
  CHECK(mount_on(pid, "/dev/mqueue").type == "mqueue");
  for (const char* target : {"/proc", "/dev/pts", "/dev/mqueue"}) {
    struct stat here {};
    std::string own = target == std::string("/proc") ? "/proc" : "/dev/pts";
    if (stat(own.c_str(), &here) == 0) CHECK(stat_inside(pid, target).st_dev != here.st_dev);
  }
}

TEST_CASE("/proc shows the container's processes only", "[mounts][proc]") {
  Bundle bundle;
  bundle.shell("set -- /proc/[0-9]*; echo $#; read name < /proc/1/comm; echo $name");
  Container container(bundle);
  CHECK(container.output() == "1\nsh\n");
}

TEST_CASE("options of proc are applied: hidepid and subset", "[mounts][proc]") {
  Bundle bundle;
  bundle.find_mount("/proc")->update({{"options", {"nosuid", "nodev", "noexec", "hidepid=2"}}});
  Container container(bundle);
  REQUIRE_OK(container.create());
  MountEntry proc = mount_on(container.pid(), "/proc");
  CHECK(proc.has("noexec"));
  CHECK((proc.superblock.count("hidepid=invisible") == 1 || proc.superblock.count("hidepid=2") == 1));
}

TEST_CASE("message queues are the container's own, also when they are many", "[mounts]") {
  Bundle bundle;
  bundle.shell("ls /dev/mqueue | wc -l; echo > /dev/mqueue/own 2>/dev/null; ls /dev/mqueue | wc -l");
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK((stat_inside(container.pid(), "/dev/mqueue").st_mode & 07777) == 01777);
}

TEST_CASE("an overlay is mounted with long options", "[mounts]") {
  Bundle bundle;
  std::string lower;
  for (int i = 0; i < 12; ++i) {
    Path layer = bundle.scratch() / ("a-layer-with-quite-a-long-name-" + std::to_string(i));
    write_file(layer / ("file" + std::to_string(i)), "x");
    lower += (lower.empty() ? "" : ":") + layer.string();
  }
  REQUIRE(lower.size() > 256);
  bundle.add_mount({{"destination", "/data"},
                    {"type", "overlay"},
                    {"source", "overlay"},
                    {"options", {"lowerdir=" + lower, "ro"}}});
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(names_in(inside(container.pid(), "/data")).size() == 12);
  CHECK(mount_on(container.pid(), "/data").has("ro"));
}
