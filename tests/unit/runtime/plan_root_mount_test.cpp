// plan(): a first mount over "/", which makes the container's root.
#include <catch2/catch.hpp>
#include <linux/mount.h>

#include "tests/unit/runtime/compiled_plan.hpp"

using namespace ocx;
using namespace ocx::test;
using Words = std::vector<std::string>;
using runtime::step::MountRoot;

namespace {

json over_root(const std::string& type, Words options = {}, const std::string& source = "source") {
  return {{"destination", "/"}, {"type", type}, {"source", source}, {"options", std::move(options)}};
}

PlanSource with_root(const json& mount) {
  PlanSource source;
  source.config["mounts"].insert(source.config["mounts"].begin(), mount);
  return source;
}

MountRoot root_of(const runtime::Plan& plan) {
  for (const runtime::InitStep& step : plan.build)
    if (const auto* root = std::get_if<MountRoot>(&step.action)) return *root;
  FAIL("no step mounts the root");
  return {};
}

Words data_of(const MountRoot& root) {
  Words options;
  for (const auto& option : root.mount.options.data) options.push_back(option.text);
  return options;
}

void use_user_namespace(PlanSource& source) {
  source.config["linux"]["namespaces"].push_back({{"type", "user"}});
  source.config["linux"]["uidMappings"] = {{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}};
  source.config["linux"]["gidMappings"] = source.config["linux"]["uidMappings"];
}

}  // namespace

TEST_CASE("a first mount over \"/\" takes the place of the root file system, before all other mounts") {
  for (const char* destination : {"/", "//", "/."}) {
    json mount = over_root("tmpfs");
    mount["destination"] = destination;
    const runtime::Plan plan = with_root(mount).compile();
    CHECK(place_of(plan.build, "root tmpfs /bundle/rootfs") == place_of(plan.build, "propagation") + 1);
    CHECK(origin_of(plan.build, "root tmpfs /bundle/rootfs") == "/mounts/0");
    CHECK_FALSE(has_step(plan.build, "rootfs /bundle/rootfs"));
    CHECK_FALSE(has_step(plan.build, "mount /"));
    CHECK(has_step(plan.build, "mount /proc"));
    CHECK(has_step(plan.enter, "pivot"));
  }
}

TEST_CASE("the mounts after one over \"/\" keep their origins, and /dev is filled") {
  const runtime::Plan plan = with_root(over_root("tmpfs")).compile();
  CHECK(origin_of(plan.build, "mount /proc") == "/mounts/1");
  const runtime::step::Mount* dev = mount_step(plan, "/dev");
  REQUIRE(dev != nullptr);
  CHECK_FALSE(dev->devices.empty());
}

TEST_CASE("an overlay's relative directories are those of the bundle") {
  const Words options = {"lowerdir=image:/other", "upperdir=upper", "workdir=a,b", "index=off"};
  CHECK(data_of(root_of(with_root(over_root("overlay", options)).compile())) ==
        Words{"lowerdir=/bundle/image:/other", "upperdir=/bundle/upper", R"(workdir=/bundle/a\,b)",
              "index=off"});
}

TEST_CASE("so are those of an overlay on another place; other file systems' options stay") {
  PlanSource source;
  json mount = over_root("overlay", {"lowerdir=a:b"});
  mount["destination"] = "/data";
  source.config["mounts"].push_back(mount);
  mount["type"] = "other";
  mount["destination"] = "/more";
  source.config["mounts"].push_back(mount);
  const runtime::Plan plan = source.compile();
  CHECK(mount_step(plan, "/data")->options.data[0].text == "lowerdir=/bundle/a:/bundle/b");
  CHECK(mount_step(plan, "/more")->options.data[0].text == "lowerdir=a:b");
}

TEST_CASE("in a user namespace an overlay gets userxattr, once") {
  for (const bool user : {false, true})
    for (const bool written : {false, true}) {
      Words options = {"lowerdir=/a"};
      if (written) options.push_back("userxattr");
      PlanSource source = with_root(over_root("overlay", options));
      if (user) use_user_namespace(source);
      const Words got = data_of(root_of(source.compile()));
      CHECK(std::count(got.begin(), got.end(), "userxattr") == (user || written ? 1 : 0));
    }
}

