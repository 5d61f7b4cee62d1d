// Ids of a caller without privileges: the files that grant them, and what plan() makes of them.
#include "runtime/rootless.hpp"

#include <catch2/catch.hpp>
#include <sched.h>

#include "tests/unit/runtime/compiled_plan.hpp"

using namespace ocx;
using namespace ocx::test;
using runtime::IdRange;
using Maps = std::vector<spec::IdMapping>;

namespace {

void make_unprivileged(PlanSource& source) {
  source.host.euid = 1000;
  source.host.egid = 1001;
  source.host.permitted_capabilities = 0;
}

/// The step's ids, {-1, -1} when there is none.
std::pair<long, long> identity(const runtime::Plan& plan) {
  for (const runtime::InitStep& step : plan.build)
    if (const auto* become = std::get_if<runtime::step::BecomeRoot>(&step.action))
      return {become->uid, become->gid};
  return {-1, -1};
}

bool has_data(const runtime::step::Mount& mount, const std::string& text) {
  return std::any_of(mount.options.data.begin(), mount.options.data.end(),
                     [&](const auto& option) { return option.text == text; });
}

}  // namespace

TEST_CASE("login names") {
  struct Row {
    const char* passwd;
    uid_t uid;
    std::optional<std::string> name;
  };
  for (const Row& row :
       {Row{"root:x:0:0::/:/bin/sh\na:x:1000:1000::/:\n", 1000, "a"}, Row{"a:x:1000\nb:x:1000\n", 1000, "a"},
        Row{"a:x:1000", 1000, "a"}, Row{":x:1000:\n+\n::\n\nb:x:1000:", 1000, "b"},
        Row{"a:x:10000:\na:1000:5:", 1000, std::nullopt}, Row{"", 0, std::nullopt}}) {
    CAPTURE(row.passwd);
    CHECK(runtime::login_name(row.passwd, row.uid) == row.name);
  }
}

TEST_CASE("subordinate ids by name and by number, junk left out") {
  struct Row {
    const char* text;
    std::vector<IdRange> ranges;
  };
  for (const Row& row :
       {Row{"a:100000:65536\n", {{100000, 65536}}}, Row{"1000:100000:65536", {{100000, 65536}}},
        Row{"b:1:1\na:100000:5\n1000:200000:7\n", {{100000, 5}, {200000, 7}}},
        Row{"# a comment\n\n::\na\na:\na:1\na:1:2:3\na:x:5\na:5:x\na:-1:5\na: 7:5\n", {}},
        Row{"a:5:0\na:4294967295:1\na:4294967296:5\na:5:4294967295\na:99999999999999999999:1\n", {}},
        Row{"a:4294967290:5\n", {{4294967290, 5}}},
        // What the kernel would refuse: the caller's own id, and what is there already.
        Row{"a:990:20\na:5000:10\na:5009:10\na:5010:10\n", {{5000, 10}, {5010, 10}}}}) {
    CAPTURE(row.text);
    CHECK(runtime::parse_subordinate_ids(row.text, "a", 1000, 1000) == row.ranges);
  }
  CHECK(runtime::parse_subordinate_ids(":5000:10\n", "", 1000, 1000).empty());
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "a:" + std::to_string(100000 + i) + ":1\n";
  CHECK(runtime::parse_subordinate_ids(many, "a", 1000, 1000).size() == 300);
}

TEST_CASE("id maps as the kernel shows them") {
  CHECK(runtime::parse_id_map("         0       1000          1\n         1     100000      65536\n") ==
        Maps{{0, 1000, 1}, {1, 100000, 65536}});
  CHECK(runtime::parse_id_map("").empty());
  CHECK(runtime::parse_id_map("0 1\nx y z\n0 4294967296 1\n").empty());
}

TEST_CASE("an unprivileged caller's container gets a user namespace") {
  PlanSource source;
  make_unprivileged(source);
  const runtime::Plan one = source.compile();
  CHECK((one.namespaces.new_flags & CLONE_NEWUSER) != 0);
  CHECK(one.namespaces.uid_maps == Maps{{0, 1000, 1}});
  CHECK(one.namespaces.gid_maps == Maps{{0, 1001, 1}});
  CHECK(has_step(one.build, "bind-device /dev/null"));
  CHECK_FALSE(has_data(*mount_step(one, "/dev/pts"), "gid=5"));
  CHECK(source.warnings.empty());

  source.host.subordinate_uids = {{100000, 10}, {300000, 5}};
  CHECK(source.compile().namespaces.uid_maps.size() == 1);  // groups have none
  source.host.subordinate_gids = {{200000, 65536}};
  const runtime::Plan ranges = source.compile();
  CHECK(ranges.namespaces.uid_maps == Maps{{0, 1000, 1}, {1, 100000, 10}, {11, 300000, 5}});
  CHECK(ranges.namespaces.gid_maps == Maps{{0, 1001, 1}, {1, 200000, 65536}});
  CHECK(has_data(*mount_step(ranges, "/dev/pts"), "gid=5"));
  CHECK(identity(ranges) == std::pair<long, long>{0, 0});
}

TEST_CASE("the one id is that of process.user") {
  PlanSource source;
  make_unprivileged(source);
  source.config["process"]["user"] = {{"uid", 33}, {"gid", 44}};
  const runtime::Plan plan = source.compile();
  CHECK(plan.namespaces.uid_maps == Maps{{33, 1000, 1}});
  CHECK(plan.namespaces.gid_maps == Maps{{44, 1001, 1}});
  CHECK(identity(plan) == std::pair<long, long>{33, 44});
}

TEST_CASE("who has privileges, or a user namespace in the configuration, gets none from ocx") {
  PlanSource source;
  CHECK(source.compile().namespaces.uid_maps.empty());
  make_unprivileged(source);
  source.host.permitted_capabilities = 1ULL << 21U;  // CAP_SYS_ADMIN
  CHECK(source.compile().namespaces.uid_maps.empty());
  make_unprivileged(source);
  source.config["linux"]["namespaces"].push_back({{"type", "user"}, {"path", "/proc/7/ns/user"}});
  CHECK(source.compile().namespaces.uid_maps.empty());
}

TEST_CASE("ids in mount options are compared with what is mapped") {
  PlanSource source;
  source.config["linux"]["namespaces"].push_back({{"type", "user"}});
  const json map = json::array({{{"containerID", 0}, {"hostID", 1000}, {"size", 5}}});
  source.config["linux"]["uidMappings"] = source.config["linux"]["gidMappings"] = map;
  Error error = source.error();
  CHECK_THAT(error.message(), Catch::Contains("\"gid=5\" is not mapped"));
  CHECK_THAT(error.origin(), Catch::Contains("/options/"));
  source.config["linux"]["gidMappings"][0]["size"] = 6;
  CHECK(source.error().message() == "none");

  // In a user namespace of somebody else's making nobody could know.
  PlanSource nested;
  nested.host.in_user_namespace = true;
  nested.host.uid_maps = nested.host.gid_maps = {{0, 1000, 1}};
  CHECK_FALSE(has_data(*mount_step(nested.compile(), "/dev/pts"), "gid=5"));
  nested.host.gid_maps = {{0, 1000, 1}, {1, 100000, 65536}};
  CHECK(has_data(*mount_step(nested.compile(), "/dev/pts"), "gid=5"));
}
