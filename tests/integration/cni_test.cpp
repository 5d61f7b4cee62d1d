// ocx-cni: the protocol with plug-ins that write down what they get, and Debian's own ones.
#include <catch2/catch.hpp>

#include "tests/harness/container.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

// Writes down how it was called; then does what the file NAME.COMMAND beside it says, if there is one.
constexpr const char* fake_plugin = R"(#!/bin/sh
name=${0##*/} here=${0%/*}
echo "$CNI_COMMAND $name" >>"$here/log"
cat >"$here/$name.$CNI_COMMAND.stdin"
env | grep ^CNI_ >"$here/$name.$CNI_COMMAND.env"
[ ! -e "$here/$name.$CNI_COMMAND" ] || . "$here/$name.$CNI_COMMAND"
[ "$CNI_COMMAND" != ADD ] ||
  echo '{"cniVersion":"1.0.0","ips":[{"address":"10.9.8.7/24"}],"last":"'$name'"}'
)";

Path cni_program() {
  return fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "ocx-cni";
}

json network_of(const std::vector<std::string>& types) {
  json list = json::array();
  for (const std::string& type : types) list.push_back({{"type", type}});
  return {{"cniVersion", "1.0.0"}, {"name", "lan"}, {"plugins", list}};
}

/// Plug-ins "first" and "second", a network "lan" of both, and a container that waits in `created`.
struct Cni {
  Bundle bundle;
  Container container{bundle};
  Path plugins = bundle.scratch() / "plugins", networks = bundle.scratch() / "net.d",
       state = bundle.scratch() / "state";
  std::vector<std::string> before;  // words before the program

  Cni() {
    fs::create_directories(plugins);
    fs::create_directories(networks);
    for (const char* name : {"first", "second"}) write_file(plugins / name, fake_plugin, 0755);
    network("10-lan.conflist", network_of({"first", "second"}));
  }
  void network(const std::string& file, const json& content) const {
    write_file(networks / file, content.dump());
  }
  void behave(const std::string& name, const std::string& script) const {
    write_file(plugins / name, script + "\n");
  }
  std::vector<std::string> argv(const std::string& command, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{cni_program(), command, "--state-dir", state};
    if (command == "add")
      for (const std::string& word : {std::string("--config-dir"), networks.string(),
                                      std::string("--plugin-dir"), plugins.string() + ":/usr/lib/cni"})
        words.push_back(word);
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  void hook(const std::string& kind, const std::string& command) {
    bundle.config["hooks"][kind] = {{{"path", cni_program()}, {"args", argv(command)}}};
  }
  Result take(const std::string& command, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = before;
    for (const std::string& word : argv(command, more)) words.push_back(word);
    RunOptions options;
    options.input = json{
        {"ociVersion", "1.2.0"},
        {"id", container.id()},
        {"status", "creating"},
        {"pid", container.pid()},
        {"bundle",
         bundle.path()}}.dump();
    return run(words, options);
  }
  std::string log() const { return read_file(plugins / "log"); }
  json request(const std::string& of) const { return parse_json(read_file(plugins / (of + ".stdin"))); }
  bool nothing_left() const {
    return (!fs::exists(state) || fs::is_empty(state)) && host_mounts_with(state.string()).empty();
  }
};

/// One line that begins with the program's name; the rest of it.
std::string complaint(const Result& result) {
  INFO(result.describe());
  CHECK(result.status == 1);
  CHECK(result.out.empty());
  REQUIRE(lines(result.err).size() == 1);
  REQUIRE(result.err.rfind("ocx-cni: ", 0) == 0);
  return lines(result.err).front().substr(9);
}

}  // namespace

