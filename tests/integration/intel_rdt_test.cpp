// linux.intelRdt where there is no resctrl: what it does on one is tested against a fake one (unit_cgroups).
#include <catch2/catch.hpp>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

bool resctrl_is_mounted() {
  return !host_mounts_with(" - resctrl ").empty();
}

}  // namespace

TEST_CASE("intelRdt without resctrl is an error, and nothing is left", "[intel_rdt]") {
  if (resctrl_is_mounted()) SKIP_TEST("this machine has resctrl");
  Bundle bundle;
  SECTION("by name") {
    bundle.config["linux"]["intelRdt"] = {{"closID", "gold"}, {"l3CacheSchema", "L3:0=f"}};
  }
  SECTION("empty") {
    bundle.config["linux"]["intelRdt"] = json::object();
  }
  SECTION("monitoring alone") {
    bundle.config["linux"]["intelRdt"] = {{"enableMonitoring", true}};
  }
  Container container(bundle);
  const Result result = container.create();
  CHECK(result.status != 0);
  CHECK(container.leftovers().empty());
  if (!runtime_is_ocx()) return;
  CHECK_THAT(error_message(result),
             Catch::Contains("resctrl is not mounted (/linux/intelRdt); mount -t resctrl"));
}

// The record tells later commands where the groups are; here they are plain files.
TEST_CASE("update, events and delete find the groups of the record", "[intel_rdt][update][events]") {
  ONLY_OCX("its record");
  const std::string before = "    MB:0=100\n    L3:0=00000000f\n";
  Bundle bundle;
  const Path root = bundle.scratch() / "resctrl", clos = root / "gold", monitor = clos / "mon_groups/web";
  write_file(root / "schemata", "    L3:0=fffff\n");
  write_file(clos / "schemata", before);
  std::filesystem::create_directories(monitor);
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  const Path record = container.state_directory() / "state.json";
  json state = parse_json(read_file(record));
  state["ocx"]["intel_rdt"] = {{"root", root}, {"directory", clos}, {"made", false}, {"monitor", monitor}};
  write_file(record, state.dump());

  const auto update = [&](std::vector<std::string> options) {
    options.insert(options.begin(), "update");
    options.push_back(container.id());
    return container.command(options);
  };
  // All or nothing: the cgroup refuses the processor.
  CHECK(update({"--l3-cache-schema=L3:0=3", "--cpuset-cpus=4000"}).status != 0);
  CHECK(read_file(clos / "schemata") == before);
  REQUIRE_OK(update({"--l3-cache-schema=L3:0=3", "--pids-limit=77"}));
  CHECK(read_file(clos / "schemata").starts_with("L3:0=3\n"));
  REQUIRE_OK(update({"--mem-bw-schema", "MB:0=50"}));
  CHECK(read_file(clos / "schemata").starts_with("MB:0=50\n"));
  CHECK(parse_json(read_file(record))["intel_rdt_path"] == clos.string());

  write_file(clos / "schemata", before);
  const Result events = container.command({"events", "--stats", container.id()});
  REQUIRE_OK(events);
  const json figures = parse_json(events.out)["data"]["intel_rdt"];
  CHECK(figures == json({{"l3_cache_schema_root", "L3:0=fffff"},
                         {"l3_cache_schema", "L3:0=00000000f"},
                         {"mem_bw_schema", "MB:0=100"}}));

  // A process of exec is no child of init, so it is put in by itself; by its pid on the host.
  const Path pid_file = bundle.scratch() / "pid";
  for (const Path& group : {clos, monitor}) write_file(group / "tasks", "");
  REQUIRE_OK(container.command({"exec", "--pid-file", pid_file, container.id(), "/bin/true"}));
  for (const Path& group : {clos, monitor}) {
    CHECK(read_file(group / "tasks") == read_file(pid_file));
    std::filesystem::remove(group / "tasks");
  }
  REQUIRE_OK(container.force_delete());
  CHECK_FALSE(std::filesystem::exists(monitor));
  CHECK(std::filesystem::exists(clos));
}

TEST_CASE("update of cache shares needs a container with intelRdt", "[intel_rdt][update]") {
  ONLY_OCX("the words");
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  struct Row {
    std::vector<std::string> options;
    const char* text;
  };
  for (const Row& row : {Row{{"--l3-cache-schema", "L3:0=f"}, "has no intelRdt"},
                         Row{{"--mem-bw-schema", "MB:0=20"}, "has no intelRdt"},
                         Row{{"--pids-limit=9", "--mem-bw-schema=MB:0=20"}, "has no intelRdt"},
                         Row{{"--mem-bw-schema", "L3:0=f"}, "starts with MB:"},
                         Row{{"--l3-cache-schema", "L3:0=f\nMB:0=1"}, "one line"}}) {
    std::vector<std::string> command{"update"};
    command.insert(command.end(), row.options.begin(), row.options.end());
    command.push_back(container.id());
    const Result result = container.command(command);
    INFO(result.describe());
    CHECK(result.status != 0);
    CHECK_THAT(error_message(result), Catch::Contains(row.text));
  }
}
