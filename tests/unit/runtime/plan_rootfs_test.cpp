// plan(): mounts, the filling of /dev, devices.
#include <catch2/catch.hpp>
#include <linux/mount.h>
#include <sys/sysmacros.h>

#include "tests/unit/runtime/compiled_plan.hpp"

using namespace ocx;
using namespace ocx::test;
using Words = std::vector<std::string>;

namespace {

json mount(const std::string& target, const std::string& type, std::vector<std::string> options = {},
           const std::string& source = "/source") {
  return {{"destination", target}, {"type", type}, {"source", source}, {"options", std::move(options)}};
}

Words device_paths(const runtime::step::Mount& mount) {
  Words paths;
  for (const runtime::step::DeviceNode& node : mount.devices) paths.push_back(node.path);
  return paths;
}

Words link_paths(const runtime::step::Mount& mount) {
  Words paths;
  for (const runtime::step::SymbolicLink& link : mount.links)
    paths.push_back(link.path + " -> " + link.target);
  return paths;
}

const Words defaults = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"};

PlanSource user_namespace() {
  PlanSource source;
  source.config["linux"]["namespaces"].push_back({{"type", "user"}});
  source.config["linux"]["uidMappings"] = {{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}};
  source.config["linux"]["gidMappings"] = source.config["linux"]["uidMappings"];
  return source;
}

}  // namespace

TEST_CASE("a tmpfs on /dev is filled before it is attached") {
  PlanSource source;
  const runtime::Plan plan = source.compile();
  const runtime::step::Mount* dev = mount_step(plan, "/dev");
  REQUIRE(dev != nullptr);
  CHECK(device_paths(*dev) == defaults);
  CHECK(link_paths(*dev) == Words{"/dev/ptmx -> pts/ptmx", "/dev/fd -> /proc/self/fd",
                                  "/dev/stdin -> /proc/self/fd/0", "/dev/stdout -> /proc/self/fd/1",
                                  "/dev/stderr -> /proc/self/fd/2"});
  CHECK(dev->directories == Words{"pts", "shm", "mqueue"});
  for (const std::string& path : defaults) CHECK_FALSE(has_step(plan.build, "device " + path));
}

TEST_CASE("the kernel's numbers of the default devices") {
  PlanSource source;
  const runtime::Plan plan = source.compile();
  const dev_t numbers[] = {makedev(1, 3), makedev(1, 5), makedev(1, 7),
                           makedev(1, 8), makedev(1, 9), makedev(5, 0)};
  const runtime::step::Mount* dev = mount_step(plan, "/dev");
  REQUIRE(dev != nullptr);
  for (size_t i = 0; i < 6; ++i) {
    CHECK(dev->devices[i].device == numbers[i]);
    CHECK(dev->devices[i].type == 'c');
    CHECK(dev->devices[i].mode == 0666);
    CHECK_FALSE(dev->devices[i].bind);
  }
}

TEST_CASE("devices not directly in a tmpfs on /dev are made later, below the root") {
  PlanSource source;
  source.config["linux"]["devices"] = {{{"path", "/dev/in"}, {"type", "c"}, {"major", 1}, {"minor", 5}},
                                       {{"path", "/dev/sub/deep"}, {"type", "b"}, {"major", 7}, {"minor", 0}},
                                       {{"path", "/opt/../opt/pipe"}, {"type", "p"}}};
  const runtime::Plan plan = source.compile();
  CHECK(device_paths(*mount_step(plan, "/dev"))[0] == "/dev/in");
  CHECK(origin_of(plan.build, "device /dev/sub/deep") == "/linux/devices/1");
  CHECK(has_step(plan.build, "device /opt/pipe"));
  CHECK(place_of(plan.build, "device /opt/pipe") > place_of(plan.build, "cgroup-mount /sys/fs/cgroup"));
}

TEST_CASE("a listed device takes the place of the default and has its own properties") {
  PlanSource source;
  source.config["linux"]["devices"] = {{{"path", "/dev/tty"},
                                        {"type", "u"},
                                        {"major", 9},
                                        {"minor", 8},
                                        {"fileMode", 416},
                                        {"uid", 3},
                                        {"gid", 4}}};
  const runtime::Plan plan = source.compile();
  const runtime::step::Mount* dev = mount_step(plan, "/dev");
  REQUIRE(dev->devices.size() == 6);
  const runtime::step::DeviceNode& node = dev->devices[0];
  CHECK(node.path == "/dev/tty");
  CHECK(node.type == 'c');
  CHECK(node.device == makedev(9, 8));
  CHECK(node.mode == 0640);
  CHECK(node.uid == 3);
  CHECK(node.gid == 4);
  CHECK(node.origin == "/linux/devices/0");
}

