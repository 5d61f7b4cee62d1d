// Namespaces joined by path that are not what the configuration takes them for.
#include <catch2/catch.hpp>

#include "tests/harness/container.hpp"

using namespace ocx::test;

TEST_CASE("sysctl of a network namespace that is the host's is refused", "[namespaces][security]") {
  const std::string before = read_file("/proc/sys/net/ipv4/ip_forward");
  Bundle bundle;
  bundle.add_namespace("network", "/proc/self/ns/net");
  bundle.config["linux"]["sysctl"] = {{"net.ipv4.ip_forward", before == "1\n" ? "0" : "1"}};
  Container container(bundle);
  const Result result = container.create();
  CHECK(result.status == 1);
  CHECK(read_file("/proc/sys/net/ipv4/ip_forward") == before);
}

TEST_CASE("mappings that differ from those of the joined user namespace are refused", "[userns]") {
  Bundle owner({"/bin/probe", "pause"});
  owner.use_user_namespace();
  Container first(owner);
  REQUIRE_OK(first.create());
  Bundle guest({"/bin/probe", "exit", "0"});
  guest.use_user_namespace();
  guest.add_namespace("user", "/proc/" + std::to_string(first.pid()) + "/ns/user");

  SECTION("the same are accepted") {
    Container second(guest);
    REQUIRE_OK(second.create());
  }
  SECTION("others are an error that names them") {
    ONLY_OCX("runc 1.1 takes no mappings beside a path");
    guest.config["linux"]["uidMappings"][0]["hostID"] = 200000;
    Container second(guest);
    const Result result = second.create();
    CHECK(result.status == 1);
    CHECK(contains(error_message(result), "/linux/uidMappings"));
  }
}

TEST_CASE("after kill KILL a container is stopped", "[kill]") {
  ONLY_OCX("others return before the signal took effect");
  for (int i = 0; i < 20; ++i) {
    Bundle bundle({"/bin/probe", "pause"});
    Container container(bundle);
    REQUIRE_OK(container.create());
    REQUIRE_OK(container.start());
    REQUIRE_OK(container.kill("KILL"));
    REQUIRE(container.status() == "stopped");
    REQUIRE_OK(container.remove());
  }
}
