// ocx-systemd, which speaks with systemd for ocx.
#include <catch2/catch.hpp>
#include <sys/socket.h>

#include "tests/harness/container.hpp"

using namespace ocx::test;

// A request of a parent that has died before the helper could ask for its death signal would be carried out
// after `delete --force` had found nothing to undo.
TEST_CASE("the helper serves nobody but its parent", "[systemd][crash]") {
  ONLY_OCX("the helper is ocx's");
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  const Fd ours(ends[0]);
  const Fd theirs(ends[1]);
  REQUIRE(::send(ours.get(), "x", 1, 0) == 1);
  RunOptions options;
  options.fds = {{7, theirs.get()}};
  const Path helper = Path(runtime_path()).parent_path() / "ocx-systemd";
  REQUIRE(std::filesystem::exists(helper));
  const Result result = run({"/bin/sh", "-c", "\"$0\" system <&7; exit $?", helper}, options);
  CHECK(result.status == 1);
  char answer;
  CHECK(::recv(ours.get(), &answer, 1, MSG_DONTWAIT) <= 0);
}