TEST_CASE("in a user namespace device nodes are bound from the host, FIFOs are made") {
  PlanSource own = user_namespace(), outer;
  outer.host.in_user_namespace = true;
  for (PlanSource* source : {&own, &outer}) {
    source->config["linux"]["devices"] = {
        {{"path", "/dev/pipe"}, {"type", "p"}},
        {{"path", "/dev/fuse"}, {"type", "c"}, {"major", 10}, {"minor", 229}}};
    const runtime::Plan plan = source->compile();
    CHECK(device_paths(*mount_step(plan, "/dev")) == Words{"/dev/pipe"});
    CHECK(has_step(plan.build, "bind-device /dev/fuse"));
    for (const std::string& path : defaults) CHECK(has_step(plan.build, "bind-device " + path));
    CHECK(place_of(plan.build, "bind-device /dev/null") > place_of(plan.build, "mount /dev"));
  }
}

TEST_CASE("without a tmpfs on /dev devices and links are steps of their own") {
  PlanSource source;
  for (int i = 4; i >= 1; --i) source.config["mounts"].erase(static_cast<size_t>(i));
  const runtime::Plan plan = source.compile();
  for (const std::string& path : defaults) CHECK(has_step(plan.build, "device " + path));
  for (const char* link : {"/dev/ptmx", "/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr"})
    CHECK(has_step(plan.build, std::string("link ") + link));
}

TEST_CASE("a /dev bound from the host gets no device and no link") {
  PlanSource source;
  source.config["mounts"][1] = mount("/dev", "bind", {"rbind"}, "/dev");
  const runtime::Plan plan = source.compile();
  for (const std::string& step : words(plan.build)) {
    CHECK(step.rfind("device ", 0) != 0);
    CHECK(step.rfind("link ", 0) != 0);
  }
}

TEST_CASE("the last mount on /dev is the one that is filled") {
  PlanSource source;
  source.config["mounts"].push_back(mount("/dev/", "tmpfs"));
  const runtime::Plan plan = source.compile();
  CHECK(device_paths(*mount_step(plan, "/dev")).empty());
  const auto* last = std::get_if<runtime::step::Mount>(&plan.build.back().action);
  REQUIRE(last != nullptr);
  CHECK(device_paths(*last) == defaults);
}

TEST_CASE("without a /proc there are no links into it") {
  PlanSource source;
  source.config["mounts"].erase(0);
  CHECK(link_paths(*mount_step(source.compile(), "/dev")) == Words{"/dev/ptmx -> pts/ptmx"});
}

TEST_CASE("a read-only tmpfs, and a read-only /dev, become so after the pivot") {
  PlanSource source;
  source.config["mounts"][1]["options"].push_back("ro");
  source.config["mounts"].push_back(mount("/data", "tmpfs", {"ro", "nosuid"}));
  source.config["mounts"].push_back(mount("/bound", "bind", {"bind", "ro"}));
  source.config["root"]["readonly"] = true;
  const runtime::Plan plan = source.compile();
  for (const char* target : {"/dev", "/data"}) {
    INFO(target);
    const runtime::step::Mount* made = mount_step(plan, target);
    REQUIRE(made != nullptr);
    CHECK(made->late_read_only);
    CHECK((made->options.attributes.set & MOUNT_ATTR_RDONLY) == 0);
    CHECK(has_step(plan.enter, std::string("read-only ") + target));
  }
  CHECK(origin_of(plan.enter, "read-only /data") == "/mounts/7");
  CHECK((mount_step(plan, "/data")->options.attributes.set & MOUNT_ATTR_NOSUID) != 0);
  CHECK((mount_step(plan, "/bound")->options.attributes.set & MOUNT_ATTR_RDONLY) != 0);
  CHECK_FALSE(has_step(plan.enter, "read-only /bound"));
  // The directory of the process may have to be made first.
  CHECK(place_of(plan.enter, "make-cwd /") < place_of(plan.enter, "read-only /dev"));
  CHECK(place_of(plan.enter, "make-cwd /") < place_of(plan.enter, "read-only /"));
}

TEST_CASE("the console comes before anything becomes read-only or masked") {
  PlanSource source;
  source.config["process"]["terminal"] = true;
  source.config["root"]["readonly"] = true;
  const runtime::Plan plan = source.compile();
  CHECK(plan.terminal);
  CHECK(place_of(plan.enter, "console") == 1);
  CHECK(place_of(plan.enter, "pivot") == 0);
}

