// What commands print: state, list, spec, features, explain.
#include <catch2/catch.hpp>

#include "tests/harness/container.hpp"

using namespace ocx::test;

TEST_CASE("state prints the specification's document and what engines read besides", "[state]") {
  Bundle bundle;
  bundle.config["annotations"] = {{"org.example.a", "1"}, {"org.example.b", "with \"quotes\" and ä"}};
  Container container(bundle);
  REQUIRE_OK(container.create());
  Result result = container.state();
  REQUIRE_OK(result);
  json state = parse_json(result.out);
  CHECK(state["ociVersion"].get<std::string>().rfind("1.", 0) == 0);
  CHECK(state["id"] == container.id());
  CHECK(state["status"] == "created");
  CHECK(state["pid"].get<int>() > 1);
  CHECK(state["bundle"] == bundle.path().string());
  CHECK(state["rootfs"] == bundle.rootfs().string());
  CHECK(state["annotations"] == bundle.config["annotations"]);
  CHECK(state.contains("owner"));
  std::string created = state["created"];
  CHECK(created.size() >= 20);
  CHECK(created.back() == 'Z');
  CHECK(result.out.rfind("{\n  \"ociVersion\"", 0) == 0);
  CHECK(result.err.empty());
}

TEST_CASE("state of a stopped container has pid 0", "[state]") {
  Bundle bundle({"/bin/probe", "exit", "0"});
  Container container(bundle);
  container.output();
  CHECK(container.state_json()["pid"] == 0);
  CHECK(container.state_json()["status"] == "stopped");
}

