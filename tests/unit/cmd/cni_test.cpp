// ocx-cni: network configurations, requests of plug-ins, its command line and its record.
#include <catch2/catch.hpp>

#include "cmd/ocx-cni/attachment.hpp"
#include "cmd/ocx-cni/commands.hpp"
#include "cmd/ocx-cni/network.hpp"
#include "cmd/ocx-cni/options.hpp"
#include "cmd/ocx-cni/plugin.hpp"
#include "cmd/ocx-cni/record.hpp"
#include "sys/error.hpp"

using namespace ocx;
using namespace ocx::cni;

namespace {

template <class Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct BrokenRow {
  const char *text, *problem;
};

constexpr BrokenRow broken_networks[] = {
    {"", "no valid JSON"},
    {"{", "no valid JSON, at byte 2"},
    {"[]", "no JSON object"},
    {R"({"cniVersion":"1.0.0","type":"a"})", "the name \"\" is not usable"},
    {R"({"name":"../a","type":"a"})", "the name \"../a\" is not usable"},
    {R"({"name":7,"type":"a"})", "\"name\" is no text"},
    {R"({"name":"n","cniVersion":"2.0.0","type":"a"})", "its cniVersion \"2.0.0\" is unknown"},
    {R"({"name":"n","cniVersion":"1.0.0","cniVersions":[1],"type":"a"})", "other than texts"},
    {R"({"name":"n","cniVersion":"1.0.0","plugins":{}})", "\"plugins\" is no list"},
    {R"({"name":"n","cniVersion":"1.0.0","plugins":[1]})", "a plug-in of it is no JSON object"},
    {R"({"name":"n","cniVersion":"1.0.0","plugins":[{}]})", "has no \"type\""},
    {R"({"name":"n","cniVersion":"1.0.0","plugins":[{"type":"../sh"}]})", "\"../sh\" is no name of a file"},
    {R"({"name":"n","cniVersion":"1.0.0","plugins":[{"type":"a","capabilities":[]}]})",
     "\"capabilities\" of \"a\""},
    {R"({"name":"n","cniVersion":"0.2.0","plugins":[{"type":"a"},{"type":"b"}]})", "needs cniVersion 0.3.0"},
    {R"({"name":"n","cniVersion":"1.0.0","disableCheck":3,"plugins":[{"type":"a"}]})",
     "neither true nor false"},
    {R"({"name":"n","cniVersion":"1.1.0","loadOnlyInlinedPlugins":true,"plugins":[]})", "no plug-ins"},
};

sys::Captured ended(int code, std::string output, std::string error_output = {}) {
  return {{code, 0}, std::move(output), std::move(error_output)};
}

}  // namespace

TEST_CASE("cni: a broken network configuration is named with its problem") {
  for (const BrokenRow& row : broken_networks) {
    const std::string text = error_of([&] { parse_network(row.text, "1.conf"); });
    INFO(row.text << "\n" << text);
    CHECK(text.rfind("network configuration \"1.conf\": ", 0) == 0);
    CHECK(contains(text, row.problem));
    CHECK(text.find('\n') == std::string::npos);
  }
}

TEST_CASE("cni: networks of all three kinds") {
  const Network alone = parse_network(R"({"name":"old","type":"bridge"})", "1.conf");
  CHECK(alone.version == "0.1.0");
  CHECK(alone.plugins.size() == 1);
  CHECK(alone.check);
  const Network list = parse_network(
      R"({"name":"n","cniVersion":"0.4.0","cniVersions":["1.1.0","9.9.9","1.0.0"],"disableCheck":"true",
          "plugins":[{"type":"a"},{"type":"b"}]})",
      "1.conflist");
  CHECK(list.version == "1.1.0");
  CHECK(list.plugins.size() == 2);
  CHECK_FALSE(list.check);
  Network empty = parse_network(R"({"name":"n","cniVersion":"1.1.0"})", "1.conflist");
  CHECK(empty.plugins.empty());
  add_plugin(empty, R"({"type":"c"})", "n/1.conf");
  CHECK(empty.plugins.size() == 1);
}

TEST_CASE("cni: versions are compared as numbers") {
  CHECK(at_least("1.0.0", "0.4.0"));
  CHECK(at_least("0.4.0", "0.4.0"));
  CHECK(at_least("0.10.0", "0.4.0"));
  CHECK_FALSE(at_least("0.3.1", "0.4.0"));
  CHECK_FALSE(at_least("", "0.4.0"));
}

TEST_CASE("cni: what a plug-in reads") {
  const Network network = parse_network(
      R"({"name":"n","cniVersion":"1.0.0","plugins":[{"type":"a","mtu":9,"args":{"k":1},"runtimeConfig":{"x":1},
          "capabilities":{"mac":true,"ips":false}}]})",
      "1.conflist");
  const json asked = {{"mac", "02:00"}, {"ips", {"1"}}, {"dns", {}}};
  CHECK(plugin_request(network, network.plugins[0], asked, {{"r", 1}}) ==
        json::parse(R"({"type":"a","mtu":9,"args":{"k":1},"cniVersion":"1.0.0","name":"n",
                        "runtimeConfig":{"mac":"02:00"},"prevResult":{"r":1}})"));
  CHECK_FALSE(plugin_request(network, network.plugins[0], json::object(), nullptr).contains("prevResult"));
  CHECK(has_capability(network, "mac"));
  CHECK_FALSE(has_capability(network, "ips"));
}

