#include "cgroups/systemd_request.hpp"

#include <catch2/catch.hpp>

#include "sys/error.hpp"

using namespace ocx::cgroups;

TEST_CASE("requests to ocx-systemd survive the way", "[cgroups]") {
  const UnitRequest request{"start",
                            "a-b.scope",
                            {{"Description", "s", {"two words\nand \"more\""}, false, ""},
                             {"PIDs", "au", {"2", "1", "2"}, true, ""},
                             {"Wants", "as", {"0"}, true, ""},
                             {"Empty", "s", {""}, true, ""}}};
  const UnitRequest decoded = decode_request(encode(request));
  CHECK(decoded.verb == request.verb);
  CHECK(decoded.unit == request.unit);
  CHECK(decoded.properties == request.properties);
}

TEST_CASE("replies of ocx-systemd survive the way", "[cgroups]") {
  UnitReply reply{true, "/system.slice/x.scope", "", "", "", {"one", "", "two"}};
  UnitReply decoded = decode_reply(encode(reply));
  CHECK(decoded.ok);
  CHECK(decoded.control_group == reply.control_group);
  CHECK(decoded.warnings == reply.warnings);
  reply = {false, "", "org.x.Y", "some text", "TasksMax", {}};
  decoded = decode_reply(encode(reply));
  CHECK_FALSE(decoded.ok);
  CHECK(decoded.error_name == "org.x.Y");
  CHECK(decoded.error_text == "some text");
  CHECK(decoded.property == "TasksMax");
  CHECK(decoded.warnings.empty());
}

TEST_CASE("malformed packets are errors", "[cgroups]") {
  using namespace std::string_literals;
  for (const std::string& packet :
       {""s, "start"s, "start\0"s, "start\0u"s, "start\0u\0P"s, "start\0u\0P\0"s, "start\0u\0P\0+\0s\0"s,
        "start\0u\0P\0?\0s\0"s, "start\0u\0P\0?\0s\0x\0"s, "start\0u\0P\0?\0s\0-1\0"s,
        "start\0u\0P\0?\0s\0"s + "2\0a\0"s, "start\0u\0P\0?\0s\0"s + "99999999999\0a\0"s}) {
    INFO(packet.size());
    CHECK_THROWS_AS(decode_request(packet), ocx::Error);
  }
  for (const std::string& packet : {""s, "ok"s, "fine\0\0\0\0\0"s, "ok\0\0\0\0"s, "error\0a\0b\0c\0d\0e"s}) {
    INFO(packet.size());
    CHECK_THROWS_AS(decode_reply(packet), ocx::Error);
  }
}
