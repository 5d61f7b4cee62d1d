// linux.netDevices: devices that leave the runtime's network namespace for the container's. The tests have a
// network namespace of their own; the host's sees nothing of them.
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

/// A new network namespace for this process and what it starts, until the end.
class OwnNetwork {
 public:
  OwnNetwork() : saved_(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) {
    REQUIRE(saved_);
    REQUIRE(::unshare(CLONE_NEWNET) == 0);
  }
  OwnNetwork(const OwnNetwork&) = delete;
  OwnNetwork& operator=(const OwnNetwork&) = delete;
  ~OwnNetwork() {
    if (::setns(saved_.get(), CLONE_NEWNET) != 0) std::abort();
  }
  /// Another one, to be joined by path; this process stays where it is.
  static Fd make_other() {
    const Fd here(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    REQUIRE(::unshare(CLONE_NEWNET) == 0);
    Fd other(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    REQUIRE(::setns(here.get(), CLONE_NEWNET) == 0);
    return other;
  }

 private:
  Fd saved_;
};

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> list;
  std::string word;
  for (const char c : text + ' ') {
    if (c != ' ')
      word += c;
    else if (!word.empty())
      list.push_back(std::exchange(word, {}));
  }
  return list;
}

/// `ip` with these words, in this process's namespace or in that of a file.
Result ip(const std::string& text, const std::string& ns = {}) {
  std::vector<std::string> argv = ns.empty() ? std::vector<std::string>{} : words("nsenter --net=" + ns);
  for (const std::string& word : words("ip " + text)) argv.push_back(word);
  return run(argv);
}

void set(const std::string& text) {
  REQUIRE_OK(ip(text));
}

/// Null when there is no such device.
json device(const std::string& name, const std::string& ns = {}) {
  const Result result = ip("-j -d addr show dev " + name, ns);
  return result.status == 0 ? parse_json(result.out).at(0) : json();
}

bool is_up(const json& device) {
  const json& flags = device["flags"];
  return std::find(flags.begin(), flags.end(), "UP") != flags.end();
}

/// The addresses that last, as far as they can be given again: sorted texts.
std::vector<std::string> addresses(const json& device) {
  std::vector<std::string> list;
  for (json info : device["addr_info"]) {
    if (info["scope"] != "global" || info.value("dynamic", false)) continue;
    for (const char* changing : {"tentative", "stable-privacy", "protocol"}) info.erase(changing);
    list.push_back(info.dump());
  }
  std::sort(list.begin(), list.end());
  return list;
}

std::string network_of(Container& container) {
  return "/proc/" + std::to_string(container.pid()) + "/ns/net";
}

RunOptions failing_at(const std::string& place) {
  RunOptions options;
  options.add_env = {"OCX_TEST_FAIL_AT=" + place};
  return options;
}

/// A veth pair; one end is for the container.
void add_pair(const std::string& name, const std::string& peer) {
  set("link add " + name + " type veth peer name " + peer);
}

/// One with every kind of address, and some that are to be left behind.
void add_rich_pair() {
  add_pair("inner", "outer");
  set("link set inner address 02:00:00:00:0c:01 mtu 1400 txqueuelen 77");
  set("link set inner up");
  set("addr add 10.9.0.5/24 brd + dev inner");
  set("addr add 10.9.0.6/24 dev inner label inner:two");
  set("addr add 10.8.0.1 peer 10.8.0.2/32 dev inner");
  set("addr add 10.7.0.1/24 dev inner noprefixroute metric 50");
  set("addr add fd00:9::5/64 dev inner nodad");
  set("addr add fd00:8::1 peer fd00:8::2/128 dev inner nodad");
  set("addr add fd00:7::1/64 dev inner nodad preferred_lft 0");
  set("addr add 10.6.0.1/24 dev inner scope link");
  set("addr add 10.5.0.1/24 dev inner valid_lft 1000 preferred_lft 1000");
}

}  // namespace

TEST_CASE("a network device moves with its attributes and lasting addresses", "[net_devices]") {
  NOT_ON_RUNC("runc 1.1 does not know netDevices");
  OwnNetwork network;
  add_rich_pair();
  const json before = device("inner");
  REQUIRE(addresses(before).size() == 7);
  Bundle bundle;
  bundle.config["linux"]["netDevices"]["inner"] = json::object();
  const bool user_namespace = GENERATE(false, true);
  INFO("user namespace: " << user_namespace);
  if (user_namespace) bundle.use_user_namespace();
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(device("inner").is_null());
  const json after = device("inner", network_of(container));
  REQUIRE(after.is_object());
  CHECK(is_up(after));
  CHECK(addresses(after) == addresses(before));
  for (const char* key : {"address", "mtu", "txqlen", "ifindex"}) {
    INFO(key);
    CHECK(after[key] == before[key]);
  }
  // Neither the link scope's nor the one of limited life.
  CHECK_FALSE(contains(after.dump(), "10.6.0.1"));
  CHECK_FALSE(contains(after.dump(), "10.5.0.1"));

  set("link set outer up");
  set("addr add 10.9.0.1/24 dev outer");
  CHECK(run({"nsenter", "--net=" + network_of(container), "busybox", "ping", "-c1", "-W10", "10.9.0.1"})
            .status == 0);
  REQUIRE_OK(container.start());
  REQUIRE_OK(container.force_delete());
  CHECK(device("inner").is_null());  // virtual devices end with the namespace
}

