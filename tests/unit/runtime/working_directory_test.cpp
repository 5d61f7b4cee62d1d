// The three phases of the working directory, in a root of the test's own.
#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/error.hpp"
#include "tests/harness/forked.hpp"
#include "tests/unit/runtime/fake_init.hpp"

using namespace ocx;
using namespace ocx::test;
using Phase = runtime::step::EnterDirectory::Phase;

namespace {

void run(FakeInit& init, const std::string& path, Phase phase) {
  runtime::execute(init.context, runtime::step::EnterDirectory{path, phase});
}

std::string error_of(FakeInit& init, const std::string& path, Phase phase) {
  try {
    run(init, path, phase);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

bool has(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

std::string here() {
  char path[4096];
  return ::getcwd(path, sizeof path) == nullptr ? "?" : path;
}

mode_t mode_of(const char* path) {
  struct ::stat info {};
  return ::lstat(path, &info) == 0 ? info.st_mode : 0;
}

// Rootless bodies: /mnt is a fresh tmpfs, and the root of the context.
std::string in_root(const std::function<void(FakeInit&)>& body) {
  return in_mount_namespace([&] {
    FakeInit init("/mnt");
    body(init);
  });
}

}  // namespace

TEST_CASE("a missing working directory is made in the root with its parents, 0755") {
  CHECK(in_root([](FakeInit& init) {
          ::umask(0);
          run(init, "/a/b/c", Phase::make);
          EXPECT(mode_of("/mnt/a/b/c") == (S_IFDIR | 0755));
          EXPECT(mode_of("/mnt/a") == (S_IFDIR | 0755));
          run(init, "/a/b/c", Phase::make);
        }) == "ok");
}

TEST_CASE("a link on the way leads to a place in the root, not on the host") {
  CHECK(in_root([](FakeInit& init) {
          EXPECT(::mkdir("/mnt/inside", 0755) == 0);
          EXPECT(::symlink("/inside", "/mnt/link") == 0);
          run(init, "/link/made", Phase::make);
          EXPECT(S_ISDIR(mode_of("/mnt/inside/made")));
          EXPECT(mode_of("/inside") == 0);
        }) == "ok");
}

TEST_CASE("a working directory that is a file is refused") {
  CHECK(in_root([](FakeInit& init) {
          EXPECT(::close(::creat("/mnt/file", 0644)) == 0);
          EXPECT(has(error_of(init, "/file/below", Phase::make), "not a directory"));
          EXPECT(has(error_of(init, "/mnt/file", Phase::enter), "not a directory"));
        }) == "ok");
}

TEST_CASE("entering changes the directory; one that is missing says so") {
  CHECK(in_root([](FakeInit& init) {
          EXPECT(::mkdir("/mnt/d", 0755) == 0);
          run(init, "/mnt/d", Phase::enter);
          EXPECT(here() == "/mnt/d");
          EXPECT(!init.context.directory_denied);
          EXPECT(has(error_of(init, "/mnt/absent", Phase::enter), "no such file or directory"));
        }) == "ok");
}

TEST_CASE("what is denied before the user is set is tried again as the user, and only then") {
  CHECK(in_root([](FakeInit& init) {
          EXPECT(::mkdir("/mnt/own", 0700) == 0 && ::chown("/mnt/own", 1000, 1000) == 0);
          EXPECT(::mkdir("/mnt/other", 0755) == 0);
          run(init, "/mnt/other", Phase::enter);
          run(init, "/mnt/own", Phase::enter_as_user);  // nothing was denied
          EXPECT(here() == "/mnt/other");
          EXPECT(::setresuid(2000, 2000, 0) == 0);
          run(init, "/mnt/own", Phase::enter);
          EXPECT(init.context.directory_denied);
          EXPECT(has(error_of(init, "/mnt/own", Phase::enter_as_user), "permission denied"));
          EXPECT(::setresuid(0, 0, 0) == 0 && ::setresuid(1000, 1000, 1000) == 0);
          run(init, "/mnt/own", Phase::enter_as_user);
          EXPECT(here() == "/mnt/own");
        }) == "ok");
}

TEST_CASE("CVE-2024-21626: a directory outside of the root is refused") {
  CHECK(in_root([](FakeInit& init) {
          const int outside = ::open("/", O_PATH | O_DIRECTORY);
          EXPECT(::mkdir("/mnt/root", 0755) == 0 && ::mkdir("/mnt/root/proc", 0755) == 0);
          EXPECT(::mount("/proc", "/mnt/root/proc", nullptr, MS_BIND | MS_REC, nullptr) == 0);
          EXPECT(::chroot("/mnt/root") == 0 && ::chdir("/") == 0);
          const std::string path = "/proc/self/fd/" + std::to_string(outside);
          EXPECT(has(error_of(init, path, Phase::enter), "outside the container's root"));
        }) == "ok");
}
