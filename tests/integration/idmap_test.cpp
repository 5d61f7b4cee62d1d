// Id-mapped mounts (config.md, "Mounts": uidMappings, gidMappings, idmap, ridmap).
#include <catch2/catch.hpp>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/mount_table.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

constexpr const char* too_new = "runc 1.1 has no id-mapped mounts";

json map_of(unsigned file_id, unsigned seen_as, unsigned size) {
  return json::array({{{"containerID", file_id}, {"hostID", seen_as}, {"size", size}}});
}

json mapped(json mount, const json& uids, const json& gids) {
  mount["uidMappings"] = uids;
  mount["gidMappings"] = gids;
  return mount;
}

json mapped(json mount, const json& map) {
  return mapped(std::move(mount), map, map);
}

void owned(const Path& path, uid_t uid, gid_t gid, mode_t mode = 0644) {
  if (!fs::exists(path)) write_file(path, "content\n");
  REQUIRE(chown(path.c_str(), uid, gid) == 0);
  REQUIRE(chmod(path.c_str(), mode) == 0);
}

std::string owner(const Path& path) {
  struct stat facts {};
  REQUIRE(lstat(path.c_str(), &facts) == 0);
  return std::to_string(facts.st_uid) + ":" + std::to_string(facts.st_gid);
}

// A tmpfs of the test's own: whatever the temporary directory is on, this one can be id-mapped.
struct Volume {
  Bundle bundle;
  HostMount volume{"tmpfs", "volume", bundle.scratch() / "volume"};
  Path operator/(const char* name) const { return volume.path() / name; }
  Volume() { REQUIRE(chmod(volume.path().c_str(), 0777) == 0); }
  json bind(std::vector<std::string> options, const std::string& destination = "/data") const {
    return bind_mount(volume.path(), destination, std::move(options));
  }
};

}  // namespace

TEST_CASE("ids of a mount are mapped both ways, as its mappings say", "[idmap][mounts][contract]") {
  NOT_ON_RUNC(too_new);
  for (const char* option : {"idmap", "rw"}) {
    INFO(option);
    Volume test;
    owned(test / "old", 3, 4);
    owned(test / "outside", 500, 500);
    test.bundle.add_mount(mapped(test.bind({"bind", option}), map_of(0, 2000, 10), map_of(0, 3000, 10)));
    test.bundle.process()["user"] = {{"uid", 2001}, {"gid", 3002}};
    test.bundle.shell("stat -c %u:%g /data/old /data/outside; touch /data/new && stat -c %u:%g /data/new");
    Container container(test.bundle);
    CHECK(container.output() == "2003:3004\n65534:65534\n2001:3002\n");
    CHECK(owner(test / "new") == "1:2");
    CHECK(owner(test / "old") == "3:4");
  }
}

TEST_CASE("idmap without mappings takes those of the container", "[idmap][mounts][userns]") {
  NOT_ON_RUNC(too_new);
  Volume test;
  test.bundle.use_user_namespace();
  owned(test / "old", 7, 8);
  test.bundle.add_mount(test.bind({"bind", "idmap"}));
  test.bundle.add_mount(test.bind({"bind"}, "/plain"));
  test.bundle.add_mount(mapped(test.bind({"bind", "idmap"}, "/same"), map_of(0, 100000, 65536)));
  test.bundle.shell("stat -c %u:%g /data/old /plain/old /same/old; touch /data/new /plain/other");
  Container container(test.bundle);
  CHECK(container.output() == "7:8\n65534:65534\n7:8\n");
  CHECK(owner(test / "new") == "0:0");
  CHECK(owner(test / "other") == "100000:100000");
}

TEST_CASE("setuid counts for the mapped owner, and not with nosuid", "[idmap][mounts][userns]") {
  NOT_ON_RUNC(too_new);
  for (const auto& [options, expected] : std::map<std::vector<std::string>, json>{
           {{"bind", "idmap"}, {0, 7, 7}}, {{"bind", "idmap", "nosuid"}, {0, 0, 0}}, {{"bind"}, {0, 0, 0}}}) {
    Volume test;
    test.bundle.use_user_namespace();
    fs::copy_file(host_probe(), test / "probe");
    owned(test / "probe", 7, 7, 04755);
    test.bundle.add_mount(test.bind(options));
    test.bundle.args({"/data/probe", "facts"});
    test.bundle.process()["noNewPrivileges"] = false;
    Container container(test.bundle);
    CHECK(parse_json(container.output())["uids"] == expected);
  }
}

