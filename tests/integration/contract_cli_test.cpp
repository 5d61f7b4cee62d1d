// What engines type: docs/engine-contract.md, "Command line".
#include "tests/integration/engine_calls.hpp"

using namespace ocx::test;

namespace {

struct EmptyRoot {
  TempDir directory;
  Path root = directory.path() / "state", log = directory.path() / "log.json";
  EmptyRoot() { std::filesystem::create_directory(root); }
};

// A container of the default root, and a link to the runtime under that name.
struct Linked {
  explicit Linked(const std::string& name) : path(directory.path() / name) {
    std::filesystem::create_symlink(runtime_path(), path);
  }
  TempDir directory;
  Path path;
};

}  // namespace

TEST_CASE("contract: global options in the orders that engines write them", "[contract][cli]") {
  EmptyRoot place;
  const std::string root = place.root, log = place.log;
  for (const Words& globals :
       {Words{"--root", root, "--log", log, "--log-format", "json", "--systemd-cgroup"},
        {"--debug=false", "--root=" + root},
        {"--systemd-cgroup", "--root=" + root, "--log-format=json", "--log", log},
        {"--root", root, "--rootless=false"},
        {"--root", root, "--rootless=true"},
        {"--root", root, "--rootless", "true"},
        {"--root", root, "--rootless", "auto"}}) {
    CAPTURE(globals);
    const Result result = runtime(joined(globals, {"list"}));
    CHECK(result.status == 0);
    CHECK(result.err.empty());
  }
  CHECK(runtime({"--debug", "--root=" + root, "list"}).status == 0);
  const Result unknown = runtime({"--root", root, "--no-such-global=1", "list"});
  CHECK(unknown.status != 0);
  CHECK(contains(unknown.err, "no-such-global"));
  CHECK(unknown.out.find("ID ") == std::string::npos);
}

TEST_CASE("contract: --cgroup-manager as crun has it, in both spellings", "[contract][cli]") {
  ONLY_OCX("runc has no such option");
  EmptyRoot place;
  for (const char* manager : {"cgroupfs", "systemd", "disabled"}) {
    INFO(manager);
    CHECK(runtime({"--root", place.root, "--cgroup-manager", manager, "list"}).status == 0);
    CHECK(runtime({"--root", place.root, std::string("--cgroup-manager=") + manager, "list"}).status == 0);
  }
  const Result wrong = runtime({"--root", place.root, "--cgroup-manager=nosuch", "list"});
  CHECK(wrong.status != 0);
  CHECK(contains(wrong.err, "nosuch"));
}

// Docker's runtimeArgs come before what its shim gives.
TEST_CASE("contract: of each global option given twice the last counts", "[contract][cli]") {
  EmptyRoot place;
  const Path other = place.directory.path() / "other", first = place.directory.path() / "first.log";
  const Result result =
      runtime({"--root", other, "--log", first, "--log-format", "text", "--debug", "--root", place.root,
               "--log", place.log, "--log-format", "json", "--debug=false", "state", "absent"});
  CHECK(result.status == 1);
  CHECK(contains(result.err, "does not exist"));
  CHECK(lines(read_file(place.log)).size() == 1);
  CHECK(parse_json(read_file(place.log))["level"] == "error");
  CHECK_FALSE(std::filesystem::exists(first));
  CHECK_FALSE(std::filesystem::exists(other));
}

TEST_CASE("contract: --criu of old shims changes nothing, also for who reads stdout and stderr as one",
          "[contract][cli]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  const Result state = container.command({"--log", bundle.scratch() / "log", "--log-format", "json", "--criu",
                                          "/usr/sbin/criu", "state", container.id()});
  REQUIRE_OK(state);
  CHECK(parse_json(state.out + state.err)["id"] == container.id());
}

TEST_CASE("contract: an option that lacks its value says so in the words that podman looks for",
          "[contract][cli]") {
  for (const Words& words : {Words{"--root"},
                             {"--log"},
                             {"create", "--bundle"},
                             {"create", "--pid-file"},
                             {"create", "--console-socket"},
                             {"create", "--preserve-fds"},
                             {"exec", "--process"},
                             {"update", "--resources"},
                             {"ps", "--format"}}) {
    CAPTURE(words);
    const Result result = runtime(words);
    CHECK(result.status != 0);
    CHECK(contains(result.err, "flag needs an argument: -"));
    CHECK(contains(result.err, words.back().substr(2)));
  }
}

TEST_CASE("contract: a link called runc says runc version", "[contract][cli]") {
  Linked link("runc");
  RunOptions empty;
  empty.env = Words{};
  const Words own = lines(runtime({"--version"}, empty).out);
  const std::string number = own.at(0).substr(own[0].rfind(' ') + 1);
  CHECK_FALSE(number.empty());
  Result by_link = run({link.path, "--version"}, empty);
  SECTION("by its path") {}
  SECTION("found in PATH") {
    empty.env = Words{"PATH=" + link.directory.path().string() + ":/usr/bin"};
    by_link = run({"/usr/bin/env", "runc", "--version"}, empty);
  }
  REQUIRE_OK(by_link);
  CHECK(by_link.err.empty());
  const Words text = lines(by_link.out);
  REQUIRE(text.size() >= 3);
  // go-runc cuts off "runc version ", "commit: " and "spec: "; Docker takes what follows " version ".
  CHECK(text[0] == "runc version " + number);
  CHECK(text[1].rfind("commit: ", 0) == 0);
  CHECK(text[2].rfind("spec: 1.", 0) == 0);
}

