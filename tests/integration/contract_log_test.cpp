// What engines read of the log and of stderr: docs/engine-contract.md, "Log and errors".
#include "tests/integration/engine_calls.hpp"

using namespace ocx::test;

namespace {

struct Failure {
  Words words;
  int status;
  Words texts;  // each is in the message, verbatim
};

// One object, of these keys, whose text is on stderr, too.
void check_log(const Path& log, const Result& result) {
  const Words entries = lines(read_file(log));
  REQUIRE(entries.size() == 1);
  const json entry = parse_json(entries[0]);
  CHECK(entry.size() == 3);
  CHECK(entry["level"] == "error");
  CHECK(is_rfc3339(entry["time"].get<std::string>()));
  const std::string message = entry["msg"];
  CHECK_FALSE(message.empty());
  CHECK(message.find('\n') == std::string::npos);
  CHECK(contains(result.err, message));
}

void check_failures(Container& container, const std::vector<Failure>& failures) {
  for (const Failure& failure : failures) {
    const Path log = container.bundle().scratch() / "log.json";
    std::filesystem::remove(log);
    const Result result = container.command(joined({"--log", log, "--log-format", "json"}, failure.words));
    INFO(result.describe());
    CHECK(result.status == failure.status);
    CHECK(result.out.empty());
    for (const std::string& text : failure.texts) {
      INFO(text);
      CHECK(contains(result.err, text));
    }
    check_log(log, result);
  }
}

// The line that follows the last of `texts` engines take for another kind of failure.
void check_no_other_kind(const std::string& message, const Words& allowed) {
  for (const char* text :
       {"no such file or directory", "permission denied", "is a directory", "not a directory",
        "executable file not found", "no such process", "container not running", "does not exist"}) {
    INFO(text);
    if (std::find(allowed.begin(), allowed.end(), text) == allowed.end())
      CHECK_FALSE(contains(message, text));
  }
}

}  // namespace

TEST_CASE("contract: each command says that an unknown container does not exist, delete --force says nothing",
          "[contract][errors]") {
  Bundle bundle;
  Container container(bundle);
  const std::string id = container.id();
  const Words does_not_exist{"container does not exist"};
  write_file(bundle.scratch() / "process.json", bundle.process().dump());
  std::vector<Failure> failures;
  for (const char* verb : {"state", "start", "kill", "delete", "pause", "resume"})
    failures.push_back({{verb, id}, 1, does_not_exist});
  failures.push_back({{"kill", "--all", id, "9"}, 1, does_not_exist});
  failures.push_back({{"ps", "--format", "json", id}, 1, does_not_exist});
  failures.push_back({{"update", "--pids-limit", "5", id}, 1, does_not_exist});
  failures.push_back({{"events", "--stats", id}, 1, does_not_exist});
  failures.push_back({{"exec", "--process", bundle.scratch() / "process.json", id},
                      runtime_is_ocx() ? 255 : 1,
                      does_not_exist});
  if (runtime_is_runc()) failures.pop_back();  // of no interest: exits with 1 or 255 by version
  check_failures(container, failures);
  const Path log = bundle.scratch() / "forced.json";
  const Result forced = container.command({"--log", log, "--log-format", "json", "delete", "--force", id});
  REQUIRE_OK(forced);
  CHECK((forced.out + forced.err + read_file(log)).empty());
}

TEST_CASE("contract: what a container's status forbids, in the words that engines know",
          "[contract][errors][pause]") {
  Bundle bundle;
  Container container(bundle);
  const std::string id = container.id();
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  const std::string not_stopped = "cannot delete container " + id + " that is not stopped: ";
  check_failures(container,
                 {{{"delete", id}, 1, {not_stopped + "running"}}, {{"start", id}, 1, {"running"}}});
  REQUIRE_OK(container.command({"pause", id}));
  check_failures(container, {{{"delete", id}, 1, {not_stopped + "paused"}},
                             {{"exec", id, "true"}, 255, {"cannot exec in a paused container"}}});
  REQUIRE_OK(container.kill("KILL"));
  container.wait_exit();
  check_failures(container, {{{"kill", id, "9"}, 1, {"container not running"}},
                             {{"kill", id}, 1, {"container not running"}},
                             {{"start", id}, 1, {"stopped"}},
                             {{"exec", id, "true"}, 255, {"stopped"}}});
  REQUIRE_OK(container.kill("9", {"--all"}));
  REQUIRE_OK(container.kill("9", {"-a"}));
}

TEST_CASE("contract: a program that can't be run, verbatim, from create, run and exec",
          "[contract][errors][exec]") {
  Bundle bundle;
  write_file(bundle.rootfs() / "plain", "no program\n", 0644);
  Container running(bundle);
  REQUIRE_OK(running.create());
  REQUIRE_OK(running.start());
  for (const auto& [program, text] :
       {std::pair("nosuch", R"(exec: "nosuch": executable file not found in $PATH)"),
        {"/no/such", R"(exec: "/no/such": stat /no/such: no such file or directory)"},
        {"/plain", R"(exec: "/plain": permission denied)"},
        {"/etc", R"(exec: "/etc": )"}}) {
    const bool directory = std::string(program) == "/etc";
    bundle.args({program});
    Container container(bundle);
    bundle.save();
    check_failures(container, {{{"create", "--bundle", bundle.path(), container.id()}, 1, {text}},
                               {{"run", "--bundle", bundle.path(), container.id()}, 1, {text}}});
    check_failures(running, {{{"exec", running.id(), program}, 255, {"exec failed", text}}});
    const std::string message = error_message(container.create());
    // Docker's command line compares these as they are, so no "Permission denied".
    if (directory) CHECK((contains(message, "permission denied") || contains(message, "is a directory")));
    CHECK(container.leftovers().empty());
  }
}

