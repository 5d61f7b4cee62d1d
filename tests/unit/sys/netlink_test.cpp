#include "sys/netlink.hpp"

#include <catch2/catch.hpp>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <random>

#include "sys/error.hpp"

using namespace ocx;
using namespace ocx::sys;

namespace {

std::string bytes(std::initializer_list<unsigned> values) {
  std::string out;
  for (const unsigned value : values) out += static_cast<char>(value);
  return out;
}

NetlinkRequest request() {
  return {RTM_NEWLINK, NLM_F_CREATE, ifinfomsg{}};
}

int error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.error_number();
  }
  return 0;
}

}  // namespace

TEST_CASE("a request is a header, a body and padded attributes", "[netlink]") {
  NetlinkRequest asked = request();
  asked.add_text(IFLA_IFNAME, "eth0").add_number(IFLA_MTU, 1500).add(IFLA_ADDRESS, "abc");
  const std::string message = asked.message(NLM_F_REQUEST, 7);
  const auto parsed = parse_netlink_messages(message);
  REQUIRE(parsed.size() == 1);
  CHECK(parsed[0].type == RTM_NEWLINK);
  CHECK(parsed[0].flags == (NLM_F_CREATE | NLM_F_REQUEST));
  CHECK(parsed[0].sequence == 7);
  CHECK(message.size() % 4 == 0);
  const auto attributes = parse_netlink_attributes(parsed[0].content, sizeof(ifinfomsg));
  REQUIRE(attributes.size() == 3);
  CHECK(attributes[0].type == IFLA_IFNAME);
  CHECK(attributes[0].value == std::string_view("eth0\0", 5));
  CHECK(attributes[0].text() == "eth0");
  CHECK(attributes[1].number() == 1500U);
  CHECK(attributes[2].value == "abc");
  CHECK_FALSE(attributes[2].number());
}

TEST_CASE("a value that its 16-bit length can't tell is refused", "[netlink]") {
  CHECK(error_of([] { request().add(IFLA_IFNAME, std::string(65531, 'x')); }) == 0);
  // 65536 + 4 would be the length 4 on the wire, and the rest read as attributes (CVE-2021-43784).
  for (const std::size_t size : {65532UL, 65535UL, 65536UL, 65540UL, 1UL << 20U})
    CHECK(error_of([&] { request().add(IFLA_IFNAME, std::string(size, 'x')); }) == EMSGSIZE);
  CHECK(error_of([] { request().add_text(IFLA_IFNAME, std::string(65531, 'x')); }) == EMSGSIZE);
  CHECK(error_of([] { request().add_text(IFLA_IFNAME, std::string_view("a\0b", 3)); }) == EINVAL);
  CHECK(error_of([] {
          NetlinkRequest asked = request();
          for (int i = 0; i < 100; ++i) asked.add(IFLA_IFNAME, std::string(60000, 'x'));
        }) == EMSGSIZE);
}

TEST_CASE("what is malformed ends the list", "[netlink]") {
  const std::string good = request().message(0, 1);
  struct Row {
    const char* what;
    std::string text;
    std::size_t messages;
  };
  const Row rows[] = {
      {"nothing", "", 0},
      {"half a header", good.substr(0, 8), 0},
      {"cut", good.substr(0, good.size() - 1), 0},
      {"length 0", bytes({0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), 0},
      {"length below the header", bytes({15, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), 0},
      {"length beyond the end", bytes({255, 255, 255, 255, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), 0},
      {"a good one, then rubbish", good + "rubbish rubbish rubbish", 1},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    CHECK(parse_netlink_messages(row.text).size() == row.messages);
  }
  CHECK(parse_netlink_attributes("short", 16).empty());
  CHECK(parse_netlink_attributes(bytes({3, 0, 1, 0}), 0).empty());
  CHECK(parse_netlink_attributes(bytes({0, 0, 1, 0}), 0).empty());
  CHECK(parse_netlink_attributes(bytes({9, 0, 1, 0, 'a', 'b', 'c', 'd'}), 0).empty());
  CHECK(parse_netlink_attributes(bytes({5, 0, 1, 0, 'a'}), 0).size() == 1);
}

TEST_CASE("no bytes make the parser fail", "[netlink]") {
  std::mt19937 random(4);
  for (int round = 0; round < 20000; ++round) {
    std::string text(random() % 96, '\0');
    for (char& c : text) c = static_cast<char>(random() % (round % 2 == 0 ? 256 : 24));
    // Lengths that are believable, so that what is behind them is looked at.
    for (std::size_t at = 0; at + 4 <= text.size(); at += 4)
      if (random() % 3 == 0) text.replace(at, 4, bytes({static_cast<unsigned>(random() % 64), 0, 0, 0}));
    for (const NetlinkMessage& message : parse_netlink_messages(text)) {
      CHECK(message.content.size() <= text.size());
      message.body<ifinfomsg>();
      for (const NetlinkAttribute& attribute : parse_netlink_attributes(message.content, sizeof(ifinfomsg)))
        CHECK(attribute.value.size() <= message.content.size());
    }
  }
}

TEST_CASE("the kernel answers, and says why not", "[netlink]") {
  NetlinkSocket socket;
  const auto links = socket.dump(NetlinkRequest(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}), "list");
  REQUIRE_FALSE(links.empty());
  CHECK(links[0].type == RTM_NEWLINK);
  CHECK(links[0].body<ifinfomsg>()->ifi_index > 0);

  NetlinkRequest missing(RTM_GETLINK, 0, ifinfomsg{});
  CHECK(socket.ask(missing.add_text(IFLA_IFNAME, "no-such-device")).error_number == ENODEV);
  // Another answer after an error: the socket stays in step.
  ifinfomsg loopback{};
  loopback.ifi_index = 1;
  const NetlinkAnswer answer = socket.ask(NetlinkRequest(RTM_GETLINK, 0, loopback));
  CHECK(answer);
  CHECK(answer.messages.size() == 1);

  ifinfomsg body{};
  body.ifi_index = 1;
  NetlinkRequest bad(RTM_NEWLINK, 0, body);
  const NetlinkAnswer refused = socket.ask(bad.add_number(IFLA_MTU, 0xffffffff));
  CHECK(refused.error_number != 0);
}