TEST_CASE("list: table, ids, JSON", "[list][contract]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  Result table = container.command({"list"});
  REQUIRE_OK(table);
  std::vector<std::string> rows = lines(table.out);
  REQUIRE(rows.size() == 2);
  size_t at = 0;
  for (const char* column : {"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}) {
    at = rows[0].find(column, at);
    CHECK(at != std::string::npos);
  }
  CHECK(contains(rows[1], container.id()));
  CHECK(contains(rows[1], std::to_string(container.pid())));
  CHECK(contains(rows[1], "created"));
  CHECK(contains(rows[1], "root"));
  CHECK(container.command({"list", "-q"}).out == container.id() + "\n");
  CHECK(container.command({"list", "--quiet"}).out == container.id() + "\n");
  for (const std::vector<std::string>& args : {std::vector<std::string>{"list", "--format", "json"},
                                               {"list", "--format=json"},
                                               {"list", "-f", "json"}}) {
    json document = parse_json(container.command(args).out);
    REQUIRE(document.size() == 1);
    CHECK(document[0]["id"] == container.id());
    CHECK(document[0]["pid"] == container.pid());
    CHECK(document[0]["status"] == "created");
    CHECK(document[0]["owner"] == "root");
    CHECK(document[0]["bundle"] == bundle.path().string());
  }
  CHECK(container.command({"list", "--format", "yaml"}).status != 0);
}

TEST_CASE("list of an empty root, and of a root that is not there", "[list][contract]") {
  TempDir directory;
  std::filesystem::create_directory(directory.path() / "empty");
  Result empty = runtime({"--root", directory.path() / "empty", "list", "--format", "json"});
  REQUIRE_OK(empty);
  CHECK((contains(empty.out, "null") || contains(empty.out, "[]")));
  CHECK(runtime({"--root", directory.path() / "empty", "list", "-q"}).out.empty());
  if (runtime_is_ocx()) CHECK(runtime({"--root", directory.path() / "absent", "list"}).status == 1);
}

TEST_CASE("list goes on after an entry it can't read", "[list]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  write_file(container.root() / "broken" / "state.json", "{");
  Result result = container.command({"list", "-q"});
  REQUIRE_OK(result);
  CHECK(contains(result.out, container.id()));
  CHECK(contains(result.err, "broken"));
  std::filesystem::remove_all(container.root() / "broken");
}

TEST_CASE("spec writes a configuration that runs", "[spec]") {
  Bundle bundle;
  Container container(bundle);
  std::filesystem::remove(bundle.path() / "config.json");
  SECTION("in the current directory") {
    RunOptions options;
    options.cwd = bundle.path();
    REQUIRE_OK(runtime({"spec"}, options));
  }
  SECTION("in a bundle") {
    REQUIRE_OK(runtime({"spec", "--bundle", bundle.path()}));
  }
  bundle.config = parse_json(read_file(bundle.path() / "config.json"));
  CHECK(bundle.config["process"]["terminal"] == true);
  CHECK(bundle.config["process"]["args"] == json({"sh"}));
  CHECK(bundle.config["process"]["noNewPrivileges"] == true);
  CHECK(bundle.config["mounts"].size() == 7);
  CHECK_FALSE(bundle.config["process"]["capabilities"].contains("inheritable"));
  bundle.process()["terminal"] = false;
  bundle.shell("echo it runs");
  CHECK(container.output() == "it runs\n");
}

TEST_CASE("spec does not overwrite", "[spec]") {
  Bundle bundle;
  write_file(bundle.path() / "config.json", "mine");
  Result result = runtime({"spec", "--bundle", bundle.path()});
  CHECK(contains(error_message(result), "exists. Remove it first"));
  CHECK(read_file(bundle.path() / "config.json") == "mine");
}

TEST_CASE("spec --rootless has a user namespace and no network namespace", "[spec]") {
  Bundle bundle;
  REQUIRE_OK(runtime({"spec", "--rootless", "--bundle", bundle.path()}));
  json config = parse_json(read_file(bundle.path() / "config.json"));
  std::vector<std::string> types;
  for (const json& entry : config["linux"]["namespaces"]) types.push_back(entry["type"]);
  CHECK(std::count(types.begin(), types.end(), "user") == 1);
  CHECK(std::count(types.begin(), types.end(), "network") == 0);
  CHECK(config["linux"]["uidMappings"][0]["hostID"] == getuid());
  CHECK(config["linux"]["uidMappings"][0]["size"] == 1);
}

TEST_CASE("features is JSON with the mandatory fields, without needing anything", "[features][contract]") {
  RunOptions options;
  options.env = std::vector<std::string>{};
  Result result = runtime({"features"}, options);
  REQUIRE_OK(result);
  CHECK(result.err.empty());
  json features = parse_json(result.out);
  CHECK_FALSE(features["ociVersionMin"].get<std::string>().empty());
  CHECK_FALSE(features["ociVersionMax"].get<std::string>().empty());
  CHECK(features["hooks"].size() == 6);
  auto namespaces = features["linux"]["namespaces"].get<std::vector<std::string>>();
  CHECK(std::count(namespaces.begin(), namespaces.end(), "user") == 1);
  auto options_known = features["mountOptions"].get<std::vector<std::string>>();
  for (const char* name : {"ro", "rbind", "nosuid", "rslave"})
    CHECK(std::count(options_known.begin(), options_known.end(), name) == 1);
  if (runtime_is_ocx()) CHECK(features["linux"]["mountExtensions"]["idmap"]["enabled"].is_boolean());
}

TEST_CASE("features has no null, which the schema refuses", "[features]") {
  json features = parse_json(runtime({"features"}).out);
  std::vector<json> open{features};
  while (!open.empty()) {
    json value = open.back();
    open.pop_back();
    CHECK_FALSE(value.is_null());
    if (value.is_structured())
      for (const json& child : value) open.push_back(child);
  }
}

TEST_CASE("explain prints the plan and touches nothing", "[explain]") {
  ONLY_OCX("nobody else has it");
  Bundle bundle;
  bundle.config["linux"]["sysctl"] = {{"net.ipv4.ip_forward", "1"}};
  Container container(bundle);
  bundle.save();
  Result words = container.command({"explain", "--bundle", bundle.path()});
  REQUIRE_OK(words);
  CHECK(contains(words.out, "/dev/shm"));
  CHECK(contains(words.out, "/mounts/3"));
  CHECK(contains(words.out, "ip_forward"));
  CHECK(words.err.empty());
  CHECK_FALSE(std::filesystem::exists(container.root()));
  CHECK(container.leftovers().empty());
}

TEST_CASE("explain finds the same mistakes as create", "[explain]") {
  ONLY_OCX("nobody else has it");
  Bundle bundle;
  bundle.process()["cwd"] = "relative";
  bundle.save();
  CHECK(contains(error_message(runtime({"explain", "--bundle", bundle.path()})), "/process/cwd"));
}