TEST_CASE("a read-only root of its own turns read-only after what belongs into it was made") {
  struct Row {
    const char* type;
    const char* source;
    Words options;
    bool late;
  };
  const Row rows[] = {{"tmpfs", "tmpfs", {"ro"}, true},
                      {"overlay", "/any", {"ro", "lowerdir=/a"}, true},
                      {"bind", "/any", {"bind", "ro"}, true},
                      {"ext4", "/dev/disk", {"ro"}, false}};
  for (const Row& row : rows) {
    INFO(row.type);
    const runtime::Plan plan = with_root(over_root(row.type, row.options, row.source)).compile();
    const MountRoot root = root_of(plan);
    CHECK(root.mount.late_read_only == row.late);
    CHECK(((root.mount.options.attributes.set & MOUNT_ATTR_RDONLY) == 0) == row.late);
    CHECK(has_step(plan.enter, "read-only /") == row.late);
  }
}

TEST_CASE("a bind over \"/\": its source is relative to the bundle, and it may have an id map") {
  json mount = over_root("bind", {"rbind"}, "image");
  mount["uidMappings"] = {{{"containerID", 0}, {"hostID", 1000}, {"size", 10}}};
  mount["gidMappings"] = mount["uidMappings"];
  const MountRoot root = root_of(with_root(mount).compile());
  CHECK(root.mount.source == "/bundle/image");
  CHECK(root.mount.options.recursive_bind);
  CHECK(root.mount.id_map.has_value());
}

TEST_CASE("a shared root makes the mount that holds it private first, whatever it is") {
  for (const char* propagation : {"shared", "slave"}) {
    PlanSource source = with_root(over_root("tmpfs"));
    source.config["linux"]["rootfsPropagation"] = propagation;
    CHECK(root_of(source.compile()).parent_private == (std::string(propagation) == "shared"));
  }
}

TEST_CASE("what can't be a root is refused, with its place and a remedy") {
  struct Row {
    json mount;
    const char* origin;
    const char* words;
  };
  json idmapped = over_root("tmpfs");
  idmapped["uidMappings"] = {{{"containerID", 0}, {"hostID", 1000}, {"size", 10}}};
  idmapped["gidMappings"] = idmapped["uidMappings"];
  const Row rows[] = {
      {over_root("proc"), "/mounts/0/destination", "type \"proc\""},
      {over_root("sysfs"), "/mounts/0/destination", "type \"sysfs\""},
      {over_root("cgroup"), "/mounts/0/destination", "type \"cgroup\""},
      {over_root("cgroup2"), "/mounts/0/destination", "type \"cgroup2\""},
      {over_root("", {"remount", "ro"}), "/mounts/0/destination", "remount"},
      {over_root("tmpfs", {"rshared"}), "/mounts/0/options", "propagation"},
      {over_root("bind", {"bind", "copy-symlink"}), "/mounts/0/options", "copy-symlink"},
      {over_root("bind", {"bind", "dest-nofollow"}), "/mounts/0/options", "dest-nofollow"},
      {idmapped, "/mounts/0/uidMappings", "only a bind mount"},
  };
  for (const Row& row : rows) {
    PlanSource source = with_root(row.mount);
    const Error error = source.error();
    INFO(row.mount << " " << error.what());
    CHECK(error.origin() == row.origin);
    CHECK_THAT(error.what(), Catch::Contains(row.words));
  }
}

TEST_CASE("a mount over \"/\" that is not the first is refused") {
  PlanSource source;
  source.config["mounts"].push_back(over_root("tmpfs"));
  const Error error = source.error();
  CHECK(error.origin() == "/mounts/7/destination");
  CHECK_THAT(error.what(), Catch::Contains("has to be the first"));
}

TEST_CASE("a mount over \"/\" needs a new mount namespace") {
  for (const bool joined : {false, true}) {
    PlanSource source;
    source.config = json::parse(
        R"({"ociVersion": "1.3.0", "root": {"path": "rootfs"}, "linux": {"namespaces": [{"type": "pid"}]}})");
    source.config["mounts"] = {over_root("tmpfs")};
    if (joined)
      source.config["linux"]["namespaces"].push_back({{"type", "mount"}, {"path", "/proc/1/ns/mnt"}});
    const Error error = source.error();
    CHECK(error.origin() == "/mounts/0/destination");
    CHECK_THAT(error.what(), Catch::Contains("new mount namespace"));
  }
}