TEST_CASE("cni: the environment of a plug-in") {
  const std::vector<std::string> variables =
      plugin_environment({"CNI_ARGS=old", "A=b"}, {"id", "/ns", "K=V", "/bin1:/bin2"}, "ADD", "eth0");
  const std::vector<std::string> wanted{"A=b",
                                        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                        "CNI_COMMAND=ADD",
                                        "CNI_CONTAINERID=id",
                                        "CNI_NETNS=/ns",
                                        "CNI_IFNAME=eth0",
                                        "CNI_ARGS=K=V",
                                        "CNI_PATH=/bin1:/bin2"};
  CHECK(variables == wanted);
}

TEST_CASE("cni: results and errors of plug-ins") {
  CHECK(plugin_result(ended(0, R"({"ips":[]})"), "ADD", "1.0.0") ==
        json{{"ips", json::array()}, {"cniVersion", "1.0.0"}});
  CHECK(plugin_result(ended(0, "anything"), "DEL", "1.0.0").is_null());
  const auto problem = [](int code, const char* output, const char* error_output = "") {
    return error_of([&] { plugin_result(ended(code, output, error_output), "ADD", "1.0.0"); });
  };
  CHECK(problem(1, R"({"code":1,"msg":"a\nb","details":" c "})") ==
        "a b: c (code 1, incompatible CNI version)");
  CHECK(problem(1, R"({"code":101,"msg":"a"})") == "a (code 101)");
  CHECK(problem(1, R"({"code":"x","msg":"a"})") == "a");
  CHECK(problem(2, "panic", "one\ntwo\n\n") == "exit status 2, without a CNI error: two");
  CHECK(problem(2, "[1]") == "exit status 2, without a CNI error");
  CHECK(contains(problem(0, ""), "its result: no valid JSON"));
  CHECK(contains(problem(0, R"({"cniVersion":"0.3.1"})"), "of cniVersion \"0.3.1\", the network of 1.0.0"));
}

TEST_CASE("cni: ports and interfaces") {
  CHECK(parse_port("8080:80") == json{{"hostPort", 8080}, {"containerPort", 80}, {"protocol", "tcp"}});
  CHECK(parse_port("[::1]:53:5353/udp") ==
        json{{"hostIP", "::1"}, {"hostPort", 53}, {"containerPort", 5353}, {"protocol", "udp"}});
  for (const char* text : {"", "80", ":80", "80:", "0:80", "80:65536", "a:80", "80:80/icmp", "80:80/"}) {
    INFO(text);
    CHECK(contains(error_of([&] { parse_port(text); }), "--port "));
  }
  CHECK(interface_name("eth0", 0) == "eth0");
  CHECK(interface_name("eth0", 2) == "eth2");
  CHECK(interface_name("net9", 1) == "net10");
  CHECK(interface_name("lan", 1) == "lan1");
  for (const char* name : {"", ".", "..", "a/b", "a:b", "a b", "abcdefghijklmnop"})
    CHECK(contains(error_of([&] { interface_name(name, 0); }), "no interface can have the name"));
}

TEST_CASE("cni: the command line") {
  const Request request =
      parse_request({"add", "--network=a", "--network", "b", "--capability", "ips=[\"1\"]"});
  CHECK(request.networks == std::vector<std::string>{"a", "b"});
  CHECK(request.capabilities == json{{"ips", {"1"}}});
  CHECK(request.config_directory == "/etc/cni/net.d");
  CHECK(*parse_request({"del", "box"}).id == "box");
  CHECK(parse_request({"del", "--help"}).command == "help");
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"ad"},
      {"add", "box"},
      {"add", "--capability", "ips"},
      {"add", "--capability", "ips=["},
      {"del", "-p", "1:1"},
      {"del", "a", "b"},
      {"add", "--port", "1:1", "--capability", "portMappings=[]"}};
  for (const auto& words : wrong) CHECK(error_of([&] { parse_request(words); }) != "no error");
  for (const char* option : {"--config-dir DIR", "--network NAME", "--ifname NAME", "-p, --port PORTS",
                             "--capability NAME=JSON", "--args K=V", "--plugin-dir DIRS", "--state-dir DIR"})
    CHECK(contains(help(), option));
}

TEST_CASE("cni: the state that a hook reads") {
  const ContainerState state = parse_state(R"({"id":"box","pid":7,"bundle":"/b","annotations":{}})");
  CHECK(state.id == "box");
  CHECK(state.pid == 7);
  CHECK(state.bundle == "/b");
  CHECK(parse_state(R"({"id":"a"})").pid == 0);
  for (const char* text :
       {"", "[]", "{}", R"({"id":7})", R"({"id":"../a"})", R"({"id":".a"})", R"({"id":"a+b"})"})
    CHECK(contains(error_of([&] { parse_state(text); }), "container state on standard input: "));
}

TEST_CASE("cni: a record is read as it was written") {
  Record record{"/b", "K=V", "/p", {}};
  record.attachments.push_back(
      {parse_network(R"({"name":"n","type":"a"})", "1.conf"), "eth0", {{"mac", "x"}}, nullptr});
  record.attachments[0].result = {{"ips", {{{"address", "10.0.0.2/24"}}, {{"address", 1}}}}};
  const Record again = parse_record(write_record(record));
  CHECK(write_record(again) == write_record(record));
  CHECK(again.attachments.at(0).network.name == "n");
  CHECK(addresses(again.attachments[0].result) == std::vector<std::string>{"10.0.0.2/24"});
  for (const char* text : {"", "{}", R"({"bundle":"","args":"","pluginPath":"","attachments":[{}]})"})
    CHECK(contains(error_of([&] { parse_record(text); }), "record of networks: "));
}
