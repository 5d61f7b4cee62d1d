#include "spec/overrides.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "sys/error.hpp"

using namespace ocx;
using nlohmann::json;

namespace {

const char* const document =
    R"({"process":{"env":["A=1","B=2"],"args":["old"],"user":{"uid":5,"gid":6}},"linux":{"resources":{"memory":{"limit":1,"swap":9}}},"x":1.5})";

json changed(const spec::Overrides& overrides, const char* text = document) {
  return json::parse(spec::override_config(text, overrides));
}

}  // namespace

TEST_CASE("overrides change what they name, and nothing else", "[overrides]") {
  spec::Overrides overrides;
  CHECK_FALSE(overrides.any());
  CHECK(changed(overrides) == json::parse(document));
  overrides.args = {"new", "word"};
  overrides.env = {"B=3", "C=4"};
  overrides.uid = 7;
  overrides.terminal = true;
  overrides.hostname = "h";
  overrides.resources.memory.emplace().limit = 100;
  overrides.resources.pids_limit = 20;
  CHECK(overrides.any());
  json expected = json::parse(document);
  expected["process"]["args"] = {"new", "word"};
  expected["process"]["env"] = {"A=1", "B=3", "C=4"};
  expected["process"]["user"]["uid"] = 7;
  expected["process"]["terminal"] = true;
  expected["hostname"] = "h";
  expected["linux"]["resources"]["memory"]["limit"] = 100;
  expected["linux"]["resources"]["pids"]["limit"] = 20;
  CHECK(changed(overrides) == expected);
}

TEST_CASE("a command makes the process that is missing", "[overrides]") {
  spec::Overrides overrides;
  overrides.args = {"sh"};
  overrides.uid = 1;
  CHECK(changed(overrides, "{}") ==
        json::parse(R"({"process":{"cwd":"/","args":["sh"],"user":{"uid":1,"gid":0}}})"));
}

TEST_CASE("what has another type is left for the parser", "[overrides]") {
  spec::Overrides overrides;
  overrides.args = {"sh"};
  overrides.resources.pids_limit = 1;
  CHECK(changed(overrides, R"({"process":[],"linux":7})") == json::parse(R"({"process":[],"linux":7})"));
  CHECK(changed(overrides, "[]") == json::parse("[]"));
  CHECK_THROWS_AS(spec::override_config("{", overrides), Error);
  CHECK_THROWS_AS(spec::override_config(R"({"a":1,"a":2})", overrides), Error);
}
