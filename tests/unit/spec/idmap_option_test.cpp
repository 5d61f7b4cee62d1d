#include "spec/idmap_option.hpp"

#include <catch2/catch.hpp>

#include "sys/error.hpp"

using namespace ocx;
using spec::IdMapping;
using spec::IdmapRange;
using Map = std::vector<IdMapping>;

namespace {

constexpr const char* here = "/mounts/3/options/1";

std::string parse_error(std::string_view text) {
  try {
    spec::parse_idmap_option(text, here);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid_config);
    CHECK(error.origin() == here);
    return error.message();
  }
  return "none";
}

std::string map_error(const std::vector<IdmapRange>& ranges, const Map& container) {
  try {
    spec::absolute_id_map(ranges, container, here);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid_config);
    CHECK(error.origin() == here);
    return error.message();
  }
  return "none";
}

}  // namespace

TEST_CASE("ranges of both keys, in either order, absolute and relative", "[idmap_option]") {
  const auto option = spec::parse_idmap_option("gids=0-100-10;uids=0-1-10#@10-11-4294967295", here);
  CHECK(option.gids == std::vector<IdmapRange>{{0, 100, 10, false}});
  CHECK(option.uids == std::vector<IdmapRange>{{0, 1, 10, false}, {10, 11, 4294967295U, true}});
  CHECK(option.relative());
  CHECK_FALSE(spec::parse_idmap_option("uids=0-0-1;gids=0-0-1", here).relative());
}

TEST_CASE("anything else is an error", "[idmap_option]") {
  const std::pair<const char*, const char*> rows[] = {
      {"", "uids= or gids="},
      {"uids=0-0-1", "both uids= and gids="},
      {"gids=0-0-1", "both uids= and gids="},
      {"uids=0-0-1;", "uids= or gids="},
      {"uids=0-0-1;gids=", "three numbers"},
      {"uids=0-0-1;gids=0-0", "three numbers"},
      {"uids=0-0-1;gids=0-0-1-2", "three numbers"},
      {"uids=0-0-1#;gids=0-0-1", "three numbers"},
      {"uids=0-0-1;uids=0-0-1;gids=0-0-1", "twice"},
      {"uids=0-0-0;gids=0-0-1", "at least one"},
      {"uids=0-0-4294967296;gids=0-0-1", "no id"},
      {"uids=0-99999999999999999999-1;gids=0-0-1", "no id"},
      {"uids=a-0-1;gids=0-0-1", "no id"},
      {"uids= 1-0-1;gids=0-0-1", "no id"},
      {"uids=@@1-0-1;gids=0-0-1", "no id"},
      {"uids=+1-0-1;gids=0-0-1", "no id"},
      {"both=0-0-1;gids=0-0-1", "uids= or gids="},
      {"UIDS=0-0-1;gids=0-0-1", "uids= or gids="},
  };
  for (const auto& [text, words] : rows) {
    INFO(text);
    CHECK_THAT(parse_error(text), Catch::Contains(words));
  }
}

TEST_CASE("relative ranges go through the container's map, range by range", "[idmap_option]") {
  const Map container = {{0, 0, 1}, {1, 2, 1000}, {5000, 70000, 10}};
  CHECK(spec::absolute_id_map({{1, 3, 10, true}}, container, here) == Map{{1, 4, 10}});
  CHECK(spec::absolute_id_map({{7, 0, 3, true}}, container, here) == Map{{7, 0, 1}, {8, 2, 2}});
  CHECK(spec::absolute_id_map({{0, 5005, 5, true}}, container, here) == Map{{0, 70005, 5}});
  CHECK(spec::absolute_id_map({{0, 3, 10, false}}, container, here) == Map{{0, 3, 10}});
  CHECK(spec::absolute_id_map({{0, 9, 1, false}, {1, 0, 1, true}}, container, here) ==
        Map{{0, 9, 1}, {1, 0, 1}});
}

TEST_CASE("maps that can't be are refused", "[idmap_option]") {
  const Map container = {{0, 100000, 10}};
  CHECK_THAT(map_error({{0, 5, 10, true}}, container),
             Catch::Contains("id 10 ") && Catch::Contains("not mapped"));
  CHECK_THAT(map_error({{0, 4294967295U, 2, true}}, container), Catch::Contains("not mapped"));
  CHECK_THAT(map_error({{0, 0, 1, true}}, {}), Catch::Contains("not mapped"));
  CHECK(map_error({{0, 0, 2, false}, {1, 5, 1, false}}, {}) != "none");            // overlap
  CHECK(map_error({{4294967295U, 0, 2, false}}, {}) != "none");                    // beyond the last id
  CHECK(map_error(std::vector<IdmapRange>(341, {0, 0, 1, false}), {}) != "none");  // too many
}
