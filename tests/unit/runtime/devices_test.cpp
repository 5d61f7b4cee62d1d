#include <catch2/catch.hpp>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "tests/unit/runtime/test_init.hpp"

using namespace ocx;
using namespace ocx::test;
using runtime::step::DeviceNode;
using runtime::step::MakeDevice;
using runtime::step::MakeLink;

namespace {

MakeDevice device(char type, const std::string& path, dev_t number, mode_t mode = 0666, uid_t uid = 0,
                  gid_t gid = 0, bool bind = false) {
  return {{.type = type,
           .path = path,
           .device = number,
           .mode = mode,
           .uid = uid,
           .gid = gid,
           .bind = bind,
           .origin = "/linux/devices/2"}};
}

std::string with_init(const std::function<void(TestInit&)>& body) {
  return in_mount_namespace([&] {
    TestInit init;
    init.attach();
    body(init);
  });
}

}  // namespace

TEST_CASE("nodes are made with type, numbers, mode and owner, whatever the umask") {
  CHECK(with_init([](TestInit& init) {
          ::umask(077);
          init.run(device('c', "/dev/null", makedev(1, 3)));
          init.run(device('b', "/deep/er/disk", makedev(7, 5), 0640, 3, 4));
          init.run(device('p', "/run/fifo", 0, 0604));
          struct ::stat null = lstat_of("/mnt/root/dev/null"), disk = lstat_of("/mnt/root/deep/er/disk"),
                        fifo = lstat_of("/mnt/root/run/fifo");
          EXPECT(null.st_mode == (S_IFCHR | 0666) && null.st_rdev == makedev(1, 3));
          EXPECT(disk.st_mode == (S_IFBLK | 0640) && disk.st_rdev == makedev(7, 5) && disk.st_uid == 3 &&
                 disk.st_gid == 4);
          EXPECT(fifo.st_mode == (S_IFIFO | 0604));
          EXPECT(lstat_of("/mnt/root/deep").st_mode == (S_IFDIR | 0755));
        }) == "ok");
}

TEST_CASE("a matching node is taken over, any other file is an error") {
  CHECK(with_init([](TestInit& init) {
          fs::create_directories("/mnt/root/dev");
          ::mknod("/mnt/root/dev/null", S_IFCHR | 0600, makedev(1, 3));
          init.run(device('c', "/dev/null", makedev(1, 3), 0666, 5, 6));
          struct ::stat null = lstat_of("/mnt/root/dev/null");
          EXPECT(null.st_mode == (S_IFCHR | 0666) && null.st_uid == 5 && null.st_gid == 6);
          std::ofstream("/mnt/secret") << "secret";
          ::chmod("/mnt/secret", 0600);
          fs::create_symlink("/dev/null", "/mnt/root/dev/link");
          fs::create_symlink("/mnt/secret", "/mnt/root/dev/outside");
          std::ofstream("/mnt/root/dev/file") << "x";
          fs::create_directories("/mnt/root/dev/dir");
          ::mknod("/mnt/root/dev/other", S_IFCHR | 0600, makedev(1, 5));
          ::mknod("/mnt/root/dev/block", S_IFBLK | 0600, makedev(1, 3));
          for (const char* name : {"link", "outside", "file", "dir", "other", "block"})
            for (bool bind : {false, true}) {
              std::string error =
                  init.error_of(device('c', std::string("/dev/") + name, makedev(1, 3), 0666, 0, 0, bind));
              if (bind) {
                EXPECT(!error.empty());
                continue;
              }
              EXPECT(contains(
                  error, "device \"/dev/" + std::string(name) + "\" (c 1:3): another file is already there"));
              EXPECT(contains(error, "(/linux/devices/2)"));
            }
          EXPECT(lstat_of("/mnt/secret").st_mode == (S_IFREG | 0600));
        }) == "ok");
}

