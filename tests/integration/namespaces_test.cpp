// linux.namespaces, id maps, time offsets, host name and sysctl.
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

std::string host_namespace(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/ns/" + name);
}

constexpr std::pair<const char*, const char*> kinds[] = {
    {"pid", "pid"}, {"network", "net"}, {"mount", "mnt"},     {"ipc", "ipc"},
    {"uts", "uts"}, {"user", "user"},   {"cgroup", "cgroup"}, {"time", "time"}};

void refused(Bundle& bundle, const std::string& ocx_text) {
  Container container(bundle);
  Result result = container.create();
  INFO(result.describe());
  CHECK(result.status == 1);
  // runc's first stage adds lines of its own.
  if (runtime_is_ocx()) CHECK(contains(error_message(result), ocx_text));
  CHECK(container.leftovers().empty());
}

}  // namespace

TEST_CASE("a listed namespace is new, one not listed is the caller's", "[namespaces]") {
  for (auto [type, name] : kinds) {
    INFO(type);
    if (std::string(type) == "time" && runtime_is_runc()) continue;  // 1.1 does not know it
    if (std::string(type) == "user" || std::string(type) == "mount") continue;
    Bundle with, without;
    with.add_namespace(type);
    without.remove_namespace(type);
    if (std::string(type) == "uts") without.config.erase("hostname");
    CHECK(payload_facts(with)["namespaces"][name] != host_namespace(name));
    CHECK(payload_facts(without)["namespaces"][name] == host_namespace(name));
  }
}

TEST_CASE("without any namespace listed all are the caller's", "[namespaces]") {
  ONLY_OCX("runc 1.1 crashes or refuses without a mount namespace");
  Bundle bundle;
  for (const char* key : {"namespaces", "maskedPaths", "readonlyPaths"}) bundle.config["linux"].erase(key);
  bundle.config.erase("hostname");
  bundle.config["mounts"] = json::array();
  Container container(bundle);
  REQUIRE_OK(container.create());
  for (auto [type, name] : kinds) {
    INFO(type);
    const std::string link = "/proc/" + std::to_string(container.pid()) + "/ns/" + name;
    CHECK(std::filesystem::read_symlink(link) == host_namespace(name));
  }
}

TEST_CASE("a user namespace with its maps", "[namespaces]") {
  Bundle bundle;
  bundle.use_user_namespace();
  json facts = payload_facts(bundle);
  CHECK(facts["namespaces"]["user"] != host_namespace("user"));
  auto words = [](const std::string& line) {
    std::istringstream stream(line);
    std::vector<std::string> list;
    for (std::string word; stream >> word;) list.push_back(word);
    return list;
  };
  CHECK(facts["uid_map"].size() == 1);
  CHECK(words(facts["uid_map"][0]) == std::vector<std::string>{"0", "100000", "65536"});
  CHECK(words(facts["gid_map"][0]) == std::vector<std::string>{"0", "100000", "65536"});
  CHECK(facts["uids"] == json({0, 0, 0}));
}

TEST_CASE("several and differing id map lines", "[namespaces]") {
  Bundle bundle;
  bundle.use_user_namespace();
  bundle.config["linux"]["uidMappings"] =
      json::array({{{"containerID", 0}, {"hostID", 100000}, {"size", 10}},
                   {{"containerID", 10}, {"hostID", 200000}, {"size", 5}},
                   {{"containerID", 1000}, {"hostID", 300000}, {"size", 1}}});
  bundle.config["linux"]["gidMappings"] =
      json::array({{{"containerID", 0}, {"hostID", 100000}, {"size", 4000}}});
  bundle.process()["user"] = {{"uid", 1000}, {"gid", 7}};
  json facts = payload_facts(bundle);
  CHECK(facts["uid_map"].size() == 3);
  CHECK(facts["uids"] == json({1000, 1000, 1000}));
  CHECK(facts["gids"] == json({7, 7, 7}));
}

TEST_CASE("namespaces of another container are joined by path", "[namespaces]") {
  Bundle owner_bundle;
  owner_bundle.add_namespace("cgroup");
  Container owner(owner_bundle);
  REQUIRE_OK(owner.create());
  std::string base = "/proc/" + std::to_string(owner.pid()) + "/ns/";
  for (auto [type, name] : kinds) {
    if (std::string(type) == "user" || std::string(type) == "time" || std::string(type) == "mount") continue;
    INFO(type);
    Bundle guest;
    guest.add_namespace(type, base + name);
    if (std::string(type) == "uts") guest.config.erase("hostname");
    CHECK(payload_facts(guest)["namespaces"][name] == std::filesystem::read_symlink(base + name).string());
  }
}