TEST_CASE("several devices move, under other names where asked", "[net_devices]") {
  NOT_ON_RUNC("runc 1.1 does not know netDevices");
  OwnNetwork network;
  for (const char* name : {"one", "two", "three", "four"}) add_pair(name, std::string(name) + "-out");
  set("addr add 10.1.0.1/24 dev one label one:a");
  Bundle bundle;
  bundle.config["linux"]["netDevices"] = {{"one", {{"name", "eth0"}}},
                                          {"two", json::object()},
                                          {"three", {{"name", "net%d"}}},
                                          {"four", {{"name", "net%d"}}}};
  Container container(bundle);
  REQUIRE_OK(container.create());
  const std::string ns = network_of(container);
  for (const char* name : {"eth0", "two", "net0", "net1"}) {
    INFO(name);
    CHECK(is_up(device(name, ns)));
  }
  CHECK(contains(device("eth0", ns).dump(), "\"eth0:a\""));
  for (const char* name : {"one", "two", "three", "four"}) CHECK(device(name).is_null());
  CHECK(device("one-out").is_object());
}

TEST_CASE("a device gets another index where its own is taken", "[net_devices]") {
  NOT_ON_RUNC("runc 1.1 does not know netDevices");
  OwnNetwork network;
  const Fd other = OwnNetwork::make_other();
  const std::string path = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(other.get());
  REQUIRE_OK(ip("link add taken index 50 type veth peer name taken-out index 51", path));
  set("link add inner index 50 type veth peer name outer index 52");
  set("addr add 10.1.0.1/24 dev inner");
  Bundle bundle;
  bundle.add_namespace("network", path);
  bundle.config["linux"]["netDevices"]["inner"]["name"] = "eth%d";

  SECTION("and is found by it") {
    Container container(bundle);
    REQUIRE_OK(container.create());
    const json moved = device("eth0", path);
    REQUIRE(moved.is_object());
    CHECK(moved["ifindex"] == 52);
    CHECK(addresses(moved).size() == 1);
    CHECK(is_up(moved));
  }
  SECTION("and its own again when create fails") {
    Container container(bundle);
    CHECK(container.create({}, failing_at("save")).status != 0);
    CHECK(device("eth0", path).is_null());
    CHECK(device("inner")["ifindex"] == 50);
  }
}

TEST_CASE("a device that can't move is an error of create", "[net_devices]") {
  ONLY_OCX("the words");
  OwnNetwork network;
  add_rich_pair();
  const std::vector<std::string> before = addresses(device("inner"));
  Bundle bundle;
  json& devices = bundle.config["linux"]["netDevices"];
  devices["inner"] = json::object();
  std::vector<std::string> texts;
  SECTION("it does not exist") {
    devices["missing"] = json::object();
    texts = {"has no device \"missing\"", "(/linux/netDevices/missing)"};
  }
  SECTION("its name is taken in the container") {
    devices["inner"]["name"] = "lo";
    texts = {"has a device \"lo\" already", "(/linux/netDevices/inner)"};
  }
  SECTION("the kernel keeps it") {
    devices["lo"]["name"] = "other";
    texts = {"move network device \"lo\" into the container", "invalid argument", "(/linux/netDevices/lo)"};
  }
  SECTION("there is no right to") {
    bundle.use_user_namespace();
    Container container(bundle);
    std::vector<std::string> argv = container.create_argv();
    for (const char* word : {"--bounding-set=-net_admin", "setpriv"}) argv.insert(argv.begin(), word);
    bundle.save();
    CHECK(contains(error_message(run(argv)), "CAP_NET_ADMIN"));
  }
  if (!texts.empty()) {
    Container container(bundle);
    const std::string message = error_message(container.create());
    for (const std::string& text : texts) CHECK_THAT(message, Catch::Contains(text));
  }
  // The one that had already moved is back as it was.
  const json after = device("inner");
  REQUIRE(after.is_object());
  CHECK(addresses(after) == before);
  CHECK(is_up(after));
}

