#include "sys/procfs.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "sys/error.hpp"
#include "tests/harness/forked.hpp"

using namespace ocx;
using test::in_mount_namespace;

TEST_CASE("procfs opens what is its own, by openat2 and without") {
  for (bool by_kernel : {true, false})
    CHECK(in_mount_namespace([&] {
            sys::Procfs proc = sys::Procfs::open_host();
            if (!by_kernel) test::hide_system_calls({SYS_openat2});
            EXPECT(proc.read("self/status").find("Name:") == 0);
            EXPECT(proc.try_open("self/root", O_PATH).error_number == ELOOP);
            EXPECT(proc.try_open("self/fd/0", O_RDONLY).error_number == ELOOP);
            EXPECT(proc.try_open("nothing", O_RDONLY).error_number == ENOENT);
            EXPECT(proc.try_write("self/comm", "renamed") == 0);
            EXPECT(proc.read("self/comm") == "renamed\n");
          }) == "ok");
}

TEST_CASE("what is mounted over a part of /proc is not read") {
  for (bool by_kernel : {true, false})
    CHECK(in_mount_namespace([&] {
            sys::Procfs proc = sys::Procfs::open_host();
            std::ofstream("/mnt/fake") << "fake";
            EXPECT(::mount("/mnt/fake", "/proc/version", nullptr, MS_BIND, nullptr) == 0);
            EXPECT(::mount("tmpfs", "/proc/sys", "tmpfs", 0, nullptr) == 0);
            std::ofstream("/proc/sys/setting") << "fake";
            if (!by_kernel) test::hide_system_calls({SYS_openat2});
            EXPECT(proc.try_open("version", O_RDONLY).error_number == EXDEV);
            EXPECT(proc.try_write("sys/setting", "1") == EXDEV);
            std::string message;
            try {
              proc.write("sys/setting", "1");
            } catch (const Error& error) {
              message = error.what();
            }
            EXPECT(message.find("write \"/proc/sys/setting\"") != std::string::npos);
            EXPECT(message.find("mounted over") != std::string::npos);
          }) == "ok");
}

TEST_CASE("a /proc that is none is refused") {
  CHECK(in_mount_namespace([] {
          EXPECT(::mount("tmpfs", "/proc", "tmpfs", 0, nullptr) == 0);
          sys::Procfs::open_host();
        }).find("not the root of a proc file system") != std::string::npos);
  CHECK(in_mount_namespace([] {
          EXPECT(::mount("/proc/sys", "/proc", nullptr, MS_BIND, nullptr) == 0);
          sys::Procfs::open_host();
        }).find("not the root of a proc file system") != std::string::npos);
}