TEST_CASE("the hooks run the plug-ins in order, and in reverse order at the end", "[cni][hooks]") {
  Cni test;
  test.hook("createRuntime", "add");
  test.hook("poststop", "del");
  REQUIRE_OK(test.container.create());
  CHECK(test.log() == "ADD first\nADD second\n");
  const std::string environment = read_file(test.plugins / "first.ADD.env");
  for (const std::string& variable :
       {std::string("CNI_COMMAND=ADD\n"), "CNI_CONTAINERID=" + test.container.id() + "\n",
        std::string("CNI_IFNAME=eth0\n"), "CNI_PATH=" + test.plugins.string() + ":/usr/lib/cni\n",
        "CNI_NETNS=" + test.state.string() + "/" + test.container.id() + "/netns\n"})
    CHECK(contains(environment, variable));
  CHECK(test.request("first.ADD") == json{{"cniVersion", "1.0.0"}, {"name", "lan"}, {"type", "first"}});
  CHECK(test.request("second.ADD")["prevResult"]["last"] == "first");
  CHECK(contains(test.take("list").out, "lan              eth0        10.9.8.7/24"));

  REQUIRE_OK(test.container.force_delete());
  CHECK(test.log() == "ADD first\nADD second\nDEL second\nDEL first\n");
  CHECK(test.request("first.DEL")["prevResult"]["last"] == "second");
  CHECK(test.nothing_left());
}

TEST_CASE("an error of a plug-in undoes what was done, and is one line", "[cni]") {
  Cni test;
  test.behave("second.ADD", R"(printf %s '{"code":7,"msg":"bad\nsubnet","details":"it is full"}'; exit 1)");
  test.hook("createRuntime", "add");
  test.hook("poststop", "del");
  const Result result = test.container.create();
  CHECK(result.status != 0);
  INFO(result.describe());
  CHECK(contains(error_message(result),
                 R"(network "lan": ADD by plug-in "second": bad subnet: it is full (code 7, invalid network )"
                 "configuration)"));
  CHECK(test.log() == "ADD first\nADD second\nDEL second\nDEL first\n");
  CHECK(test.nothing_left());
}

TEST_CASE("what a plug-in does wrong is said in one line", "[cni]") {
  Cni test;
  REQUIRE_OK(test.container.create());
  const struct {
    const char *script, *text;
  } rows[] = {{"echo '{'; exit 0", "its result: no valid JSON, at byte"},
              {"exit 0", "its result: no valid JSON"},
              {"echo '[]'; exit 0", "its result: no JSON object"},
              {"echo '{\"cniVersion\":\"0.4.0\"}'; exit 0", "of cniVersion \"0.4.0\", the network of 1.0.0"},
              {"exit 3", "exit status 3, without a CNI error"},
              {"echo '{\"msg\":1}'; exit 3", "exit status 3, without a CNI error"},
              {"kill -9 $$", "signal 9 ended it"}};
  for (const auto& row : rows) {
    INFO(row.script);
    test.behave("first.ADD", row.script);
    CHECK(contains(complaint(test.take("add")), row.text));
    CHECK(test.nothing_left());
  }
  test.behave("first.ADD", "echo 'no such bus' >&2; exit 2");
  const Result result = test.take("add");
  CHECK(contains(result.err, "no such bus\nocx-cni: "));
  CHECK(contains(result.err, "exit status 2, without a CNI error: no such bus"));
}

TEST_CASE("what can't begin leaves all as it was", "[cni]") {
  Cni test;
  REQUIRE_OK(test.container.create());
  const auto refused = [&](const json& network, const std::vector<std::string>& more = {}) {
    test.network("10-lan.conflist", network);
    const std::string text = complaint(test.take("add", more));
    CHECK(test.log().empty());
    CHECK(test.nothing_left());
    return text;
  };
  CHECK(contains(refused(network_of({"first", "third"})), "no plug-in \"third\" in "));
  json network = network_of({"first"});
  network["cniVersion"] = "9.0.0";
  CHECK(contains(refused(network), "its cniVersion \"9.0.0\" is unknown"));
  network = network_of({"first"});
  CHECK(contains(refused(network, {"--port", "80:80"}), "no plug-in of the network takes \"portMappings\""));
  CHECK(contains(refused(network, {"--network", "wan"}), "no network \"wan\" in "));
  CHECK(contains(refused(network, {"--ifname", "a/b"}), "no interface can have the name \"a/b\""));
  CHECK(contains(refused(network, {"--prot", "80:80"}), "unknown option --prot; did you mean --port?"));
  fs::remove(test.networks / "10-lan.conflist");
  CHECK(contains(complaint(test.take("add")), "no network in "));
  fs::remove(test.networks);
  CHECK(contains(complaint(test.take("add")), "no such file or directory"));
}