TEST_CASE("without mknod the host's node is bound, and only when it is the same device") {
  for (bool classic : {false, true})
    CHECK(with_init([&](TestInit& init) {
            if (classic) hide_system_calls({SYS_open_tree, SYS_move_mount, SYS_openat2});
            init.run(device('c', "/dev/null", makedev(1, 3), 0666, 0, 0, true));
            EXPECT(lstat_of("/mnt/root/dev/null").st_rdev == makedev(1, 3));
            EXPECT(mount_at("/mnt/root/dev/null").found);
            init.run(device('c', "/dev/null", makedev(1, 3), 0666, 0, 0, true));
            EXPECT(contains(init.error_of(device('c', "/dev/zero", makedev(1, 3), 0666, 0, 0, true)),
                            "another file"));
            EXPECT(contains(init.error_of(device('c', "/dev/nosuch", makedev(1, 3), 0666, 0, 0, true)),
                            "no such file or directory (/linux/devices/2)"));
            EXPECT(!fs::exists("/mnt/root/dev/nosuch"));
            std::ofstream("/mnt/root/dev/full") << "content";
            EXPECT(contains(init.error_of(device('c', "/dev/full", makedev(1, 7), 0666, 0, 0, true)),
                            "already there"));
          }) == "ok");
}

TEST_CASE("in a user namespace mknod's EPERM leads to the bind") {
  CHECK(in_mount_namespace([] {
          EXPECT(::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
          std::ofstream("/proc/self/setgroups") << "deny";
          std::ofstream("/proc/self/uid_map") << "0 0 1";
          std::ofstream("/proc/self/gid_map") << "0 0 1";
          TestInit init;
          init.attach();
          init.run(device('c', "/dev/null", makedev(1, 3)));
          EXPECT(mount_at("/mnt/root/dev/null").found);
          EXPECT(lstat_of("/mnt/root/dev/null").st_rdev == makedev(1, 3));
          runtime::step::Mount dev = make_mount("tmpfs", "tmpfs", "/dev", {"mode=755"});
          dev.devices = {device('c', "/dev/zero", makedev(1, 5)).node};
          init.run(dev);
          EXPECT(lstat_of("/mnt/root/dev/zero").st_rdev == makedev(1, 5));
        }) == "ok");
}

TEST_CASE("an image's /dev that is a link to the host stays inside (CVE-2026-41579)") {
  CHECK(with_init([](TestInit& init) {
          fs::create_directories("/mnt/victim");
          std::ofstream("/mnt/victim/ptmx") << "keep";
          fs::create_symlink("/mnt/victim", "/mnt/root/dev");
          init.run(device('c', "/dev/null", makedev(1, 3)));
          init.run(MakeLink{{.target = "pts/ptmx", .path = "/dev/ptmx", .replace = true}});
          EXPECT(!fs::exists("/mnt/victim/null"));
          EXPECT(fs::is_regular_file("/mnt/victim/ptmx") && fs::file_size("/mnt/victim/ptmx") == 4);
          EXPECT(lstat_of("/mnt/root/mnt/victim/null").st_rdev == makedev(1, 3));
          EXPECT(fs::read_symlink("/mnt/root/mnt/victim/ptmx") == "pts/ptmx");
        }) == "ok");
}

TEST_CASE("links are made, kept or replaced") {
  CHECK(with_init([](TestInit& init) {
          fs::create_directories("/mnt/root/dev/dir");
          std::ofstream("/mnt/root/dev/file") << "x";
          init.run(MakeLink{{.target = "/a", .path = "/dev/new"}});
          init.run(MakeLink{{.target = "/b", .path = "/dev/new"}});
          EXPECT(fs::read_symlink("/mnt/root/dev/new") == "/a");
          init.run(MakeLink{{.target = "/b", .path = "/dev/new", .replace = true}});
          EXPECT(fs::read_symlink("/mnt/root/dev/new") == "/b");
          init.run(MakeLink{{.target = "/b", .path = "/dev/file", .replace = true}});
          EXPECT(fs::read_symlink("/mnt/root/dev/file") == "/b");
          EXPECT(contains(init.error_of(MakeLink{{.target = "/b", .path = "/dev/dir", .replace = true}}),
                          "/dev/dir"));
        }) == "ok");
}
