#include "runtime/net_devices.hpp"

#include <catch2/catch.hpp>
#include <linux/rtnetlink.h>

using namespace ocx;
using namespace ocx::runtime;

namespace {

sys::NetlinkMessage address(unsigned index, unsigned char scope, std::uint32_t flags,
                            bool flags_attribute = true) {
  ifaddrmsg header{};
  header.ifa_family = 2;
  header.ifa_prefixlen = 24;
  header.ifa_scope = scope;
  header.ifa_flags = static_cast<unsigned char>(flags);
  header.ifa_index = index;
  sys::NetlinkRequest request(RTM_NEWADDR, 0, header);
  request.add(IFA_ADDRESS, "\1\2\3\4").add(IFA_MULTICAST, "no").add_text(IFA_LABEL, "eth0");
  if (flags_attribute) request.add_number(IFA_FLAGS, flags);
  return sys::parse_netlink_messages(request.message(0, 1)).at(0);
}

}  // namespace

TEST_CASE("permanent addresses of global scope are kept", "[net_devices]") {
  const unsigned permanent = IFA_F_PERMANENT;
  struct Row {
    const char* what;
    sys::NetlinkMessage message;
    bool kept;
  };
  const Row rows[] = {
      {"global, permanent", address(3, RT_SCOPE_UNIVERSE, permanent), true},
      {"flags in the header alone", address(3, RT_SCOPE_UNIVERSE, permanent, false), true},
      {"flags beyond a byte", address(3, RT_SCOPE_UNIVERSE, permanent | IFA_F_NOPREFIXROUTE), true},
      {"of another device", address(4, RT_SCOPE_UNIVERSE, permanent), false},
      {"of limited life", address(3, RT_SCOPE_UNIVERSE, 0), false},
      {"link scope", address(3, RT_SCOPE_LINK, permanent), false},
      {"host scope", address(3, RT_SCOPE_HOST, permanent), false},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    const std::vector<NetAddress> found = lasting_addresses({row.message}, 3);
    REQUIRE(found.size() == (row.kept ? 1 : 0));
    if (!row.kept) continue;
    CHECK(found[0].header.ifa_prefixlen == 24);
    // What the kernel tells but does not take is left out.
    for (const auto& [type, value] : found[0].attributes) CHECK(type != IFA_MULTICAST);
    CHECK(found[0].attributes.size() >= 2);
  }
  sys::NetlinkMessage cut = address(3, RT_SCOPE_UNIVERSE, permanent);
  cut.content.resize(3);
  CHECK(lasting_addresses({cut}, 3).empty());
  sys::NetlinkMessage link = address(3, RT_SCOPE_UNIVERSE, permanent);
  link.type = RTM_NEWLINK;
  CHECK(lasting_addresses({link}, 3).empty());
}

TEST_CASE("labels follow the name of the device", "[net_devices]") {
  CHECK(renamed_label("eth0", "eth0", "net7") == "net7");
  CHECK(renamed_label("eth0:1", "eth0", "net7") == "net7:1");
  CHECK(renamed_label("eth0:1", "eth0", "a-quite-long-nm") == "");
  CHECK(renamed_label("eth01", "eth0", "net7") == "eth01");
  CHECK(renamed_label("mine", "eth0", "net7") == "mine");
}