TEST_CASE("kinds of mounts") {
  struct Row {
    json mount;
    const char* step;
    const char* source;
  };
  const Row rows[] = {{mount("/a", "bind", {"bind"}), "bind /a", "/source"},
                      {mount("/a", "none", {"rbind"}, "volume"), "bind /a", "/bundle/volume"},
                      {mount("/a", "", {"rbind"}), "bind /a", "/source"},
                      {mount("/a/../b//c/", "tmpfs", {}, "x"), "mount /b/c", "x"},
                      {mount("/a", "cgroup", {}, "cgroup"), "cgroup-mount /a", "cgroup"},
                      {mount("/a", "cgroup2", {}, "cgroup"), "cgroup-mount /a", "cgroup"},
                      {mount("/a", "tmpfs", {"remount", "ro"}, "x"), "remount /a", "x"},
                      {mount("/a", "bind", {"bind", "remount", "ro"}), "remount /a", "/source"}};
  for (const Row& row : rows) {
    PlanSource source;
    source.config["mounts"].push_back(row.mount);
    const runtime::Plan plan = source.compile();
    INFO(row.mount.dump());
    REQUIRE(has_step(plan.build, row.step));
    const auto& made = std::get<runtime::step::Mount>(plan.build[place_of(plan.build, row.step)].action);
    CHECK(made.source == row.source);
    CHECK(made.origin == "/mounts/7");
  }
}

TEST_CASE("mounts that make no sense are refused with their place") {
  struct Row {
    json mount;
    const char* origin;
  };
  const Row rows[] = {{mount("/", "tmpfs"), "/mounts/7/destination"},
                      {mount("/a/..", "tmpfs"), "/mounts/7/destination"},
                      {mount("/a", ""), "/mounts/7/options"},
                      {mount("/a", "bind", {"ro"}), "/mounts/7/options"},
                      {mount("/a", "none"), "/mounts/7/options"},
                      {mount("/a", "bind", {"bind"}, ""), "/mounts/7/source"}};
  for (const Row& row : rows) {
    PlanSource source;
    source.config["mounts"].push_back(row.mount);
    const Error error = source.error();
    INFO(row.mount.dump() << " " << error.what());
    CHECK(error.kind() == ErrorKind::invalid_config);
    CHECK(error.origin() == row.origin);
  }
}

TEST_CASE("file system options of a bind mount are dropped, with a warning") {
  PlanSource source;
  source.config["mounts"].push_back(mount("/a", "bind", {"ro", "bind", "size=1m"}));
  const runtime::Plan plan = source.compile();
  REQUIRE(mount_step(plan, "/a") != nullptr);
  CHECK(mount_step(plan, "/a")->options.data.empty());
  REQUIRE(source.warnings.size() == 1);
  CHECK_THAT(source.warnings[0], Catch::Contains("\"size=1m\"") && Catch::Contains("/mounts/7/options/2"));
}

TEST_CASE("a relative destination is taken from the root, with a warning") {
  PlanSource source;
  source.config["mounts"].push_back(mount("data", "tmpfs"));
  CHECK(mount_step(source.compile(), "/data") != nullptr);
  REQUIRE(source.warnings.size() == 1);
  CHECK_THAT(source.warnings[0], Catch::Contains("/mounts/7/destination"));
}

TEST_CASE("without a mount namespace mounts go into a copy of the root that is mounted nowhere") {
  for (const bool mounts : {true, false}) {
    PlanSource source;
    source.config = json::parse(
        R"({"ociVersion": "1.3.0", "root": {"path": "rootfs"}, "linux": {"namespaces": [{"type": "pid"}]}})");
    if (mounts) source.config["mounts"] = {mount("/a", "tmpfs")};
    const runtime::Plan plan = source.compile();
    const std::size_t place = place_of(plan.build, "rootfs " + plan.rootfs);
    REQUIRE(place < plan.build.size());
    CHECK(std::get<runtime::step::AttachRootfs>(plan.build[place].action).detached == mounts);
    CHECK(has_step(plan.build, "mount /a") == mounts);
  }
}

TEST_CASE("what changes mounts is refused without a mount namespace") {
  struct Row {
    const char* pointer;
    json value;
    const char* origin;
  };
  const Row rows[] = {{"/linux/maskedPaths", {"/a"}, "/linux/maskedPaths"},
                      {"/linux/readonlyPaths", {"/a"}, "/linux/readonlyPaths"},
                      {"/root/readonly", true, "/root/readonly"},
                      {"/linux/rootfsPropagation", "slave", "/linux/rootfsPropagation"}};
  for (const Row& row : rows) {
    PlanSource source;
    source.config["mounts"] = json::array();
    source.config["linux"] = {{"namespaces", {{{"type", "pid"}}}}};
    source.config.erase("hostname");
    source.config[json::json_pointer(row.pointer)] = row.value;
    const Error error = source.error();
    INFO(row.pointer << " " << error.what());
    CHECK(error.origin() == row.origin);
    CHECK_THAT(error.what(), Catch::Contains("mount namespace"));
  }
}