TEST_CASE("the first network is taken, or those that are named", "[cni]") {
  Cni test;
  REQUIRE_OK(test.container.create());
  json wan = network_of({"second"});
  wan["name"] = "wan";
  test.network("20-wan.conflist", wan);
  write_file(test.networks / "00-readme.txt", "no network");
  REQUIRE_OK(test.take("add"));
  CHECK(test.request("first.ADD")["name"] == "lan");
  CHECK(contains(complaint(test.take("add")), "has networks already"));
  REQUIRE_OK(test.take("del"));

  REQUIRE_OK(test.take("add", {"--network", "wan", "--network", "lan", "--ifname", "net3"}));
  CHECK(contains(read_file(test.plugins / "first.ADD.env"), "CNI_IFNAME=net4\n"));
  REQUIRE_OK(test.take("del"));
  // The second network fails: the first one goes, too.
  fs::remove(test.plugins / "log");
  test.behave("first.ADD", "exit 1");
  CHECK(contains(complaint(test.take("add", {"--network", "wan", "--network", "lan"})), "network \"lan\""));
  CHECK(test.log() == "ADD second\nADD first\nDEL second\nDEL first\nDEL second\n");
  CHECK(test.nothing_left());
}

TEST_CASE("del does it once, whatever is left, and says what it can't", "[cni]") {
  Cni test;
  REQUIRE_OK(test.container.create());
  REQUIRE_OK(test.take("del"));
  REQUIRE_OK(test.take("add"));
  // Another container of the same id.
  RunOptions other;
  other.input = json{{"id", test.container.id()}, {"bundle", "/elsewhere"}}.dump();
  REQUIRE_OK(run(test.argv("del"), other));
  CHECK(test.log() == "ADD first\nADD second\n");

  test.behave("second.DEL", R"(echo '{"code":11,"msg":"busy"}'; exit 1)");
  CHECK(
      contains(complaint(test.take("del")), "busy (code 11, try again later); try again with `ocx-cni del"));
  CHECK(test.log() == "ADD first\nADD second\nDEL second\nDEL first\n");
  fs::remove(test.plugins / "second.DEL");
  fs::remove_all(test.networks);  // what was added is in the record
  REQUIRE_OK(test.container.force_delete());
  REQUIRE_OK(run(test.argv("del", {test.container.id()})));
  CHECK(test.nothing_left());
  REQUIRE_OK(run(test.argv("del", {test.container.id()})));
  CHECK(lines(test.log()).size() == 6);
}

TEST_CASE("add that was killed half-way is undone by del", "[cni]") {
  Cni test;
  REQUIRE_OK(test.container.create());
  const Path pid = test.bundle.scratch() / "pid";
  test.behave("second.ADD", "kill -9 $PPID; echo $$ >" + pid.string());
  CHECK(test.take("add").status == 128 + 9);
  CHECK(wait_gone(std::stoi(wait_for_file(pid))));
  REQUIRE_OK(test.take("del"));
  CHECK(contains(test.log(), "DEL second\nDEL first\n"));
  CHECK(test.nothing_left());
}

TEST_CASE("check asks the plug-ins", "[cni]") {
  Cni test;
  REQUIRE_OK(test.container.create());
  CHECK(contains(complaint(test.take("check")), "has no networks of ocx-cni"));
  REQUIRE_OK(test.take("add"));
  REQUIRE_OK(test.take("check"));
  CHECK(contains(test.log(), "CHECK first\nCHECK second\n"));
  CHECK(test.request("first.CHECK")["prevResult"]["last"] == "second");
  test.behave("first.CHECK", R"(echo '{"code":100,"msg":"the cable is out"}'; exit 1)");
  CHECK(contains(complaint(test.take("check")), "CHECK by plug-in \"first\": the cable is out (code 100)"));
  REQUIRE_OK(test.take("del"));
}