TEST_CASE("a joined pid namespace makes the payload a second process there", "[namespaces]") {
  Bundle owner_bundle;
  Container owner(owner_bundle);
  REQUIRE_OK(owner.create());
  Bundle guest;
  guest.add_namespace("pid", "/proc/" + std::to_string(owner.pid()) + "/ns/pid");
  CHECK(payload_facts(guest)["pid"] > 1);
  CHECK(owner.status() == "created");
}

TEST_CASE("a user namespace of another container is joined together with the namespaces it owns",
          "[namespaces]") {
  NOT_ON_RUNC("runc 1.1 demands the maps again");
  Bundle owner_bundle;
  owner_bundle.use_user_namespace();
  Container owner(owner_bundle);
  REQUIRE_OK(owner.create());
  std::string base = "/proc/" + std::to_string(owner.pid()) + "/ns/";
  Bundle guest;
  guest.use_user_namespace();
  guest.config["linux"].erase("uidMappings");
  guest.config["linux"].erase("gidMappings");
  for (auto [type, name] : {std::pair{"user", "user"}, std::pair{"network", "net"}, std::pair{"ipc", "ipc"}})
    guest.add_namespace(type, base + name);
  json facts = payload_facts(guest);
  for (const char* name : {"user", "net", "ipc"})
    CHECK(facts["namespaces"][name] == std::filesystem::read_symlink(base + name).string());
}

TEST_CASE("wrong namespace settings are refused by name", "[namespaces]") {
  Bundle bundle;
  json& list = bundle.config["linux"]["namespaces"];
  SECTION("twice the same type") {
    list.push_back({{"type", "pid"}});
    refused(bundle, "/linux/namespaces/5");
  }
  SECTION("unknown type") {
    list.push_back({{"type", "bogus"}});
    refused(bundle, "/linux/namespaces/5");
  }
  SECTION("a path of another type") {
    bundle.add_namespace("ipc", "/proc/self/ns/uts");
    refused(bundle, "/linux/namespaces/4");
  }
  SECTION("a path that does not exist") {
    bundle.add_namespace("ipc", "/proc/self/ns/absent");
    refused(bundle, "no such file or directory");
  }
  SECTION("a path that is no namespace") {
    bundle.add_namespace("ipc", "/etc/passwd");
    refused(bundle, "/linux/namespaces/4");
  }
}

TEST_CASE("a relative namespace path is refused", "[namespaces]") {
  ONLY_OCX("runc 1.1 takes it");
  Bundle bundle;
  bundle.add_namespace("ipc", "proc/self/ns/ipc");
  refused(bundle, "/linux/namespaces/4/path");
}

TEST_CASE("settings without the namespace they need are refused", "[namespaces]") {
  Bundle bundle;
  SECTION("hostname") {
    bundle.remove_namespace("uts");
    refused(bundle, "/hostname");
  }
  SECTION("id maps") {
    NOT_ON_RUNC("runc ignores them");
    bundle.config["linux"]["uidMappings"] = json::array({{{"containerID", 0}, {"hostID", 1}, {"size", 1}}});
    refused(bundle, "/linux/uidMappings");
  }
  SECTION("network sysctl") {
    bundle.remove_namespace("network");
    bundle.config["linux"]["sysctl"] = {{"net.ipv4.ip_forward", "1"}};
    refused(bundle, "net.ipv4.ip_forward");
  }
  SECTION("ipc sysctl") {
    bundle.remove_namespace("ipc");
    bundle.config["linux"]["sysctl"] = {{"kernel.msgmax", "4096"}};
    refused(bundle, "kernel.msgmax");
  }
}

TEST_CASE("a new network namespace has its loopback device up", "[namespaces]") {
  Bundle bundle;
  bundle.shell("ip -o link show; ip -o addr show dev lo");
  Container container(bundle);
  std::string seen = container.output();
  CHECK(contains(seen, "LOOPBACK,UP"));
  CHECK(contains(seen, "127.0.0.1/8"));
}

