#include <catch2/catch.hpp>

#include "runtime/messages.hpp"
#include "runtime/operations.hpp"
#include "runtime/record.hpp"
#include "spec/parse.hpp"
#include "spec/write_resources.hpp"
#include "sys/error.hpp"
#include "tests/unit/runtime/state_directory.hpp"

using namespace ocx;
using namespace ocx::runtime;
using ocx::test::StateRoot;
using ocx::test::WaitingProcess;

namespace {

constexpr const char* document =
    R"({"cpu":{"period":50000,"quota":20000},"memory":{"limit":1048576},"pids":{"limit":0}})";

spec::Resources some_resources() {
  spec::Warnings warnings;
  return spec::parse_resources(document, warnings);
}

}  // namespace

TEST_CASE("the record keeps the resources", "[update][state]") {
  Record record;
  record.resources = some_resources();
  CHECK(spec::write_resources(parse_record(write_record(record)).resources) == document);
  CHECK(spec::write_resources(parse_record(write_record(Record{})).resources) == "{}");
  // A record of an ocx that did not know them.
  CHECK(spec::write_resources(parse_record(R"({"ocx":{}})").resources) == "{}");
  CHECK_THROWS_AS(parse_record(R"({"ocx":{"resources":7}})"), Error);
}

TEST_CASE("pause, resume and update want a container that has its process", "[update][pause]") {
  const StateRoot root;
  const StateDirectory directory = StateDirectory::reserve(root.globals(), "x");
  directory.unlock();
  const WaitingProcess init;
  Record record = init.record("x");
  const UpdateRequest request{"x", some_resources(), {}};

  SECTION("create died") {
    record.created = false;
    directory.save(record);
    CHECK_THROWS_WITH(pause(root.globals(), "x"), Catch::Contains("being created"));
    CHECK_THROWS_WITH(update(root.globals(), request), Catch::Contains("ocx delete --force x"));
    CHECK_THROWS_WITH(resume(root.globals(), "x"), messages::not_paused);
  }
  SECTION("stopped; another process has the pid now") {
    ++record.start_time;
    directory.save(record);
    CHECK_THROWS_WITH(pause(root.globals(), "x"), messages::not_running);
    CHECK_THROWS_WITH(update(root.globals(), request), messages::not_running);
    CHECK_THROWS_WITH(resume(root.globals(), "x"), messages::not_paused);
  }
  SECTION("without a cgroup") {
    directory.save(record);
    CHECK_THROWS_WITH(pause(root.globals(), "x"), Catch::Contains("no cgroup"));
    CHECK_THROWS_WITH(update(root.globals(), request), Catch::Contains("no cgroup"));
    CHECK_THROWS_WITH(resume(root.globals(), "x"), messages::not_paused);
    CHECK(init.is_running());
  }
  CHECK(spec::write_resources(directory.load().resources) == "{}");
}

TEST_CASE("pause, resume and update of what isn't there", "[update][pause]") {
  const StateRoot root;
  CHECK_THROWS_WITH(pause(root.globals(), "x"), messages::does_not_exist);
  CHECK_THROWS_WITH(resume(root.globals(), "x"), messages::does_not_exist);
  CHECK_THROWS_WITH(update(root.globals(), {"x", {}, {}}), messages::does_not_exist);
}