TEST_CASE("netDevices needs a network namespace of the container's own", "[net_devices]") {
  ONLY_OCX("the words");
  OwnNetwork network;
  add_pair("inner", "outer");
  Bundle bundle;
  bundle.config["linux"]["netDevices"]["inner"] = json::object();
  SECTION("none") {
    bundle.remove_namespace("network");
  }
  SECTION("the runtime's") {
    bundle.add_namespace("network", "/proc/" + std::to_string(::getpid()) + "/ns/net");
  }
  Container container(bundle);
  CHECK_THAT(error_message(container.create()), Catch::Contains("network namespace (/linux/netDevices)"));
  CHECK(device("inner").is_object());
}

TEST_CASE("a failed create gives network devices back", "[net_devices][fault]") {
  ONLY_OCX("fault injection");
  OwnNetwork network;
  add_rich_pair();
  add_pair("quiet", "quiet-out");
  const std::vector<std::string> before = addresses(device("inner"));
  const std::string index = device("inner")["ifindex"].dump();
  Bundle bundle;
  bundle.config["linux"]["netDevices"] = {{"inner", {{"name", "eth0"}}}, {"quiet", json::object()}};
  const std::string place = GENERATE("attributes", "save", "enter:0", "hook");
  INFO(place);
  if (place == "hook")
    bundle.config["hooks"]["createRuntime"] = json::array({{{"path", "/bin/false"}, {"args", {"false"}}}});
  Container container(bundle);
  CHECK(container.create({}, failing_at(place)).status != 0);
  const json after = device("inner");
  REQUIRE(after.is_object());
  CHECK(addresses(after) == before);
  CHECK(is_up(after));
  CHECK(after["ifindex"].dump() == index);
  CHECK_FALSE(is_up(device("quiet")));
  CHECK(container.leftovers().empty());
}

TEST_CASE("an empty list of network devices moves none, with and without a network namespace",
          "[net_devices]") {
  OwnNetwork network;
  add_pair("inner", "outer");
  Bundle bundle;
  bundle.shell("cut -d : -f 1 /proc/net/dev | tr -d ' '");
  bundle.config["linux"]["netDevices"] = json::object();
  const bool own = GENERATE(true, false);
  if (!own) {
    bundle.remove_namespace("network");
    bundle.remove_mount("/sys");
  }
  Container container(bundle);
  const std::string names = container.output();
  CHECK(contains(names, "lo\n"));
  CHECK(contains(names, "inner\n") == !own);
}

TEST_CASE("devices are there for hooks and the program", "[net_devices][hooks]") {
  NOT_ON_RUNC("runc 1.1 does not know netDevices");
  OwnNetwork network;
  add_pair("inner", "outer");
  Bundle bundle;
  bundle.shell("cat /proc/net/dev; cat /proc/sys/net/ipv4/conf/inner/forwarding");
  bundle.config["linux"]["netDevices"]["inner"] = json::object();
  bundle.config["linux"]["sysctl"] = {{"net.ipv4.conf.inner.forwarding", "1"}};
  const Path log = bundle.scratch() / "log";
  bundle.config["hooks"]["createContainer"] =
      json::array({{{"path", "/bin/sh"}, {"args", {"sh", "-c", "cat /proc/net/dev > " + log.string()}}}});
  Container container(bundle);
  const std::string out = container.output();
  CHECK(contains(out, "inner:"));
  CHECK(out.ends_with("\n1\n"));
  CHECK(contains(read_file(log), "inner:"));
}

TEST_CASE("explain tells of network devices, cache shares and their origin",
          "[net_devices][intel_rdt][explain]") {
  ONLY_OCX("explain");
  Bundle bundle;
  bundle.config["linux"]["netDevices"] = {{"eth9", {{"name", "net%d"}}}};
  bundle.config["linux"]["intelRdt"] = {{"closID", "gold"},
                                        {"l3CacheSchema", "L3:0=f"},
                                        {"memBwSchema", "MB:0=20"},
                                        {"schemata", {"L2:0=1"}},
                                        {"enableMonitoring", true}};
  bundle.save();
  const Result result = runtime({"explain", "--bundle", bundle.path()});
  REQUIRE_OK(result);
  for (const char* text :
       {"move the network device \"eth9\" into the container as \"net%d\"", "[/linux/netDevices/eth9]",
        "class of service \"gold\"", "[/linux/intelRdt/closID]", "write \"L3:0=f\"", "write \"MB:0=20\"",
        "[/linux/intelRdt/schemata/0]", "[/linux/intelRdt/enableMonitoring]"})
    CHECK_THAT(result.out, Catch::Contains(text));
}
