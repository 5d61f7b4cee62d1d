// Core scheduling by annotation.
#include "spec/core_scheduling.hpp"

#include <catch2/catch.hpp>

#include "sys/error.hpp"

using namespace ocx;

namespace {

std::optional<spec::CoreScheduling> parse(const std::string& value,
                                          const std::vector<std::string>& joined = {}) {
  spec::Linux linux;
  for (const std::string& path : joined) linux.namespaces.push_back({0, path});
  return spec::parse_core_scheduling({{"org.ocx.core-scheduling", value}}, linux);
}

}  // namespace

TEST_CASE("core scheduling: absent, new, a process") {
  CHECK_FALSE(spec::parse_core_scheduling({{"org.ocx.core", "new"}}, {}));
  CHECK(parse("new")->share_with == 0);
  CHECK(parse("pid:4711")->share_with == 4711);
  CHECK(parse("new", {"/proc/5/ns/ipc"})->share_with == 0);
}

TEST_CASE("core scheduling: a pod is who owns the namespaces that are joined") {
  CHECK(parse("pod")->share_with == 0);
  CHECK(parse("pod", {"", "/run/netns/cni", "/proc/31/ns/ipc", "/proc/32/ns/uts"})->share_with == 31);
  // Nobody's number.
  for (const char* path : {"/proc/self/ns/ipc", "/proc/31/root/ns/ipc", "/proc/31", "/proc/-1/ns/ipc",
                           "/proc/99999999999/ns/ipc", "/procs/31/ns/ipc", "/proc//ns/ipc"}) {
    INFO(path);
    CHECK(parse("pod", {path})->share_with == 0);
  }
}

TEST_CASE("core scheduling: other values are refused") {
  for (const char* value :
       {"", "yes", "pid:", "pid:0", "pid:-1", "pid:x", "pid:2147483648", "pid:1 ", "New "}) {
    INFO(value);
    try {
      parse(value);
      FAIL_CHECK("accepted");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::invalid_config);
      CHECK(error.origin() == "/annotations/org.ocx.core-scheduling");
    }
  }
}
