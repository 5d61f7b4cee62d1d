#include "spec/state.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace ocx;
using Json = nlohmann::json;
using spec::Status;

namespace {

spec::State example() {
  spec::State state;
  state.id = "web";
  state.status = Status::running;
  state.pid = 42;
  state.bundle = "/srv/web";
  state.rootfs = "/srv/web/rootfs";
  state.created = "2026-01-02T03:04:05.123456789Z";
  return state;
}

}  // namespace

TEST_CASE("ocx state prints two-space JSON in runc's order, no final newline", "[state]") {
  CHECK(spec::write_state(example()) == R"({
  "ociVersion": "1.3.0",
  "id": "web",
  "pid": 42,
  "status": "running",
  "bundle": "/srv/web",
  "rootfs": "/srv/web/rootfs",
  "created": "2026-01-02T03:04:05.123456789Z",
  "owner": ""
})");
}

TEST_CASE("annotations are an object of their own, absent when there are none", "[state]") {
  spec::State state = example();
  state.annotations = {{"a", "1"}, {"b\n", "\""}};
  const std::string text = spec::write_state(state);
  CHECK(text.find("  \"annotations\": {\n    \"a\": \"1\",\n    \"b\\n\": \"\\\"\"\n  },\n") !=
        std::string::npos);
  CHECK(Json::parse(text).at("annotations") == Json({{"a", "1"}, {"b\n", "\""}}));
  CHECK(Json::parse(spec::write_hook_state(state)).at("annotations").size() == 2);
}

TEST_CASE("pid is 0 in ocx state and absent for hooks when the container has stopped", "[state]") {
  spec::State state = example();
  state.status = Status::stopped;
  CHECK(Json::parse(spec::write_state(state)).at("pid") == 0);
  CHECK_FALSE(Json::parse(spec::write_hook_state(state)).contains("pid"));
}

TEST_CASE("the hook state is the specification's schema on one line", "[state]") {
  CHECK(spec::write_hook_state(example()) ==
        R"({"ociVersion":"1.3.0","id":"web","status":"running","pid":42,"bundle":"/srv/web"})");
}

TEST_CASE("statuses, and paused only where people read it", "[state]") {
  const std::pair<Status, std::string> rows[] = {{Status::creating, "creating"},
                                                 {Status::created, "created"},
                                                 {Status::running, "running"},
                                                 {Status::paused, "paused"},
                                                 {Status::stopped, "stopped"}};
  for (const auto& [status, name] : rows) {
    spec::State state = example();
    state.status = status;
    CHECK(Json::parse(spec::write_state(state)).at("status") == name);
    CHECK(Json::parse(spec::write_hook_state(state)).at("status") == (name == "paused" ? "running" : name));
  }
}

TEST_CASE("the list is one line, null when empty", "[state]") {
  CHECK(spec::write_state_list({}) == "null");
  const std::string text = spec::write_state_list({example(), example()});
  CHECK(text.find('\n') == std::string::npos);
  const Json list = Json::parse(text);
  REQUIRE(list.size() == 2);
  CHECK(list[1] == Json::parse(spec::write_state(example())));
}

TEST_CASE("bytes that are no UTF-8 do not spoil the document", "[state]") {
  spec::State state = example();
  state.bundle = "/srv/\xff";
  CHECK(Json::parse(spec::write_state(state)).at("bundle") == "/srv/\xEF\xBF\xBD");
}
