// The command line that containerd, podman, conmon and people type.
#include <catch2/catch.hpp>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

// `list` in an empty root with these global options.
Result list_with(const std::vector<std::string>& globals) {
  TempDir root;
  std::filesystem::create_directory(root.path() / "state");
  std::vector<std::string> args{"--root", root.path() / "state"};
  args.insert(args.end(), globals.begin(), globals.end());
  args.push_back("list");
  return runtime(args);
}

}  // namespace

TEST_CASE("global options are accepted in every spelling", "[cli]") {
  TempDir directory;
  std::string log = directory.path() / "log";
  for (const std::vector<std::string>& globals : std::vector<std::vector<std::string>>{
           {"--log", log, "--log-format", "json"},
           {"--log=" + log, "--log-format=text"},
           {"-log", log},
           {"--debug"},
           {"--debug=false"},
           {"--systemd-cgroup=false"},
           {"--rootless=false"},
           {"--rootless", "true"},
           {"--rootless=auto"},
       }) {
    CAPTURE(globals);
    CHECK(list_with(globals).status == 0);
  }
}

TEST_CASE("options of other runtimes' command lines are accepted", "[cli]") {
  ONLY_OCX("each other runtime knows its own half");
  for (const std::vector<std::string>& globals : std::vector<std::vector<std::string>>{
           {"--cgroup-manager=cgroupfs"}, {"--cgroup-manager", "disabled"}, {"--criu", "/usr/sbin/criu"}}) {
    CAPTURE(globals);
    CHECK(list_with(globals).status == 0);
  }
}

TEST_CASE("the last of a repeated option counts", "[cli][contract]") {
  TempDir directory;
  Bundle bundle;
  Container container(bundle);
  bundle.save();
  Result result = runtime({"--root", directory.path() / "a", "--root", container.root(), "create", "--bundle",
                           "/absent", "--bundle", bundle.path(), container.id()});
  REQUIRE_OK(result);
  CHECK(container.status() == "created");
  CHECK_FALSE(std::filesystem::exists(directory.path() / "a"));
}

TEST_CASE("an unknown option is an error that names it", "[cli][contract]") {
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"--no-such-option", "list"}, {"list", "--no-such-option"}, {"create", "--no-such-option", "x"}}) {
    CAPTURE(args);
    Result result = runtime(args);
    CHECK(result.status != 0);
    CHECK(contains(result.err, "no-such-option"));
  }
}

TEST_CASE("an option that lacks its value says so", "[cli]") {
  Result result = runtime({"create", "--bundle"});
  CHECK(result.status != 0);
  CHECK((contains(result.err, "requires an argument") || contains(result.err, "needs an argument")));
}

TEST_CASE("an unknown command fails and names it", "[cli]") {
  Result result = runtime({"no-such-command"});
  CHECK(result.status != 0);
  CHECK(contains(result.err, "no-such-command"));
}

TEST_CASE("a wrong number of arguments fails", "[cli]") {
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"create"}, {"state"}, {"state", "a", "b"}, {"start", "a", "b"}, {"delete"}, {"kill"}, {"run"}}) {
    CAPTURE(args);
    Result result = runtime(args);
    CHECK(result.status != 0);
    CHECK_FALSE(result.err.empty());
  }
}

TEST_CASE("without arguments and with --help there is help and success", "[cli]") {
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{}, {"--help"}, {"-h"}, {"help"}}) {
    CAPTURE(args);
    Result result = runtime(args);
    CHECK(result.status == 0);
    for (const char* verb : {"create", "start", "state", "kill", "delete", "run", "list", "spec", "features"})
      CHECK(contains(result.out, verb));
    CHECK(result.err.empty());
  }
}

TEST_CASE("each command explains itself", "[cli]") {
  ONLY_OCX("runc exits with 1");
  for (const char* verb :
       {"create", "start", "state", "kill", "delete", "run", "list", "spec", "features", "explain"}) {
    INFO(verb);
    Result result = runtime({verb, "--help"});
    CHECK(result.status == 0);
    CHECK(contains(result.out, verb));
    CHECK(result.err.empty());
  }
  CHECK(contains(runtime({"create", "--help"}).out, "--console-socket"));
  CHECK(contains(runtime({"delete", "--help"}).out, "--force"));
}

TEST_CASE("--version is what engines scan for, also with an empty environment", "[cli][contract]") {
  RunOptions options;
  options.env = std::vector<std::string>{};
  for (const char* flag : {"--version", "-v"}) {
    Result result = runtime({flag}, options);
    REQUIRE_OK(result);
    std::vector<std::string> text = lines(result.out);
    CHECK(text[0].rfind(Path(runtime_path()).filename().string() + " version ", 0) == 0);
    CHECK(contains(result.out, "\nspec: 1."));
    CHECK(contains(result.out, "\ncommit: "));
    CHECK(result.err.empty());
  }
}

