// The executable that enters a container, each way it is made unwritable: the test is itself the program that
// executes itself again.
#include "runtime/sealed_self.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "sys/file.hpp"
#include "sys/sealed_file.hpp"
#include "tests/harness/forked.hpp"

using namespace ocx;
using namespace ocx::test;

namespace {

constexpr const char* hidden_tag = "[.sealed_self_child]";

/// Runs the hidden test case below in this executable, that way; its exit status.
int run_sealed(const char* way) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("OCX_SEAL", way, 1);
    const int null = ::open("/dev/null", O_WRONLY);
    ::dup2(null, 1);
    ::execl("/proc/self/exe", "sealed", hidden_tag, nullptr);
    ::_exit(99);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

}  // namespace

// In the process that run_sealed() makes; comes by twice, the second time from the sealed executable.
TEST_CASE("child of the sealed executable's tests", "[.sealed_self_child]") {
  const char* way = std::getenv("OCX_SEAL");
  REQUIRE(way != nullptr);
  const std::string wanted = way;
  char name[] = "sealed", tag[] = "[.sealed_self_child]";
  char* argv[] = {name, tag, nullptr};
  runtime::reexec_from_sealed_copy(argv, environ);
  const sys::UniqueFd self = sys::openat(sys::FdRef::cwd(), "/proc/self/exe", O_RDONLY);
  CHECK(sys::is_sealed(self) == (wanted == "memfd"));
  if (wanted == "mount") CHECK(sys::on_read_only_mount(self));
  // Nobody else may have it open for execution when it is to be written: not even root gets a writable one.
  const int writable = ::open("/proc/self/exe", O_WRONLY);
  CHECK(writable < 0);
  CHECK((errno == EROFS || errno == ETXTBSY || errno == EPERM));
}

TEST_CASE("ocx runs from a read-only mount of itself") {
  CHECK(run_sealed("mount") == 0);
}

TEST_CASE("ocx runs from a sealed copy in memory") {
  CHECK(run_sealed("memfd") == 0);
}

TEST_CASE("a descriptor of the sealed copy is not writable even when nothing executes it") {
  const sys::UniqueFd self = sys::openat(sys::FdRef::cwd(), "/proc/self/exe", O_RDONLY);
  CHECK_FALSE(sys::is_sealed(self));
  const sys::FdResult copy = sys::try_sealed_copy(self, "copy");
  REQUIRE(copy);
  CHECK(sys::is_sealed(copy.fd));
  CHECK(sys::fstat(copy.fd).st_size == sys::fstat(self).st_size);
  CHECK(::write(copy.fd.ref().raw(), "x", 1) == -1);
  CHECK(errno == EPERM);
  CHECK(::ftruncate(copy.fd.ref().raw(), 0) == -1);
}
