// plan(): id-mapped mounts, and the options about links.
#include <catch2/catch.hpp>

#include "tests/unit/runtime/compiled_plan.hpp"

using namespace ocx;
using namespace ocx::test;
using Map = std::vector<spec::IdMapping>;

namespace {

json ids(unsigned container, unsigned host, unsigned size) {
  return json::array({{{"containerID", container}, {"hostID", host}, {"size", size}}});
}

struct Source : PlanSource {
  explicit Source(std::vector<std::string> options, const std::string& type = "none") {
    config["mounts"].push_back(
        {{"destination", "/data"}, {"type", type}, {"source", "/x"}, {"options", std::move(options)}});
  }
  Source& user_namespace(const json& map) {
    config["linux"]["namespaces"].push_back({{"type", "user"}});
    config["linux"]["uidMappings"] = config["linux"]["gidMappings"] = map;
    return *this;
  }
  Source& mapped(const json& map) {
    config["mounts"].back()["uidMappings"] = config["mounts"].back()["gidMappings"] = map;
    return *this;
  }
  std::optional<runtime::step::IdMap> map() {
    const runtime::Plan plan = compile();
    return mount_step(plan, "/data")->id_map;
  }
};

}  // namespace

TEST_CASE("a mount without mappings and idmap has none") {
  CHECK_FALSE(Source({"bind"}).map());
  CHECK_FALSE(Source({"bind"}).user_namespace(ids(0, 1000, 10)).map());
}

TEST_CASE("a mount's own mappings are taken, with and without the option") {
  for (const char* option : {"rw", "idmap", "ridmap"}) {
    INFO(option);
    const auto map = Source({"bind", option}).mapped(ids(0, 1000, 10)).map();
    REQUIRE(map);
    CHECK(map->uids == Map{{0, 1000, 10}});
    CHECK(map->gids == Map{{0, 1000, 10}});
    CHECK_FALSE(map->container);
    CHECK(map->recursive == (std::string(option) == "ridmap"));
    CHECK(map->origin == (std::string(option) == "rw" ? "/mounts/7/uidMappings" : "/mounts/7/options/1"));
  }
}

TEST_CASE("the container's user namespace serves for its own mappings") {
  CHECK(Source({"bind", "idmap"}).user_namespace(ids(0, 1000, 10)).map()->container);
  CHECK(Source({"bind"}).user_namespace(ids(0, 1000, 10)).mapped(ids(0, 1000, 10)).map()->container);
  CHECK_FALSE(Source({"bind"}).user_namespace(ids(0, 1000, 10)).mapped(ids(0, 1000, 9)).map()->container);
  CHECK(Source({"bind", "idmap=uids=@0-0-10;gids=0-1000-10"})
            .user_namespace(ids(0, 1000, 10))
            .map()
            ->container);
}

TEST_CASE("inline mappings are resolved") {
  const auto map = Source({"bind", "ridmap=uids=@0-3-2;gids=0-5-1"}).user_namespace(ids(0, 1000, 10)).map();
  REQUIRE(map);
  CHECK(map->recursive);
  CHECK(map->uids == Map{{0, 1003, 2}});
  CHECK(map->gids == Map{{0, 5, 1}});
}

TEST_CASE("what can't be mapped is refused with its place") {
  struct Row {
    std::vector<std::string> options;
    const char *type, *words;
  };
  for (const Row& row :
       {Row{{"idmap=uids=0-0-1;gids=0-0-1"}, "tmpfs", "only a bind mount"},
        Row{{"idmap=uids=@0-0-1;gids=0-0-1"}, "none", "has none"},
        Row{{"idmap=uids=0-0-1"}, "none", "both uids="}, Row{{"idmap="}, "none", "invalid option"}}) {
    Source source(row.options, row.type);
    if (std::string(row.type) == "none") source.config["mounts"].back()["options"].push_back("bind");
    const Error error = source.error();
    INFO(error.what());
    CHECK_THAT(error.message(), Catch::Contains(row.words));
    CHECK(error.origin() == "/mounts/7/options/0");
  }
  CHECK_THAT(Source({"bind", "idmap=uids=0-0-1;gids=0-0-1"}).mapped(ids(0, 1, 1)).error().message(),
             Catch::Contains("twice"));
  CHECK(Source({}, "tmpfs").mapped(ids(0, 1, 1)).error().origin() == "/mounts/7/uidMappings");
  Source unprivileged({"bind", "idmap"});
  unprivileged.mapped(ids(0, 1, 1)).host.euid = 1000;
  CHECK(unprivileged.error().kind() == ErrorKind::unsupported);
}

TEST_CASE("options about links are refused where they mean nothing") {
  for (const char* type : {"proc", "sysfs", "devpts", "cgroup"}) {
    const Error error = Source({"dest-nofollow"}, type).error();
    INFO(error.what());
    CHECK(error.kind() == ErrorKind::invalid_config);
    CHECK(error.origin() == "/mounts/7/options");
    CHECK_THAT(error.message(), Catch::Contains("dest-nofollow"));
  }
  for (const char* option : {"copy-symlink", "src-nofollow"})
    CHECK_THAT(Source({option}, "tmpfs").error().message(), Catch::Contains("bind mounts"));
  CHECK(Source({"dest-nofollow"}, "tmpfs").error().message() == "none");
  CHECK(Source({"bind", "dest-nofollow", "src-nofollow"}).error().message() == "none");
}
