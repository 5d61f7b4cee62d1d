// Core scheduling by annotation. Few kernels and machines have it: the rest is about what they say.
#include <catch2/catch.hpp>
#include <sys/prctl.h>

#include <cerrno>

#include "tests/integration/mount_table.hpp"

using namespace ocx::test;

namespace {

constexpr const char* annotation = "org.ocx.core-scheduling";

/// errno of asking for this process's cookie.
int missing() {
  unsigned long cookie = 0;
  return ::prctl(62 /* PR_SCHED_CORE */, 0UL, 0UL, 0UL, &cookie) == 0 ? 0 : errno;
}

std::string cookie_of(Container& container) {
  Result result = container.command({"exec", container.id(), "/bin/probe", "cookie"});
  REQUIRE_OK(result);
  return result.out;
}

}  // namespace

TEST_CASE("core scheduling that can't be had is an error, with the reason", "[core-scheduling][errors]") {
  ONLY_OCX("an annotation of its own");
  if (missing() == 0) SKIP_TEST("this machine has core scheduling");
  Bundle bundle;
  bundle.config["annotations"][annotation] = "new";
  check_refused(bundle, {missing() == ENODEV ? "more than one thread" : "CONFIG_SCHED_CORE",
                         "(/annotations/org.ocx.core-scheduling)", "leave the annotation out"});
  bundle.config["annotations"][annotation] = "nwe";
  check_refused(bundle, {"unknown value \"nwe\"", "use new, pod, or pid:N"});
}

TEST_CASE("core scheduling: a cookie of its own, shared by exec and by the pod", "[core-scheduling][smt]") {
  ONLY_OCX("an annotation of its own");
  if (missing() != 0) SKIP_TEST("no core scheduling here, or no core with two threads");
  Bundle sandbox, other, alone;
  for (Bundle* bundle : {&sandbox, &other}) bundle->config["annotations"][annotation] = "pod";
  alone.config["annotations"][annotation] = "new";
  Container first(sandbox), second(other), third(alone);
  REQUIRE_OK(first.create());
  REQUIRE_OK(first.start());
  other.remove_namespace("ipc");
  other.add_namespace("ipc", "/proc/" + std::to_string(first.pid()) + "/ns/ipc");
  for (Container* container : {&second, &third}) {
    REQUIRE_OK(container->create());
    REQUIRE_OK(container->start());
  }
  const std::string cookie = cookie_of(first);
  CHECK(cookie != "0\n");
  CHECK(cookie_of(second) == cookie);
  CHECK(cookie_of(third) != "0\n");
  CHECK(cookie_of(third) != cookie);

  Bundle plain({"/bin/probe", "cookie"});
  CHECK(Container(plain).output() == "0\n");
}
