// `create`: runtime.md "Create", and what engines expect of the command beyond it.
#include <catch2/catch.hpp>

#include "tests/harness/container.hpp"

using namespace ocx::test;

TEST_CASE("create makes a container in state created and start runs its program", "[create]") {
  Bundle bundle({"/bin/probe", "exit", "7"});
  Container container(bundle);
  Result created = container.create();
  REQUIRE_OK(created);
  CHECK(created.out.empty());
  CHECK(created.err.empty());
  CHECK(container.status() == "created");
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 7);
  CHECK(container.status() == "stopped");
  REQUIRE_OK(container.remove());
  CHECK(container.leftovers().empty());
}

TEST_CASE("create does not run the program", "[create]") {
  Bundle bundle;
  bundle.shell("echo ran > /ran; exec /bin/probe pause");
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK_FALSE(std::filesystem::exists(bundle.rootfs() / "ran"));
  REQUIRE_OK(container.start());
  CHECK(wait_for_file(bundle.rootfs() / "ran") == "ran\n");
}

TEST_CASE("ids outside the allowed alphabet are refused and nothing is made", "[create]") {
  Bundle bundle;
  for (const char* id : {"", ".", "..", "../escape", "a/b", "a b", "a\nb", "a*", "ä", "/"}) {
    INFO("id \"" << id << "\"");
    bundle.save();
    TempDir root;
    Result result = runtime({"--root", root.path() / "state", "create", "--bundle", bundle.path(), "--", id});
    CHECK(error_message(result).size() > 0);
    if (runtime_is_ocx()) {
      CHECK(contains(result.err, *id == 0 ? "container id cannot be empty" : "invalid container ID format"));
    }
    CHECK_FALSE(std::filesystem::exists(root.path() / "escape"));
    std::error_code missing;
    auto entries = std::filesystem::directory_iterator(root.path() / "state", missing);
    CHECK((missing || entries == std::filesystem::directory_iterator()));
  }
}

TEST_CASE("every allowed character works in an id", "[create]") {
  Bundle bundle({"/bin/probe", "exit", "0"});
  Container container(bundle, unique_id() + ".A_b+c-9");
  CHECK(container.output().empty());
}

TEST_CASE("an id in use is refused and its container stays as it is", "[create]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  std::string before = container.state().out;
  Result second = container.command({"create", "--bundle", bundle.path(), container.id()});
  CHECK(contains(error_message(second),
                 runtime_is_ocx() ? "container with given ID already exists" : "already exists"));
  CHECK(container.state().out == before);
  CHECK(process_exists(container.pid()));
}

TEST_CASE("create without config.json says which file is missing", "[create]") {
  Bundle bundle;
  Container container(bundle);
  Result result = container.command({"create", "--bundle", bundle.path(), container.id()});
  CHECK(contains(error_message(result), "JSON specification file config.json not found"));
  CHECK(container.leftovers().empty());
}

TEST_CASE("create with a bundle directory that does not exist fails", "[create]") {
  Bundle bundle;
  Container container(bundle);
  Result result = container.command({"create", "--bundle", bundle.path() / "absent", container.id()});
  CHECK(contains(error_message(result), "no such file or directory"));
  CHECK(container.leftovers().empty());
}

TEST_CASE("the bundle is the current directory by default and may be relative", "[create][contract]") {
  Bundle bundle;
  Container container(bundle);
  bundle.save();
  RunOptions options;
  SECTION("default") {
    options.cwd = bundle.path();
    REQUIRE_OK(container.command({"create", container.id()}, options));
  }
  SECTION("relative") {
    options.cwd = bundle.path().parent_path();
    REQUIRE_OK(container.command({"create", "--bundle", "bundle", container.id()}, options));
  }
  json state = container.state_json();
  CHECK(state["bundle"] == bundle.path().string());
  CHECK(state["rootfs"] == bundle.rootfs().string());
}

