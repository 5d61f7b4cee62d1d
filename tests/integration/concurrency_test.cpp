// Several commands at once, on one id and on many.
#include <catch2/catch.hpp>
#include <signal.h>

#include <memory>

#include "tests/harness/container.hpp"

using namespace ocx::test;

TEST_CASE("of several creates with one id exactly one wins", "[concurrency]") {
  ONLY_OCX("runc has no lock: all of them may fail");
  for (int round = 0; round < 5; ++round) {
    Bundle bundle;
    Container container(bundle);
    bundle.save();
    std::vector<Child> children;
    for (int i = 0; i < 6; ++i) children.emplace_back(container.create_argv(), RunOptions{});
    int winners = 0;
    for (Child& child : children) {
      Result result = child.wait();
      INFO(result.describe());
      if (result.status == 0)
        ++winners;
      else
        CHECK(contains(error_message(result), "already exists"));
    }
    CHECK(winners == 1);
    CHECK(container.status() == "created");
    REQUIRE_OK(container.start());
    CHECK(container.status() == "running");
  }
}

TEST_CASE("containers side by side do not disturb each other", "[concurrency]") {
  std::vector<std::unique_ptr<Bundle>> bundles;
  std::vector<std::unique_ptr<Container>> containers;
  std::vector<Child> children;
  for (int i = 0; i < 8; ++i) {
    bundles.push_back(
        std::make_unique<Bundle>(std::vector<std::string>{"/bin/probe", "exit", std::to_string(i)}));
    bundles.back()->save();
    containers.push_back(std::make_unique<Container>(*bundles.back()));
    children.push_back(
        containers.back()->spawn({"run", "--bundle", bundles.back()->path(), containers.back()->id()}));
  }
  for (int i = 0; i < 8; ++i) {
    Result result = children[static_cast<size_t>(i)].wait();
    INFO(result.describe());
    CHECK(result.status == i);
  }
}

TEST_CASE("of several starts exactly one starts", "[concurrency]") {
  ONLY_OCX("runc has no lock");
  Bundle bundle;
  bundle.shell("echo once >> /log; exec /bin/probe pause");
  Container container(bundle);
  REQUIRE_OK(container.create());
  std::vector<Child> children;
  for (int i = 0; i < 6; ++i) children.push_back(container.spawn({"start", container.id()}));
  int winners = 0;
  for (Child& child : children) winners += child.wait().status == 0 ? 1 : 0;
  CHECK(winners == 1);
  CHECK(container.status() == "running");
  CHECK(wait_for_file(bundle.rootfs() / "log") == "once\n");
}

TEST_CASE("of several deletes nobody fails with anything but an absent container", "[concurrency]") {
  ONLY_OCX("runc has no lock");
  for (int round = 0; round < 5; ++round) {
    Bundle bundle;
    Container container(bundle);
    REQUIRE_OK(container.create());
    std::vector<Child> children;
    for (int i = 0; i < 5; ++i) children.push_back(container.spawn({"delete", container.id()}));
    int winners = 0;
    for (Child& child : children) {
      Result result = child.wait();
      if (result.status == 0)
        ++winners;
      else
        CHECK(contains(error_message(result), "container does not exist"));
    }
    CHECK(winners == 1);
    container.wait_exit();
    CHECK(container.leftovers().empty());
  }
}

TEST_CASE("delete --force from several sides is always content", "[concurrency]") {
  ONLY_OCX("runc has no lock");
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  std::vector<Child> children;
  for (int i = 0; i < 5; ++i) children.push_back(container.spawn({"delete", "--force", container.id()}));
  for (Child& child : children) REQUIRE_OK(child.wait());
  container.wait_exit();
  CHECK(container.leftovers().empty());
}

TEST_CASE("state and list never see half a container", "[concurrency]") {
  Bundle bundle;
  Container container(bundle);
  bundle.save();
  for (int round = 0; round < 10; ++round) {
    Child create(container.create_argv(), {});
    while (!create.ended()) {
      Result state = container.state();
      if (state.status == 0)
        CHECK(parse_json(state.out).contains("status"));
      else
        CHECK(contains(state.err, "does not exist"));
    }
    REQUIRE_OK(create.wait());
    pid_t pid = container.state_json()["pid"];
    REQUIRE_OK(container.force_delete());
    wait_and_reap(pid);
  }
}