TEST_CASE("capabilities go to those that declare them", "[cni]") {
  Cni test;
  REQUIRE_OK(test.container.create());
  json network = network_of({"first", "second"});
  network["plugins"][1]["capabilities"] = {{"portMappings", true}, {"mac", true}, {"ips", false}};
  test.network("10-lan.conflist", network);
  REQUIRE_OK(test.take("add", {"-p", "127.0.0.1:8080:80", "--capability", "mac=\"02:00:00:00:00:01\"",
                               "--args", "IgnoreUnknown=1;A=b"}));
  CHECK_FALSE(test.request("first.ADD").contains("runtimeConfig"));
  const json request = test.request("second.ADD");
  CHECK_FALSE(request.contains("capabilities"));
  CHECK(request["runtimeConfig"] == json::parse(R"({"mac":"02:00:00:00:00:01","portMappings":[
      {"hostIP":"127.0.0.1","hostPort":8080,"containerPort":80,"protocol":"tcp"}]})"));
  CHECK(contains(read_file(test.plugins / "second.ADD.env"), "CNI_ARGS=IgnoreUnknown=1;A=b\n"));
  REQUIRE_OK(test.take("del"));
  CHECK(test.request("second.DEL")["runtimeConfig"] == request["runtimeConfig"]);
}

TEST_CASE("a container that shares the host's network gets none", "[cni]") {
  Cni test;
  test.bundle.remove_namespace("network");
  REQUIRE_OK(test.container.create());
  CHECK(contains(complaint(test.take("add")), "no network namespace of its own; add"));
  CHECK(test.nothing_left());
}

// User-mode Linux has no nat table for iptables.
TEST_CASE("Debian's plug-ins: bridge, host-local and portmap", "[cni][qemu]") {
  if (!fs::exists("/usr/lib/cni/bridge")) SKIP_TEST("no /usr/lib/cni/bridge");
  if (!fs::exists("/usr/sbin/iptables")) SKIP_TEST("no iptables");
  Bundle host_bundle;
  Container host(host_bundle);  // its network is the host's for the plug-ins
  REQUIRE_OK(host.create());
  Cni test;
  REQUIRE_OK(test.container.create());
  test.before = {"nsenter", "--net=/proc/" + std::to_string(host.pid()) + "/ns/net"};
  const auto in_host = [&](std::vector<std::string> words) {
    words.insert(words.begin(), test.before.begin(), test.before.end());
    const Result result = run(words);
    return result.out + result.err;
  };
  const Path leases = test.bundle.scratch() / "leases";
  const json ipam = {{"type", "host-local"}, {"subnet", "10.213.1.0/24"}, {"dataDir", leases}};
  test.network(
      "10-lan.conflist",
      {{"cniVersion", "1.0.0"},
       {"name", "lan"},
       {"plugins",
        {{{"type", "bridge"}, {"bridge", "br0"}, {"isGateway", true}, {"ipMasq", true}, {"ipam", ipam}},
         {{"type", "portmap"}, {"capabilities", {{"portMappings", true}}}}}}});
  const Path lease = leases / "lan/10.213.1.2";
  REQUIRE_OK(test.take("add"));
  CHECK(fs::exists(lease));
  CHECK(contains(test.take("list").out, "10.213.1.2/24"));
  const std::string answer =
      in_host({test.bundle.rootfs() / "bin/busybox", "ping", "-c", "1", "-W", "5", "10.213.1.2"});
  INFO(answer);
  CHECK(contains(answer, " 0% packet loss"));
  REQUIRE_OK(test.take("check"));
  fs::rename(lease, leases / "elsewhere");
  CHECK(contains(complaint(test.take("check")), "CHECK by plug-in \"bridge\": "));
  fs::rename(leases / "elsewhere", lease);
  REQUIRE_OK(test.take("del"));
  CHECK_FALSE(fs::exists(lease));

  REQUIRE_OK(test.take("add", {"--port", "18080:80"}));
  const std::string rules = in_host({"iptables", "-t", "nat", "-S"});
  CHECK(contains(rules, "-s 10.213.1.3/32"));
  CHECK(contains(rules, "--to-destination 10.213.1.3:80"));
  CHECK(contains(in_host({"ip", "link", "show", "master", "br0"}), "veth"));
  // The container is gone before del, as at poststop.
  REQUIRE_OK(test.container.force_delete());
  const std::string left = in_host(test.argv("del", {test.container.id()}));
  CHECK(left.empty());
  CHECK_FALSE(fs::exists(leases / "lan/10.213.1.3"));
  CHECK(in_host({"ip", "link", "show", "master", "br0"}).empty());
  CHECK_FALSE(contains(in_host({"iptables", "-t", "nat", "-S"}), "10.213.1."));
  CHECK(test.nothing_left());
}
