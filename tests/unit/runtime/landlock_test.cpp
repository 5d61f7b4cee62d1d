// Landlock rules in force, as the kernel has them.
#include "sys/landlock.hpp"

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/harness/skip.hpp"
#include "tests/unit/runtime/fake_init.hpp"
#include "tests/unit/runtime/test_init.hpp"

using namespace ocx;
using namespace ocx::test;

namespace {

void restrict_to(const std::map<std::string, std::string>& annotations) {
  FakeInit init;
  const spec::LandlockRules rules =
      spec::fit_landlock(spec::parse_landlock(annotations).value(), sys::try_landlock_abi());
  runtime::execute(init.context, runtime::step::Landlock{rules});
}

std::string error_of(const std::map<std::string, std::string>& annotations) {
  try {
    restrict_to(annotations);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

int open_error(const char* path, int flags) {
  const int fd = ::open(path, flags | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  ::close(fd);
  return 0;
}

int bind_error(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  const int error = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
  ::close(fd);
  return error;
}

}  // namespace

#define NEEDS_LANDLOCK(version) \
  if (sys::try_landlock_abi() < (version)) SKIP_TEST("the kernel has no Landlock of that version")

TEST_CASE("Landlock rules allow what they say, and nothing else") {
  NEEDS_LANDLOCK(3);
  CHECK(in_mount_namespace([] {
          fs::create_directories("/mnt/in");
          std::ofstream("/mnt/file") << "x";
          std::ofstream("/mnt/in/file") << "x";
          restrict_to({{"org.ocx.landlock.fs", "read:/mnt;read,write:/mnt/in"}});
          EXPECT(open_error("/mnt/file", O_RDONLY) == 0);
          EXPECT(open_error("/mnt/file", O_WRONLY) == EACCES);
          EXPECT(open_error("/mnt/new", O_WRONLY | O_CREAT) == EACCES);
          EXPECT(open_error("/mnt/in/new", O_WRONLY | O_CREAT) == 0);
          EXPECT(open_error("/etc/passwd", O_RDONLY) == EACCES);
          EXPECT(::truncate("/mnt/file", 0) == -1 && errno == EACCES);
          EXPECT(::truncate("/mnt/in/file", 0) == 0);
        }) == "ok");
}

TEST_CASE("a rule for a file takes those rights that files have") {
  NEEDS_LANDLOCK(1);
  CHECK(forked([] {
          restrict_to({{"org.ocx.landlock.fs", "read:/etc/passwd"}});
          EXPECT(open_error("/etc/passwd", O_RDONLY) == 0);
          EXPECT(open_error("/etc/group", O_RDONLY) == EACCES);
        }) == "ok");
  CHECK(forked([] {
          contains(error_of({{"org.ocx.landlock.fs", "make-dir:/etc/passwd"}}), "rights in directories");
        }) == "ok");
}

TEST_CASE("Landlock rules for TCP: the ports named, no others") {
  NEEDS_LANDLOCK(4);
  CHECK(in_mount_namespace(
            [] {
              restrict_to({{"org.ocx.landlock.tcp", "bind:8080"}});
              EXPECT(bind_error(8080) == 0);
              EXPECT(bind_error(8081) == EACCES);
              EXPECT(open_error("/etc/passwd", O_RDONLY) == 0);  // files are not handled
            },
            CLONE_NEWNET) == "ok");
}

TEST_CASE("a path that is not there is an error with the annotation's place") {
  NEEDS_LANDLOCK(1);
  CHECK(forked([] {
          const std::string error = error_of({{"org.ocx.landlock.fs", "read:/no/such"}});
          contains(error, "Landlock rule for \"/no/such\": no such file or directory");
          contains(error, "(/annotations/org.ocx.landlock.fs)");
        }) == "ok");
}

TEST_CASE("rules without the right to lay them on are an error with a remedy") {
  NEEDS_LANDLOCK(1);
  CHECK(forked([] {
          EXPECT(::setresuid(65534, 65534, 65534) == 0);
          contains(error_of({{"org.ocx.landlock.fs", "read:/"}}), "set process.noNewPrivileges");
        }) == "ok");
}

TEST_CASE("a kernel without Landlock says so") {
  CHECK(forked([] {
          hide_system_calls({444});
          EXPECT(sys::try_landlock_abi() == -ENOSYS);
        }) == "ok");
}
