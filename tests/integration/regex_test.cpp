// kill and delete with --regex: all containers whose id matches, and no other.
#include <catch2/catch.hpp>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

constexpr const char* why = "runc has no --regex";

// Three containers in one state root: ID, ID-a, ID-b.
struct Three {
  Bundle bundle{{"/bin/probe", "pause"}};
  Container container{bundle};
  std::vector<std::string> others{container.id() + "-a", container.id() + "-b"};

  Three() {
    REQUIRE_OK(container.create());
    for (const std::string& id : others)
      REQUIRE_OK(container.command({"create", "--bundle", bundle.path(), id}));
  }
  ~Three() {
    for (const std::string& id : others) container.command({"delete", "--force", id});
  }
  std::string ids() { return container.command({"list", "--quiet"}).out; }
  std::string status(const std::string& id) {
    return parse_json(container.command({"state", id}).out)["status"];
  }
};

}  // namespace

TEST_CASE("delete --regex deletes what matches", "[regex]") {
  ONLY_OCX(why);
  Three three;
  REQUIRE_OK(three.container.command({"delete", "--force", "--regex", ".-[ab]$"}));
  CHECK(three.ids() == three.container.id() + "\n");
  CHECK(three.container.status() == "created");
}

TEST_CASE("delete --regex goes on after one that can't be deleted", "[regex]") {
  ONLY_OCX(why);
  Three three;
  REQUIRE_OK(three.container.command({"start", three.others[0]}));
  const Result result = three.container.command({"delete", "--regex", "^" + three.container.id() + "-"});
  CHECK(contains(error_message(result), three.others[0]));
  CHECK(three.ids() == three.container.id() + "\n" + three.others[0] + "\n");
}

TEST_CASE("kill --regex signals what matches", "[regex]") {
  ONLY_OCX(why);
  Three three;
  REQUIRE_OK(three.container.command({"kill", "--regex", ".-[ab]$", "KILL"}));
  for (const std::string& id : three.others) {
    INFO(id);
    // The signal is delivered when kill returns; the process may need a moment to end.
    const json state = parse_json(three.container.command({"state", id}).out);
    if (state["pid"] != 0) CHECK(wait_gone(state["pid"].get<pid_t>()));
    CHECK(three.status(id) == "stopped");
  }
  CHECK(three.container.status() == "created");
}

TEST_CASE("--regex that matches nothing changes nothing, a wrong one is refused", "[regex]") {
  ONLY_OCX(why);
  Three three;
  const std::string before = three.ids();
  REQUIRE_OK(three.container.command({"delete", "--force", "--regex", "^no-such-container$"}));
  CHECK(contains(error_message(three.container.command({"delete", "--force", "--regex", "("})), "("));
  CHECK(three.ids() == before);
}
