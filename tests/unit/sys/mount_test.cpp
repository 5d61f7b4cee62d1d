#include "sys/mount.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "sys/error.hpp"
#include "tests/harness/forked.hpp"

namespace fs = std::filesystem;
using namespace ocx;
using test::in_mount_namespace;

TEST_CASE("mount attributes as mount flags and as words") {
  struct Row {
    std::uint64_t attributes;
    unsigned long flags;
    const char* names;
  };
  const Row table[] = {
      {0, MS_RELATIME, ""},
      {MOUNT_ATTR_RDONLY, MS_RDONLY | MS_RELATIME, "MS_RDONLY"},
      {MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
       MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME, "MS_NOSUID|MS_NODEV|MS_NOEXEC"},
      {MOUNT_ATTR_NOATIME | MOUNT_ATTR_NODIRATIME, MS_NOATIME | MS_NODIRATIME, "MS_NODIRATIME|MS_NOATIME"},
      {MOUNT_ATTR_STRICTATIME, MS_STRICTATIME, "MS_STRICTATIME"},
      {MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW | MS_RELATIME, "MS_NOSYMFOLLOW"},
  };
  for (const Row& row : table) {
    CHECK(sys::to_mount_flags(row.attributes) == row.flags);
    CHECK(sys::mount_attribute_names(row.attributes) == row.names);
  }
}

TEST_CASE("attributes given at creation are the mount's") {
  CHECK(in_mount_namespace([] {
          for (std::uint64_t attributes :
               {std::uint64_t{0}, std::uint64_t{MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID},
                std::uint64_t{MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOATIME},
                std::uint64_t{MOUNT_ATTR_STRICTATIME | MOUNT_ATTR_NODIRATIME},
                std::uint64_t{MOUNT_ATTR_NOSYMFOLLOW}}) {
            sys::FdResult context = sys::FsContext::try_open("tmpfs");
            EXPECT(context);
            sys::FsContext tmpfs(std::move(context.fd));
            EXPECT(tmpfs.set_string("mode", "700") == 0);
            EXPECT(tmpfs.create() == 0);
            sys::FdResult mount = tmpfs.mount(static_cast<unsigned>(attributes));
            EXPECT(mount);
            EXPECT(sys::mount_attributes(mount.fd) == attributes);
            EXPECT((sys::fstat(mount.fd).st_mode & 07777) == 0700);
          }
        }) == "ok");
}

TEST_CASE("the kernel's own words about an option are told") {
  sys::FdResult context = sys::FsContext::try_open("tmpfs");
  REQUIRE(context);
  sys::FsContext tmpfs(std::move(context.fd));
  CHECK(tmpfs.set_string("sizee", "1m") == EINVAL);
  CHECK(tmpfs.messages() == "tmpfs: Unknown parameter 'sizee'");
  CHECK(tmpfs.messages().empty());
  CHECK(sys::FsContext::try_open("no-such-fs").error_number == ENODEV);
}

TEST_CASE("a clone is attached, changed and made private by descriptor") {
  CHECK(in_mount_namespace([] {
          fs::create_directories("/mnt/source/below");
          fs::create_directories("/mnt/target");
          EXPECT(::mount("tmpfs", "/mnt/source/below", "tmpfs", 0, nullptr) == 0);
          sys::UniqueFd tree =
              sys::open_tree(sys::FdRef::cwd(), "/mnt/source", OPEN_TREE_CLONE | AT_RECURSIVE);
          EXPECT(sys::try_mount_setattr(tree, true, MOUNT_ATTR_RDONLY, 0) == 0);
          sys::move_mount(tree, sys::openat(sys::FdRef::cwd(), "/mnt/target", O_PATH | O_CLOEXEC));
          EXPECT(!std::ofstream("/mnt/target/x"));
          EXPECT(!std::ofstream("/mnt/target/below/x"));
          EXPECT(std::ofstream("/mnt/source/x"));
          EXPECT(sys::try_mount_setattr(tree, false, 0, MOUNT_ATTR_RDONLY) == 0);
          EXPECT(std::ofstream("/mnt/target/x"));
          EXPECT(!std::ofstream("/mnt/target/below/x"));
          sys::umount2("/mnt/target", MNT_DETACH);
          EXPECT(!fs::exists("/mnt/target/x"));
        }) == "ok");
  CHECK(in_mount_namespace([] { sys::open_tree(sys::FdRef::cwd(), "/nowhere", OPEN_TREE_CLONE); }) ==
        "open_tree \"/nowhere\": no such file or directory");
  CHECK(sys::try_umount2("/nowhere", 0) == ENOENT);
}