TEST_CASE("flags may follow the id", "[cli]") {
  Bundle bundle;
  Container container(bundle);
  bundle.save();
  REQUIRE_OK(container.command({"create", container.id(), "--bundle", bundle.path()}));
  container.pid();
  REQUIRE_OK(container.command({"delete", container.id(), "-f"}));
  container.wait_exit();
}

TEST_CASE("long options work with one dash", "[cli]") {
  Bundle bundle;
  Container container(bundle);
  bundle.save();
  REQUIRE_OK(runtime({"-root", container.root(), "create", "-bundle", bundle.path(), container.id()}));
  container.pid();
  REQUIRE_OK(runtime({"-root=" + container.root().string(), "delete", "-force=true", container.id()}));
  CHECK_FALSE(process_exists(container.pid()));
}

TEST_CASE("successful commands say nothing, in the log neither", "[cli][contract]") {
  Bundle bundle;
  Container container(bundle);
  bundle.save();
  std::string log = bundle.scratch() / "log.json";
  auto with_log = [&](std::vector<std::string> args) {
    args.insert(args.begin(), {"--log", log, "--log-format", "json"});
    Result result = container.command(args);
    INFO(result.describe());
    CHECK(result.status == 0);
    CHECK(result.err.empty());
    if (args[4] != "state") CHECK(result.out.empty());
  };
  with_log({"create", "--bundle", bundle.path(), container.id()});
  with_log({"start", container.id()});
  with_log({"state", container.id()});
  container.pid();
  with_log({"kill", container.id(), "KILL"});
  container.wait_exit();
  with_log({"delete", container.id()});
  CHECK(read_file(log).empty());
}

TEST_CASE("a failure with a JSON log is one object with level, msg and time, and the same text on stderr",
          "[cli][contract]") {
  Bundle bundle({"/absent"});
  Container container(bundle);
  bundle.save();
  Path log = bundle.scratch() / "log.json";
  Result result = container.command(
      {"--log", log, "--log-format", "json", "create", "--bundle", bundle.path(), container.id()});
  CHECK(result.status == 1);
  std::vector<std::string> entries = lines(read_file(log));
  REQUIRE_FALSE(entries.empty());
  json last = parse_json(entries.back());
  CHECK(last["level"] == "error");
  CHECK(last.size() == 3);
  std::string time = last["time"];
  CHECK(time.size() >= 20);
  CHECK(time[10] == 'T');
  CHECK(contains(result.err, last["msg"].get<std::string>()));
  if (runtime_is_ocx()) CHECK(entries.size() == 1);
}

TEST_CASE("a text log has logrus' form", "[cli]") {
  Bundle bundle({"/absent"});
  Container container(bundle);
  bundle.save();
  Path log = bundle.scratch() / "log";
  CHECK(container.command({"--log", log, "create", "--bundle", bundle.path(), container.id()}).status == 1);
  std::vector<std::string> entries = lines(read_file(log));
  REQUIRE_FALSE(entries.empty());
  CHECK(entries.back().rfind("time=\"", 0) == 0);
  CHECK(contains(entries.back(), " level=error msg=\""));
}

TEST_CASE("a log is appended to", "[cli]") {
  TempDir directory;
  Path log = directory.path() / "log";
  write_file(log, "earlier\n");
  runtime({"--log", log, "--root", directory.path(), "state", "absent"});
  CHECK(lines(read_file(log)).front() == "earlier");
  CHECK(lines(read_file(log)).size() >= 2);
}

TEST_CASE("a log in a directory that is gone does not stop the command", "[cli]") {
  ONLY_OCX("runc fails");
  CHECK(list_with({"--log", "/absent/directory/log"}).status == 0);
}

TEST_CASE("create, kill and delete find the container with almost no environment", "[cli]") {
  Bundle bundle;
  bundle.save();
  // The default root: not the test's own, hence the id's own directory is looked after here.
  std::string id = unique_id();
  RunOptions poor;
  poor.env = std::vector<std::string>{"XDG_RUNTIME_DIR="};
  Container guard(bundle, id);
  REQUIRE_OK(runtime({"create", "--bundle", bundle.path(), id}, [&] {
    RunOptions options = poor;
    options.env->push_back("PATH=/usr/sbin:/usr/bin");
    return options;
  }()));
  json state = parse_json(runtime({"state", id}, poor).out);
  CHECK(state["status"] == "created");
  pid_t pid = state["pid"];
  std::string root = "/run/" + Path(runtime_path()).filename().string() + "/" + id;
  CHECK(std::filesystem::exists(root));
  CHECK(runtime({"start", id}, poor).status == 0);
  CHECK(runtime({"kill", id, "KILL"}, poor).status == 0);
  CHECK(wait_and_reap(pid) == 137);
  CHECK(runtime({"delete", id}, poor).status == 0);
  CHECK_FALSE(std::filesystem::exists(root));
}
