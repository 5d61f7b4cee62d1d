// SIGKILL of the runtime anywhere in create, start or run: `delete --force` removes whatever there is.
#include <catch2/catch.hpp>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

// Kills after so many microseconds, unless it has ended by then.
void kill_after(Child& child, long microseconds) {
  timespec delay{0, microseconds * 1000};
  ppoll(nullptr, 0, &delay, nullptr);
  if (!child.ended()) ::kill(child.pid(), SIGKILL);
}

// What an orphaned init does once its parent is dead takes a moment; each of them is a child of the test by
// now.
void cleaned_up(Container& container, const std::string& where) {
  INFO("killed " << where);
  Result result = container.force_delete();
  INFO(result.describe());
  CHECK(result.status == 0);
  for (pid_t pid : adopted_children()) {
    // An init that noticed its parent's death may still be on its way out.
    INFO(read_file("/proc/" + std::to_string(pid) + "/cmdline"));
    CHECK(wait_gone(pid, Seconds(5)));
  }
  for (const std::string& thing : container.leftovers()) FAIL_CHECK("left behind: " << thing);
}

}  // namespace

TEST_CASE("create killed at any moment can be cleaned up", "[crash][contract]") {
  ONLY_OCX("runc leaves cgroups behind when it dies before its first state.json");
  Bundle bundle;
  Container container(bundle);
  bundle.save();
  auto begin = std::chrono::steady_clock::now();
  REQUIRE_OK(container.create());
  auto whole =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin).count();
  REQUIRE_OK(container.force_delete());
  container.wait_exit();
  constexpr int rounds = 60;
  for (int round = 0; round < rounds; ++round) {
    Container victim(bundle);
    Child create(victim.create_argv(), {});
    long delay = static_cast<long>(whole) * round * 11 / 10 / rounds;
    kill_after(create, delay);
    create.wait();
    cleaned_up(victim, "after " + std::to_string(delay) + " us of " + std::to_string(whole));
  }
}

TEST_CASE("create killed in a hook can be cleaned up", "[crash][contract]") {
  ONLY_OCX("runc leaves cgroups behind when it dies before its first state.json");
  for (const char* kind : {"prestart", "createRuntime", "createContainer"}) {
    INFO(kind);
    Bundle bundle;
    Path log = bundle.scratch() / "log";
    bundle.config["hooks"][kind] = json::array({{{"path", host_probe()}, {"args", {"probe", "block", log}}}});
    Container container(bundle);
    bundle.save();
    Child create(container.create_argv(), {});
    pid_t hook = std::stoi(wait_for_file(log).substr(4));
    ::kill(create.pid(), SIGKILL);
    create.wait();
    if (std::string(kind) != "createContainer") {
      // A hook of the host's is nobody's to end but ours.
      ::kill(hook, SIGKILL);
      wait_and_reap(hook);
    }
    cleaned_up(container, std::string("in ") + kind);
  }
}

TEST_CASE("foreground run killed at any moment can be cleaned up", "[crash]") {
  ONLY_OCX("runc leaves cgroups behind when it dies before its first state.json");
  Bundle bundle;
  bundle.save();
  for (int round = 0; round < 20; ++round) {
    Container victim(bundle);
    Child run = victim.spawn({"run", "--bundle", bundle.path(), victim.id()});
    kill_after(run, 2000L * round);
    if (!run.ended()) ::kill(run.pid(), SIGKILL);
    run.wait();
    cleaned_up(victim, "after " + std::to_string(2 * round) + " ms");
  }
}

TEST_CASE("start killed leaves a container that can be deleted", "[crash]") {
  Bundle bundle;
  for (int round = 0; round < 10; ++round) {
    Container victim(bundle);
    REQUIRE_OK(victim.create());
    Child start = victim.spawn({"start", victim.id()});
    kill_after(start, 300L * round);
    start.wait();
    std::string status = victim.status();
    CHECK((status == "created" || status == "running" || status == "stopped"));
    cleaned_up(victim, "start after " + std::to_string(300 * round) + " us");
  }
}

TEST_CASE("delete killed at any moment can be done again", "[crash]") {
  Bundle bundle;
  for (int round = 0; round < 10; ++round) {
    Container victim(bundle);
    REQUIRE_OK(victim.create());
    Child remove = victim.spawn({"delete", "--force", victim.id()});
    kill_after(remove, 500L * round);
    remove.wait();
    cleaned_up(victim, "delete after " + std::to_string(500 * round) + " us");
  }
}