TEST_CASE("edits of config.json after create change nothing", "[create]") {
  Bundle bundle;
  bundle.shell("echo old > /which");
  bundle.config["annotations"] = {{"org.example.when", "before"}};
  Container container(bundle);
  REQUIRE_OK(container.create());
  bundle.shell("echo new > /which");
  bundle.config["annotations"] = {{"org.example.when", "after"}};
  bundle.save();
  CHECK(container.state_json()["annotations"]["org.example.when"] == "before");
  std::filesystem::remove(bundle.path() / "config.json");
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  CHECK(read_file(bundle.rootfs() / "which") == "old\n");
  REQUIRE_OK(container.remove());
}

TEST_CASE("unknown properties and annotations are ignored at every level", "[create]") {
  Bundle bundle({"/bin/probe", "exit", "0"});
  bundle.config["extension"] = {{"deep", {1, 2, 3}}};
  bundle.config["process"]["extension"] = "x";
  bundle.config["linux"]["extension"] = nullptr;
  bundle.config["linux"]["namespaces"][0]["extension"] = true;
  bundle.config["root"]["extension"] = 1;
  bundle.config["mounts"][0]["extension"] = json::array();
  bundle.config["annotations"] = {{"org.example.unknown", ""}, {"run.oci.unknown", "1"}};
  Container container(bundle);
  CHECK(container.output().empty());
}

TEST_CASE("settings of other platforms are ignored", "[create]") {
  Bundle bundle({"/bin/probe", "exit", "0"});
  bundle.config["windows"] = {{"layerFolders", {"C:\\x"}}};
  bundle.config["solaris"] = {{"limitpriv", "default"}};
  bundle.config["vm"] = {{"kernel", {{"path", "/absent"}}}};
  Container container(bundle);
  CHECK(container.output().empty());
}

TEST_CASE("an ociVersion that is not 1.x is refused", "[create]") {
  ONLY_OCX("runc 1.1 does not look at the value");
  for (const char* version : {"invalid", "", "2.0.0", "1", "0.5.0-dev"}) {
    INFO(version);
    Bundle bundle;
    bundle.config["ociVersion"] = version;
    Container container(bundle);
    Result result = container.create();
    CHECK(contains(error_message(result), "/ociVersion"));
    CHECK(container.leftovers().empty());
  }
}

TEST_CASE("every 1.x ociVersion is accepted", "[create]") {
  for (const char* version : {"1.0.0", "1.0.0-rc5", "1.0.2-dev", "1.2.1", "1.3.0+dev"}) {
    INFO(version);
    Bundle bundle({"/bin/probe", "exit", "0"});
    bundle.config["ociVersion"] = version;
    Container container(bundle);
    CHECK(container.output().empty());
  }
}

TEST_CASE("a container without process can be created but not started", "[create]") {
  ONLY_OCX("runc refuses it at create");
  Bundle bundle;
  bundle.config.erase("process");
  Container container(bundle);
  REQUIRE_OK(container.create());
  std::string before = container.state().out;
  CHECK(contains(error_message(container.start()), "process"));
  CHECK(container.state().out == before);
  REQUIRE_OK(container.remove());
}

TEST_CASE("the state root is created with its parents and the id is its own in each root",
          "[create][contract]") {
  Bundle first, second;
  first.config["linux"]["cgroupsPath"] = cgroups_path(unique_id());
  second.config["linux"]["cgroupsPath"] = cgroups_path(unique_id());
  std::string id = unique_id();
  Container one(first, id), two(second, id);
  REQUIRE_FALSE(std::filesystem::exists(one.root()));
  REQUIRE_OK(one.create());
  REQUIRE_OK(two.create());
  CHECK(one.pid() != two.pid());
  REQUIRE_OK(one.force_delete());
  CHECK(two.status() == "created");
}

TEST_CASE("init's parent is the nearest subreaper and no helper survives create", "[create][contract]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(parent_of(container.pid()) == getpid());
  CHECK(adopted_children() == std::vector<pid_t>{container.pid()});
  REQUIRE_OK(container.start());
  CHECK(adopted_children() == std::vector<pid_t>{container.pid()});
}

TEST_CASE("stdin belongs to the payload alone", "[create][contract]") {
  Bundle bundle({"/bin/probe", "cat"});
  Container container(bundle);
  RunOptions options;
  options.input = "all of it\n";
  Result created = container.create({}, options);
  REQUIRE_OK(created);
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  CHECK(created.out_now() == "all of it\n");
}
