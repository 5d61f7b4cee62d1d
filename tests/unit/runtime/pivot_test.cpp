#include <catch2/catch.hpp>
#include <sys/syscall.h>

#include "tests/unit/runtime/test_init.hpp"

using namespace ocx;
using namespace ocx::test;
using runtime::step::AttachRootfs;
using runtime::step::EnterRoot;
using runtime::step::RootfsPropagation;
using runtime::step::RootMethod;
using runtime::step::RootPropagation;

namespace {

const std::vector<std::vector<long>> kernels{
    {}, {SYS_mount_setattr}, {SYS_fsopen, SYS_open_tree, SYS_move_mount, SYS_mount_setattr, SYS_openat2}};

std::string with_init(const std::vector<long>& missing, const std::function<void(TestInit&)>& body) {
  return in_mount_namespace([&] {
    if (!missing.empty()) hide_system_calls(missing);
    TestInit init;
    std::ofstream("/mnt/root/marker") << "x";
    body(init);
  });
}

bool in_root(TestInit& init) {
  return fs::exists("/marker") && !fs::exists("/mnt") && fs::current_path() == "/" &&
         sys::fstat(init.context.root).st_ino == lstat_of("/").st_ino;
}

}  // namespace

TEST_CASE("the rootfs becomes a mount at its place") {
  for (const auto& missing : kernels)
    CHECK(with_init(missing, [](TestInit& init) {
            fs::create_directories("/mnt/root/below");
            EXPECT(::mount("tmpfs", "/mnt/root/below", "tmpfs", 0, nullptr) == 0);
            fs::create_symlink("/mnt/root", "/mnt/link");
            init.run(AttachRootfs{.path = "/mnt/link", .parent_private = false, .bind = true});
            EXPECT(mount_at("/mnt/root").found);
            std::ofstream("/mnt/root/below/seen") << "x";
            EXPECT(sys::try_openat(init.context.root, "below/seen", O_PATH));
            EXPECT(contains(
                init.error_of(AttachRootfs{.path = "/mnt/no", .parent_private = false, .bind = true}),
                "\"/mnt/no\""));
          }) == "ok");
  CHECK(with_init({}, [](TestInit& init) {
          init.run(AttachRootfs{.path = "/mnt/root", .parent_private = false, .bind = false});
          EXPECT(!mount_at("/mnt/root").found);
          EXPECT(sys::try_openat(init.context.root, "marker", O_PATH));
        }) == "ok");
}

TEST_CASE("the pivot leaves nothing of the host") {
  for (const auto& missing : kernels)
    CHECK(with_init(missing, [](TestInit& init) {
            init.run(RootPropagation{MS_SLAVE | MS_REC});
            init.attach();
            init.run(EnterRoot{RootMethod::pivot});
            EXPECT(in_root(init));
            std::string mounts = init.proc.read("self/mountinfo");
            EXPECT(std::count(mounts.begin(), mounts.end(), '\n') == 1);
            init.run(RootfsPropagation{MS_SHARED});
            EXPECT(contains(init.mount_at("/").optional, "shared:"));
            init.run(RootfsPropagation{MS_UNBINDABLE | MS_REC});
            EXPECT(contains(init.mount_at("/").optional, "unbindable"));
          }) == "ok");
}

// Here the host is a second process whose mounts are peers of the container's.
TEST_CASE("with a shared root the pivot does not unmount the host's mounts") {
  for (const auto& missing : kernels)
    CHECK(in_mount_namespace([&] {
            EXPECT(::mount(nullptr, "/", nullptr, MS_SHARED | MS_REC, nullptr) == 0);
            fs::create_directories("/mnt/root");
            fs::create_directories("/mnt/other");
            EXPECT(::mount("tmpfs", "/mnt/other", "tmpfs", 0, nullptr) == 0);
            std::ofstream("/mnt/other/alive") << "x";
            std::string child = forked([&] {
              EXPECT(::unshare(CLONE_NEWNS) == 0);
              if (!missing.empty()) hide_system_calls(missing);
              TestInit init;
              std::ofstream("/mnt/root/marker") << "x";
              init.run(RootPropagation{MS_SHARED});
              init.run(AttachRootfs{.path = "/mnt/root", .parent_private = true, .bind = true});
              init.run(EnterRoot{RootMethod::pivot});
              EXPECT(in_root(init));
            });
            if (child != "ok") throw std::runtime_error(child);
            EXPECT(fs::exists("/mnt/other/alive"));
            EXPECT(mount_at("/mnt/other").found);
            EXPECT(mount_at("/proc").found);
            EXPECT(!mount_at("/mnt/root").found);
          }) == "ok");
}

TEST_CASE("a private parent keeps the rootfs' mount from the host's peers, without it the pivot fails") {
  CHECK(with_init({}, [](TestInit& init) {
          EXPECT(::mount(nullptr, "/", nullptr, MS_SHARED | MS_REC, nullptr) == 0);
          init.run(AttachRootfs{.path = "/mnt/root", .parent_private = false, .bind = true});
          EXPECT(contains(init.error_of(EnterRoot{RootMethod::pivot}), "pivot_root"));
        }) == "ok");
}

TEST_CASE("the moved root shows nothing of the host either") {
  for (const auto& missing : kernels)
    CHECK(with_init(missing, [](TestInit& init) {
            init.attach();
            init.run(make_mount("proc", "proc", "/proc"));
            init.run(EnterRoot{RootMethod::move});
            EXPECT(in_root(init));
            EXPECT(fs::exists("/proc/self/status"));
            // Seen from the new root, mountinfo lists only what is reachable; ask for the file systems
            // instead.
            EXPECT(fs::exists("/marker"));
            EXPECT(!fs::exists("/proc/../mnt"));
          }) == "ok");
}

TEST_CASE("moving the root takes the host's proc and sysfs out of a user namespace's reach") {
  CHECK(in_mount_namespace([] {
          TestInit init;
          init.attach();
          init.run(EnterRoot{RootMethod::move});
          // Were an unmasked procfs left anywhere in this mount namespace, this would succeed
          // (mount_too_revealing).
          EXPECT(::unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS) == 0);
          std::string child = forked([] {
            fs::create_directories("/place");
            EXPECT(::mount("proc", "/place", "proc", 0, nullptr) != 0);
          });
          if (child != "ok") throw std::runtime_error(child);
        }) == "ok");
}

TEST_CASE("chroot is for containers without a mount namespace") {
  CHECK(with_init({}, [](TestInit& init) {
          init.run(AttachRootfs{.path = "/mnt/root", .parent_private = false, .bind = false});
          init.run(EnterRoot{RootMethod::chroot});
          EXPECT(in_root(init));
        }) == "ok");
}

TEST_CASE("a rootfs in a place init may not see is asked of the parent") {
  CHECK(in_mount_namespace([] {
          TestInit init;
          ::chmod("/mnt", 0700);
          ::chown("/mnt", 12345, 12345);
          EXPECT(::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
          const std::string error =
              init.error_of(AttachRootfs{.path = "/mnt/root", .parent_private = false, .bind = true});
          EXPECT(contains(error, "the parent was asked for /mnt/root"));
        }) == "ok");
}