TEST_CASE("contract: under another name it is the same runtime, with the same containers",
          "[contract][cli]") {
  ONLY_OCX("runc's root is named after its link");
  Linked link("runc");
  Bundle bundle;
  Container guard(bundle);  // looks after what is left
  bundle.save();
  REQUIRE_OK(run({link.path, "create", "--bundle", bundle.path(), guard.id()}));
  const json state = parse_json(runtime({"state", guard.id()}).out);
  CHECK(state["status"] == "created");
  CHECK(std::filesystem::exists("/run/ocx/" + guard.id()));
  REQUIRE_OK(run({link.path, "start", guard.id()}));
  REQUIRE_OK(run({link.path, "delete", "--force", guard.id()}));
  wait_and_reap(state["pid"]);
  // Help says what it really is.
  CHECK(contains(run({link.path, "--help"}).out, "Usage: ocx "));
  CHECK(contains(run({link.path, "create", "--help"}).out, "Usage: ocx create"));
}

TEST_CASE("contract: features asked for as containerd and CRI-O do, and what it says about mounts is true",
          "[contract][features]") {
  RunOptions empty;
  empty.env = Words{};
  const Result result = runtime({"features"}, empty);
  REQUIRE_OK(result);
  const json document = parse_json(result.out + result.err);
  CHECK(document["ociVersionMin"].get<std::string>().rfind("1.", 0) == 0);
  CHECK(document["ociVersionMax"].get<std::string>().rfind("1.", 0) == 0);
  REQUIRE(document["linux"].is_object());
  const auto has = [](const json& list, const char* word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  };
  CHECK(has(document["linux"]["namespaces"], "user"));
  CHECK(has(document["mountOptions"], "rro"));
  NOT_ON_RUNC("1.1 has no id-mapped mounts");
  const json& enabled = document["linux"]["mountExtensions"]["idmap"]["enabled"];
  REQUIRE(enabled.is_boolean());
  Bundle bundle({"/bin/stat", "-c", "%u", "/data/file"});
  write_file(bundle.scratch() / "data/file", "x");
  const json map = json::array({{{"containerID", 0}, {"hostID", 7000}, {"size", 10}}});
  bundle.add_mount({{"destination", "/data"},
                    {"type", "bind"},
                    {"source", bundle.scratch() / "data"},
                    {"options", {"rbind", "rro"}},
                    {"uidMappings", map},
                    {"gidMappings", map}});
  Container container(bundle);
  const Result mapped = container.run();
  CHECK((mapped.status == 0) == enabled.get<bool>());
  if (enabled.get<bool>()) CHECK(mapped.out == "7000\n");
}

TEST_CASE("contract: checkpoint and restore as their callers spell them, with one dash too",
          "[contract][cli][checkpoint]") {
  NOT_ON_RUNC("1.1 has not all of the options");
  Bundle bundle;
  bundle.save();
  TempDir place;
  const std::string root = place.path() / "state", image = place.path() / "image", id = unique_id();
  // Parsed, and then there is no such container, or no such image: wrong usage has a hint at --help.
  const auto understood = [&](const Words& words) {
    CAPTURE(words);
    const Result result = runtime(joined({"--root", root}, words));
    CHECK(result.status == 1);
    CHECK_FALSE(contains(result.err, "flag"));
    CHECK_FALSE(contains(result.err, "--help"));
    return error_message(result);
  };
  const Words paths{"--image-path", image, "--work-path", place.path()};
  const Words more{"--tcp-established",     "--ext-unix-sk", "--shell-job", "--file-locks",
                   "--manage-cgroups-mode", "soft",          "--empty-ns",  "network"};
  for (const Words& words :
       {joined(joined(joined({"checkpoint"}, paths), {"--parent-path", "../pre-checkpoint"}),
               joined(more, {"--leave-running", "--pre-dump", id})),
        joined({"checkpoint", "--leave-running"}, joined(paths, {"--leave-running", id})),
        joined({"checkpoint", "--file-locks"}, joined(paths, {id}))})
    CHECK(contains(understood(words), "container does not exist"));
  // containerd, then conmon.
  understood(joined(joined(joined({"restore"}, paths), more),
                    {"--detach", "--pid-file", place.path() / "pid", "--no-pivot", "-no-subreaper",
                     "--bundle", bundle.path(), id}));
  understood(joined({"restore", "--bundle", bundle.path(), "--pid-file", place.path() / "pid",
                     "--no-new-keyring", "--detach"},
                    joined(paths, {"--tcp-established", "--tcp-close", "--file-locks", id})));
  CHECK_FALSE(std::filesystem::exists(place.path() / "pid"));
  // podman's questions: can it at all, and into a pod?
  const Result help = runtime({"checkpoint", "--help"});
  CHECK(help.status == 0);
  CHECK(help.err.empty());
  const Result pod = runtime({"restore", "--lsm-mount-context"});
  CHECK(pod.status != 0);
  CHECK(contains(pod.out + pod.err, "flag needs an argument"));
}