TEST_CASE("contract: mounts that fail, verbatim", "[contract][errors][mounts]") {
  Bundle bundle;
  write_file(bundle.scratch() / "file", "x");
  const auto bind = [&](const Path& source) {
    return json{{"destination", "/tmp"}, {"type", "bind"}, {"source", source}, {"options", {"bind"}}};
  };
  for (const auto& [source, text] : {std::pair(Path("/no/such/source"), "no such file or directory"),
                                     {bundle.scratch() / "file", "not a directory"}}) {
    Container container(bundle);
    bundle.add_mount(bind(source));
    bundle.save();
    check_failures(container,
                   {{{"create", "--bundle", bundle.path(), container.id()}, 1, {source.string(), text}}});
    check_no_other_kind(error_message(container.create()), {text});
    bundle.config["mounts"].erase(bundle.config["mounts"].size() - 1);
  }
}

TEST_CASE("contract: a failure of another kind has no words that engines take for one of these",
          "[contract][errors]") {
  ONLY_OCX("others' words are theirs");
  for (const auto& [pointer, value] :
       std::initializer_list<std::pair<const char*, json>>{{"/mounts/3/options/4", "sizee=1m"},
                                                           {"/process/user/uid", "root"},
                                                           {"/process/cwd", "relative"},
                                                           {"/process/rlimits/0/type", "RLIMIT_FILES"},
                                                           {"/linux/namespaces/0/type", "pidd"},
                                                           {"/linux/resources/pids/limit", "many"}}) {
    INFO(pointer);
    Bundle bundle;
    bundle.config[json::json_pointer(pointer)] = value;
    Container container(bundle);
    check_no_other_kind(error_message(container.create()), {});
    CHECK(container.leftovers().empty());
  }
}

TEST_CASE("contract: a log whose directory is gone stops nothing, and hides no error", "[contract][log]") {
  ONLY_OCX("runc fails");
  Bundle bundle({"/no/such"});
  Container container(bundle);
  bundle.save();
  const auto call = [&](const Words& words) {
    return container.command(
        joined({"--log", bundle.scratch() / "removed/log.json", "--log-format", "json"}, words));
  };
  const Result failed = call({"create", "--bundle", bundle.path(), container.id()});
  CHECK(failed.status == 1);
  CHECK(contains(error_message(failed), "stat /no/such: no such file or directory"));
  const Result forced = call({"delete", "--force", container.id()});
  REQUIRE_OK(forced);
  CHECK((forced.out + forced.err).empty());
  bundle.args({"/bin/probe", "exit", "0"});
  bundle.save();
  REQUIRE_OK(call({"create", "--bundle", bundle.path(), container.id()}));
  container.pid();
  REQUIRE_OK(call({"start", container.id()}));
  CHECK(container.wait_exit() == 0);
}

TEST_CASE("contract: success is silent on stderr and in the log, from create to delete",
          "[contract][log][pause][update]") {
  Bundle bundle;
  Container container(bundle);
  bundle.save();
  const std::string id = container.id();
  const Shim shim(container, bundle.scratch() / "log.json");
  const auto silent = [&](const Words& words) {
    const Result result = shim.call(words);
    REQUIRE_OK(result);
    INFO(result.describe());
    CHECK((result.out + result.err).empty());
  };
  const auto document = [&](const Words& words) {
    const Result result = shim.call(words);
    REQUIRE_OK(result);
    return parse_json(result.out + result.err);
  };
  const Path pid_file = bundle.scratch() / "pid", exec_pid = bundle.scratch() / "exec.pid";
  write_file(bundle.scratch() / "resources.json", R"({"pids": {"limit": 44}})");
  json process = bundle.process();
  process["args"] = {"/bin/sleep", "1000"};
  write_file(bundle.scratch() / "process.json", process.dump());
  const auto members = [&] { return document({"ps", "--format", "json", id}).size(); };

  silent({"create", "--bundle", bundle.path(), "--pid-file", pid_file, id});
  const pid_t pid = strict_pid(read_file(pid_file));
  CHECK(document({"state", id})["pid"] == pid);
  CHECK(document({"ps", "--format", "json", id}) == json({pid}));
  silent({"start", id});
  silent({"exec", "--process", bundle.scratch() / "process.json", "--detach", "--pid-file", exec_pid, id});
  CHECK(members() == 2);
  silent({"pause", id});
  CHECK(document({"state", id})["status"] == "paused");
  CHECK(members() == 2);  // containerd asks this of every shim when it starts
  silent({"resume", id});
  silent({"update", "--resources", bundle.scratch() / "resources.json", id});
  CHECK(document({"list", "--format=json"}).size() == 1);
  CHECK(document({"events", "--stats", id})["type"] == "stats");
  silent({"kill", "--all", id, "9"});
  // pid_namespaces(7): its first process ends only when all others have been reaped.
  CHECK(wait_and_reap(strict_pid(read_file(exec_pid))) == 137);
  CHECK(wait_and_reap(pid) == 137);
  CHECK(document({"state", id})["pid"] == 0);
  silent({"delete", id});
  silent({"delete", "--force", id});
  CHECK(read_file(shim.log).empty());
}