TEST_CASE("clocks are shifted in a time namespace", "[namespaces]") {
  NOT_ON_RUNC("runc 1.1 does not know time namespaces");
  Bundle bundle;
  bundle.add_namespace("time");
  SECTION("with offsets") {
    bundle.config["linux"]["timeOffsets"] = {{"monotonic", {{"secs", 7881}, {"nanosecs", 5}}},
                                             {"boottime", {{"secs", 1337}}}};
    json facts = payload_facts(bundle);
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    CHECK(std::abs(facts["monotonic"].get<long>() - 7881 - now.tv_sec) < 10);
    clock_gettime(CLOCK_BOOTTIME, &now);
    CHECK(std::abs(facts["boottime"].get<long>() - 1337 - now.tv_sec) < 10);
    CHECK(facts["namespaces"]["time"] != host_namespace("time"));
  }
  SECTION("without") {
    json facts = payload_facts(bundle);
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    CHECK(std::abs(facts["monotonic"].get<long>() - now.tv_sec) < 10);
    CHECK(facts["namespaces"]["time"] != host_namespace("time"));
  }
  SECTION("with a user namespace") {
    bundle.use_user_namespace();
    bundle.config["linux"]["timeOffsets"] = {{"monotonic", {{"secs", 1000}}}};
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    CHECK(std::abs(payload_facts(bundle)["monotonic"].get<long>() - 1000 - now.tv_sec) < 10);
  }
}

TEST_CASE("time offsets without a time namespace are refused", "[namespaces]") {
  NOT_ON_RUNC("runc 1.1 does not know time namespaces");
  Bundle bundle;
  bundle.config["linux"]["timeOffsets"] = {{"monotonic", {{"secs", 1}}}};
  refused(bundle, "/linux/timeOffsets");
}

TEST_CASE("the host name is the container's alone", "[hostname]") {
  char before[256] = "", after[256] = "";
  gethostname(before, sizeof before);
  Bundle bundle;
  bundle.config["hostname"] = "inside.example";
  CHECK(payload_facts(bundle)["hostname"] == "inside.example");
  gethostname(after, sizeof after);
  CHECK(std::string(before) == after);
}

TEST_CASE("an empty host name leaves the inherited one", "[hostname]") {
  char own[256] = "";
  gethostname(own, sizeof own);
  Bundle bundle;
  bundle.config["hostname"] = "";
  CHECK(payload_facts(bundle)["hostname"] == own);
}

TEST_CASE("the NIS domain name", "[hostname]") {
  NOT_ON_RUNC("runc 1.1 does not know domainname");
  Bundle bundle;
  bundle.config["domainname"] = "nis.example";
  CHECK(payload_facts(bundle)["domainname"] == "nis.example");
}

TEST_CASE("sysctl of the container's namespaces", "[sysctl]") {
  Bundle bundle;
  bundle.config["linux"]["sysctl"] = {{"net.ipv4.ip_forward", "1"},
                                      {"net/ipv4/tcp_syncookies", "0"},
                                      {"kernel.shmmni", "512"},
                                      {"fs.mqueue.msg_max", "9"}};
  bundle.shell(
      "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/tcp_syncookies /proc/sys/kernel/shmmni "
      "/proc/sys/fs/mqueue/msg_max");
  Container container(bundle);
  CHECK(container.output() == "1\n0\n512\n9\n");
}

TEST_CASE("sysctl of the host are refused", "[sysctl]") {
  for (const char* name : {"kernel.core_pattern", "vm.swappiness", "fs.file-max", "kernel.hostname",
                           "net.../../kernel.core_pattern"}) {
    if (!runtime_is_ocx() && std::string(name) == "net.../../kernel.core_pattern") continue;
    INFO(name);
    std::string before = read_file("/proc/sys/kernel/core_pattern");
    Bundle bundle;
    bundle.config["linux"]["sysctl"] = {{name, "77"}};
    refused(bundle, "sysctl");
    CHECK(read_file("/proc/sys/kernel/core_pattern") == before);
  }
}

TEST_CASE("a sysctl that does not exist fails and leaves nothing", "[sysctl]") {
  Bundle bundle;
  bundle.config["linux"]["sysctl"] = {{"net.ipv4.no_such_setting", "1"}};
  refused(bundle, "no such file or directory");
}
