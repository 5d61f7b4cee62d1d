#include <catch2/catch.hpp>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "tests/unit/runtime/test_init.hpp"

using namespace ocx;
using namespace ocx::test;
using runtime::step::EnterRoot;
using runtime::step::MaskedPath;
using runtime::step::ReadonlyPath;
using runtime::step::RootMethod;
using runtime::step::SetReadOnly;
using runtime::step::Sysctl;

namespace {

const std::vector<std::vector<long>> kernels{
    {}, {SYS_mount_setattr}, {SYS_fsopen, SYS_open_tree, SYS_move_mount, SYS_mount_setattr, SYS_openat2}};

/// The body runs in the container's root, with /data/file, /data/dir/inner, /dev/null and a procfs.
std::string in_container(const std::vector<long>& missing, const std::function<void(TestInit&)>& body) {
  return in_mount_namespace([&] {
    if (!missing.empty()) hide_system_calls(missing);
    TestInit init;
    init.plan.enter.push_back({"", MaskedPath{}});
    init.attach();
    fs::create_directories("/mnt/root/data/dir");
    fs::create_directories("/mnt/root/dev");
    ::mknod("/mnt/root/dev/null", S_IFCHR | 0666, makedev(1, 3));
    std::ofstream("/mnt/root/data/file") << "secret";
    std::ofstream("/mnt/root/data/second") << "secret";
    std::ofstream("/mnt/root/data/dir/inner") << "secret";
    fs::create_symlink("nowhere", "/mnt/root/data/dangling");
    fs::create_symlink("/data/file", "/mnt/root/data/link");
    init.run(make_mount("proc", "proc", "/proc", {"nosuid", "noexec"}));
    init.run(EnterRoot{RootMethod::pivot});
    body(init);
  });
}

bool is_null(const std::string& path) {
  struct ::stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3);
}

}  // namespace

TEST_CASE("masked files are the null device, masked directories empty and read-only") {
  for (const auto& missing : kernels)
    CHECK(in_container(missing, [](TestInit& init) {
            for (const char* path :
                 {"/data/file", "/data/second", "/proc/version", "/data/dir", "/proc/sys", "/proc/no/such"})
              init.run(MaskedPath{path});
            for (const char* path : {"/data/file", "/data/second", "/proc/version"}) EXPECT(is_null(path));
            for (const char* path : {"/data/dir", "/proc/sys"}) {
              EXPECT(fs::is_empty(path));
              EXPECT(!std::ofstream(std::string(path) + "/new"));
              MountInfo info = init.mount_at(path);
              EXPECT(info.type == "tmpfs" && info.has("ro") && info.has("nosuid") && info.has("noexec"));
            }
          }) == "ok");
}

TEST_CASE("all masked directories share one superblock") {
  CHECK(in_container({}, [](TestInit& init) {
          init.run(MaskedPath{"/data/dir"});
          init.run(MaskedPath{"/proc/sys"});
          init.run(MaskedPath{"/proc/irq"});
          EXPECT(lstat_of("/data/dir").st_dev == lstat_of("/proc/sys").st_dev);
          EXPECT(lstat_of("/data/dir").st_dev == lstat_of("/proc/irq").st_dev);
        }) == "ok");
}

TEST_CASE("links: masked where they lead, refused when they lead nowhere") {
  for (const auto& missing : kernels)
    CHECK(in_container(missing, [](TestInit& init) {
            init.run(MaskedPath{"/data/link"});
            EXPECT(is_null("/data/file"));
            EXPECT(contains(init.error_of(MaskedPath{"/data/dangling"}),
                            "\"/data/dangling\": is a dangling symbolic link"));
            EXPECT(contains(init.error_of(ReadonlyPath{"/data/dangling"}), "dangling"));
            EXPECT(
                contains(init.error_of(MaskedPath{"/proc/self/root"}), "too many levels of symbolic links"));
            EXPECT(init.error_of(ReadonlyPath{"/data/none"}).empty());
          }) == "ok");
}

TEST_CASE("an image's /dev/null is no mask unless it is the null device (CVE-2025-31133)") {
  CHECK(in_container({}, [](TestInit& init) {
          ::unlink("/dev/null");
          fs::create_symlink("/proc/sys/kernel/core_pattern", "/dev/null");
          init.run(MaskedPath{"/data/file"});
          EXPECT(is_null("/data/file"));
          EXPECT(!is_null("/proc/sys/kernel/core_pattern"));
        }) == "ok");
  CHECK(in_container(kernels[2], [](TestInit& init) {
          ::unlink("/dev/null");
          EXPECT(!init.error_of(MaskedPath{"/data/file"}).empty());
          fs::create_symlink("/proc/sys/kernel/core_pattern", "/dev/null");
          EXPECT(contains(init.error_of(MaskedPath{"/data/file"}), "is not the null device"));
          EXPECT(!init.mount_at("/data/file").found);
        }) == "ok");
}

TEST_CASE("read-only paths keep the flags of their mount") {
  for (const auto& missing : kernels)
    CHECK(in_container(missing, [](TestInit& init) {
            for (const char* path : {"/data/dir", "/data/file", "/proc/sys", "/proc/no/such"})
              init.run(ReadonlyPath{path});
            EXPECT(!std::ofstream("/data/dir/new"));
            EXPECT(!std::ofstream("/data/file"));
            EXPECT(std::ofstream("/data/second"));
            EXPECT(fs::exists("/data/dir/inner"));
            MountInfo info = init.mount_at("/proc/sys");
            EXPECT(info.has("ro") && info.has("nosuid") && info.has("noexec"));
          }) == "ok");
}

TEST_CASE("the root and a late mount become read-only") {
  for (const auto& missing : kernels)
    CHECK(in_container(missing, [](TestInit& init) {
            std::ofstream("/data/dir/before") << "x";
            EXPECT(::mount("tmpfs", "/data/dir", "tmpfs", MS_NOSUID, nullptr) == 0);
            init.run(SetReadOnly{"/data/dir"});
            EXPECT(init.mount_at("/data/dir").has("ro") && init.mount_at("/data/dir").has("nosuid"));
            EXPECT(std::ofstream("/data/new"));
            init.run(SetReadOnly{"/"});
            EXPECT(!std::ofstream("/data/newer"));
            EXPECT(init.mount_at("/proc").has("rw"));
            EXPECT(!init.error_of(SetReadOnly{"/data"}).empty());
          }) == "ok");
}

TEST_CASE("a sysctl is written in the namespace of its own, and errors name it") {
  CHECK(in_mount_namespace(
            [] {
              TestInit init;
              init.run(Sysctl{"net/ipv4/ip_forward", "1"});
              EXPECT(init.proc.read("sys/net/ipv4/ip_forward") == "1\n");
              init.run(Sysctl{"kernel/msgmax", "4321"});
              EXPECT(init.proc.read("sys/kernel/msgmax") == "4321\n");
              std::string error = init.error_of(Sysctl{"net/ipv4/no_such", "5"});
              EXPECT(contains(error, "write sysctl \"net/ipv4/no_such\" = \"5\": no such file or directory"));
              EXPECT(contains(error, "no such setting"));
              EXPECT(contains(init.error_of(Sysctl{"net/ipv4/ip_forward", "much"}),
                              "\"much\": invalid argument"));
              EXPECT(::mount("tmpfs", "/proc/sys", "tmpfs", 0, nullptr) == 0);
              EXPECT(contains(init.error_of(Sysctl{"net/ipv4/ip_forward", "0"}), "mounted over"));
            },
            CLONE_NEWNET | CLONE_NEWIPC) == "ok");
}