TEST_CASE("crun's inline mappings, absolute and relative", "[idmap][mounts][userns][contract]") {
  ONLY_OCX("crun's option");
  Volume test;
  test.bundle.use_user_namespace();
  owned(test / "old", 1, 0);
  test.bundle.add_mount(
      test.bind({"bind", "idmap=uids=1-100007-1;gids=0-100005-2#10-100000-2"}, "/absolute"));
  test.bundle.add_mount(test.bind({"bind", "idmap=uids=@0-20-5;gids=@0-30-5"}, "/relative"));
  test.bundle.shell(
      "stat -c %u:%g /absolute/old /relative/old; touch /relative/new; stat -c %u:%g "
      "/relative/new");
  test.bundle.process()["user"] = {{"uid", 23}, {"gid", 34}};
  Container container(test.bundle);
  CHECK(container.output() == "7:5\n21:30\n23:34\n");
  CHECK(owner(test / "new") == "3:4");
}

TEST_CASE("ridmap maps the mounts below too, idmap does not", "[idmap][mounts]") {
  NOT_ON_RUNC(too_new);
  Volume test;
  HostMount inner("tmpfs", "inner", test / "inner");
  owned(inner.path() / "file", 1, 1);
  test.bundle.add_mount(mapped(test.bind({"rbind", "idmap"}, "/top"), map_of(0, 3000, 5)));
  test.bundle.add_mount(mapped(test.bind({"rbind", "ridmap"}, "/all"), map_of(0, 3000, 5)));
  test.bundle.shell("stat -c %u:%g /top/inner/file /all/inner/file");
  Container container(test.bundle);
  CHECK(container.output() == "1:1\n3001:3001\n");
}

TEST_CASE("attributes and propagation go with mapped ids", "[idmap][mounts][userns]") {
  ONLY_OCX("rro is not in runc 1.1");
  Volume test;
  test.bundle.use_user_namespace();
  HostMount inner("tmpfs", "inner", test / "inner");
  test.bundle.add_mount(test.bind({"rbind", "ridmap", "rro", "nosuid", "nodev", "noexec", "rslave"}));
  Container container(test.bundle);
  REQUIRE_OK(container.create());
  for (const char* option : {"ro", "nosuid", "nodev", "noexec", "idmapped"})
    CHECK(mount_on(container.pid(), "/data").has(option));
  for (const char* option : {"ro", "idmapped"}) CHECK(mount_on(container.pid(), "/data/inner").has(option));
  CHECK(mount_on(container.pid(), "/data").propagation.count("shared") == 0);
}

TEST_CASE("a file is id-mapped, below a directory closed to the mapped root", "[idmap][mounts][userns]") {
  NOT_ON_RUNC(too_new);
  Volume test;
  test.bundle.use_user_namespace();
  owned(test / "file", 5, 5, 0600);
  REQUIRE(chmod(test.bundle.scratch().c_str(), 0700) == 0);
  test.bundle.add_mount(bind_mount(test / "file", "/file", {"bind", "idmap"}));
  test.bundle.shell("cat /file; stat -c %u:%g /file");
  test.bundle.process()["user"] = {{"uid", 5}, {"gid", 5}};
  Container container(test.bundle);
  CHECK(container.output() == "content\n5:5\n");
}

TEST_CASE("a file system that can't map ids is refused with the remedy", "[idmap][mounts]") {
  ONLY_OCX("the words are ocx's");
  Bundle bundle;
  bundle.add_mount(mapped(bind_mount("/proc", "/data", {"bind", "idmap"}), map_of(0, 2000, 10)));
  check_refused(bundle, {"invalid argument", "MOUNT_ATTR_IDMAP", "tmpfs", "/mounts/7/options/1"});
}

TEST_CASE("what can't be id-mapped is refused before anything is made", "[idmap][mounts]") {
  ONLY_OCX("the words are ocx's");
  Bundle bundle;
  bundle.add_mount(mapped(tmpfs_mount("/data", {"idmap"}), map_of(0, 2000, 10)));
  check_refused(bundle, {"only a bind mount", "/mounts/7/options/0"});
  bundle.config["mounts"].back() = bind_mount(bundle.scratch(), "/data", {"bind", "idmap=uids=0-0-1"});
  check_refused(bundle, {"both uids= and gids=", "/mounts/7/options/1"});
  CHECK_FALSE(fs::exists(bundle.rootfs() / "data"));
}
