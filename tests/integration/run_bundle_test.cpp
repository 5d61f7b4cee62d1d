// `ocx run BUNDLE` as people type it.
#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

/// run, with a state root of its own and the bundle as the argument.
class Runs {
 public:
  explicit Runs(Bundle& bundle) : bundle_(bundle) {}
  Result run(std::vector<std::string> flags, const std::vector<std::string>& command = {},
             const RunOptions& options = {}) {
    bundle_.save();
    flags.insert(flags.begin(), {"--root", root_.path() / "state", "run"});
    flags.push_back(bundle_.path());
    if (!command.empty()) flags.push_back("--");
    flags.insert(flags.end(), command.begin(), command.end());
    return runtime(flags, options);
  }
  Result command(std::vector<std::string> words) {
    words.insert(words.begin(), {"--root", root_.path() / "state"});
    return runtime(words);
  }
  Path state_root() const { return root_.path() / "state"; }

 private:
  Bundle& bundle_;
  TempDir root_;
};

}  // namespace

TEST_CASE("run of a bundle runs another command with other settings", "[run][ease]") {
  ONLY_OCX("run takes an id alone");
  Bundle bundle({"/bin/false"});
  Runs runs(bundle);
  const Result result = runs.run(
      {"-e", "COLOUR=blue", "-u", "7:8", "--hostname", "other", "--pids-limit", "30", "--memory", "64m"},
      {"sh", "-c", "echo $COLOUR; id -u; id -g; hostname; exit 5"});
  INFO(result.err);
  CHECK(result.status == 5);
  CHECK(result.out == "blue\n7\n8\nother\n");
  CHECK(runs.command({"list", "-q"}).out.empty());
}

TEST_CASE("run picks the bundle's name, then one that is free", "[run][ease]") {
  ONLY_OCX("run takes an id alone");
  Bundle bundle;
  Runs runs(bundle);
  const Result first = runs.run({"--detach"}), second = runs.run({"--detach"});
  REQUIRE_OK(first);
  REQUIRE_OK(second);
  CHECK(first.out == "bundle\n");
  CHECK(second.out.size() == std::string("bundle-123456\n").size());
  CHECK(second.out.starts_with("bundle-"));
  for (const Result* result : {&first, &second})
    CHECK(runs.command({"delete", "--force", result->out.substr(0, result->out.size() - 1)}).status == 0);
}

TEST_CASE("a detached run --rm is deleted when its program ends", "[run][ease]") {
  ONLY_OCX("has no --rm");
  Bundle bundle;
  bundle.shell("read line < /fifo");
  Runs runs(bundle);
  REQUIRE(::mkfifo((bundle.rootfs() / "fifo").c_str(), 0600) == 0);
  const Result result = runs.run({"-d", "--rm"});
  REQUIRE_OK(result);
  CHECK(runs.command({"list", "-q"}).out == "bundle\n");
  const json state = parse_json(runs.command({"state", "bundle"}).out);
  write_file(bundle.rootfs() / "fifo", "end\n");
  CHECK(wait_gone(state["pid"].get<int>()));
  // The remover takes the directory away last.
  Result left = runs.command({"list", "-q"});
  for (int i = 0; i < 3000 && !left.out.empty(); ++i) left = runs.command({"list", "-q"});
  CHECK(left.out.empty());
}

TEST_CASE("run refuses what contradicts itself", "[run][ease]") {
  ONLY_OCX("has no --rm");
  Bundle bundle;
  Runs runs(bundle);
  CHECK(contains(error_message(runs.run({"--rm", "--keep"})), "exclude each other"));
  CHECK(contains(error_message(runs.run({"--cpus", "many"})), "--cpus"));
  CHECK(contains(error_message(runs.run({"-e", "NOTHING"})), "NAME=VALUE"));
  CHECK(contains(error_message(runs.run({"--bundle", bundle.path()})), "invalid container ID format"));
}

TEST_CASE("the end of input ends an interactive shell without a terminal", "[run][console]") {
  ONLY_OCX("runc refuses a terminal of the container where the caller has none");
  Bundle bundle;
  bundle.args({"/bin/sh"});
  bundle.process()["terminal"] = true;
  bundle.process()["env"] = {"PATH=/bin", "TERM=dumb"};
  Container container(bundle);
  RunOptions options;
  SECTION("nothing to read") {
    const Result result = container.run({}, options);
    CHECK(result.status == 0);
  }
  SECTION("commands, and then the end") {
    options.input = "exit 4\n";
    CHECK(container.run({}, options).status == 4);
  }
  SECTION("a line that has only begun") {
    bundle.args({"/bin/cat"});
    options.input = "abc";
    const Result result = container.run({}, options);
    CHECK(result.status == 0);
    CHECK(contains(result.out, "abcabc"));
  }
}
