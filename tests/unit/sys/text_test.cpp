#include "sys/text.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace ocx;

TEST_CASE("quote escapes what would break a line and cuts", "[text]") {
  CHECK(sys::quote("a b") == "\"a b\"");
  CHECK(sys::quote("a\"\\\n\t\r\x01\x7f") == R"("a\"\\\n\t\r\x01\x7f")");
  CHECK(sys::quote("gr\xC3\xBC\xC3\x9F") == "\"gr\xC3\xBC\xC3\x9F\"");
  CHECK(sys::quote("\xff\xC3") == R"("\xff\xc3")");
  CHECK(sys::quote(std::string(256, 'x')) == "\"" + std::string(256, 'x') + "\"");
  CHECK(sys::quote(std::string(257, 'x')) == "\"" + std::string(256, 'x') + "\"...");
  // The limit falls inside "ü": the whole character goes.
  CHECK(sys::quote(std::string(255, 'x') + "\xC3\xBCy") == "\"" + std::string(255, 'x') + "\"...");
  CHECK(sys::quote_all(std::string(300, 'x')).size() == 302);
}

TEST_CASE("utf8_sequence knows well-formed UTF-8 (RFC 3629)", "[text]") {
  const std::pair<std::string, std::size_t> rows[] = {
      {"", 0},
      {"a", 1},
      {std::string(1, '\0'), 1},
      {"\xC3\xBC", 2},
      {"\xE2\x82\xAC", 3},
      {"\xF0\x9F\x98\x80", 4},
      {"\x80", 0},              // continuation first
      {"\xC0\x80", 0},          // overlong
      {"\xC1\xBF", 0},          // overlong
      {"\xE0\x9F\xBF", 0},      // overlong
      {"\xF0\x8F\xBF\xBF", 0},  // overlong
      {"\xED\xA0\x80", 0},      // surrogate
      {"\xED\x9F\xBF", 3},
      {"\xF4\x8F\xBF\xBF", 4},  // U+10FFFF
      {"\xF4\x90\x80\x80", 0},  // beyond
      {"\xF5\x80\x80\x80", 0},
      {"\xE2\x82", 0},  // cut
      {"\xC3(", 0},
  };
  for (const auto& [text, length] : rows) {
    INFO(sys::quote(text));
    CHECK(sys::utf8_sequence(text) == length);
  }
}

TEST_CASE("json_string is valid JSON for any bytes", "[text]") {
  CHECK(sys::json_string("a\"b\\\n") == R"("a\"b\\\n")");
  CHECK(sys::json_string(std::string("\0\x1f", 2)) == R"("\u0000\u001f")");
  CHECK(sys::json_string("\xff") == "\"\xEF\xBF\xBD\"");
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte += static_cast<char>(i);
  CHECK(nlohmann::json::parse(sys::json_string(every_byte)).is_string());
  const std::string text = "plain \xE2\x82\xAC / text";
  CHECK(nlohmann::json::parse(sys::json_string(text)).get<std::string>() == text);
}

TEST_CASE("numbers are taken whole or not at all", "[text]") {
  CHECK(sys::parse_int("-9223372036854775808") == INT64_MIN);
  CHECK(sys::parse_uint("18446744073709551615") == UINT64_MAX);
  CHECK(sys::parse_int("0") == 0);
  for (const char* bad : {"", " 1", "1 ", "+1", "0x10", "1.0", "-", "9223372036854775808", "1\n"}) {
    INFO(bad);
    CHECK_FALSE(sys::parse_int(bad));
  }
  for (const char* bad : {"", "-1", "+1", "18446744073709551616", "1k"}) {
    INFO(bad);
    CHECK_FALSE(sys::parse_uint(bad));
  }
}

TEST_CASE("split and join are inverse", "[text]") {
  using List = std::vector<std::string>;
  CHECK(sys::split("", ',') == List{""});
  CHECK(sys::split("a,,b,", ',') == List{"a", "", "b", ""});
  CHECK(sys::join({}, ",").empty());
  CHECK(sys::join({"a"}, ", ") == "a");
  CHECK(sys::join(sys::split("a,,b,", ','), ",") == "a,,b,");
}

TEST_CASE("parse_cpu_list reads the kernel's list format", "[text]") {
  using Cpus = std::vector<unsigned>;
  CHECK(sys::parse_cpu_list("0-3,7") == Cpus{0, 1, 2, 3, 7});
  CHECK(sys::parse_cpu_list("5") == Cpus{5});
  for (const char* bad : {"", ",", "1,", "3-1", "1-", "-1", "a", "0-4294967295", "1--2", "99999", " 1"}) {
    INFO(bad);
    CHECK_FALSE(sys::parse_cpu_list(bad));
  }
}

TEST_CASE("clean_path never leaves the root", "[text]") {
  const std::pair<const char*, const char*> rows[] = {{"", "/"},
                                                      {"/", "/"},
                                                      {"a", "/a"},
                                                      {"/a//b/", "/a/b"},
                                                      {"/a/./b", "/a/b"},
                                                      {"/a/..", "/"},
                                                      {"/../../etc", "/etc"},
                                                      {"../x", "/x"},
                                                      {"/a/../../b", "/b"},
                                                      {"/...", "/..."},
                                                      {"/a/b/..", "/a"}};
  for (const auto& [path, clean] : rows) CHECK(sys::clean_path(path) == clean);
}

TEST_CASE("timestamp is RFC 3339 in UTC with nanoseconds", "[text]") {
  const std::string before = sys::timestamp();
  const std::string after = sys::timestamp();
  REQUIRE(before.size() == std::string("2026-01-02T03:04:05.123456789Z").size());
  for (const auto& [position, c] :
       {std::pair{4, '-'}, {7, '-'}, {10, 'T'}, {13, ':'}, {16, ':'}, {19, '.'}, {29, 'Z'}})
    CHECK(before[static_cast<std::size_t>(position)] == c);
  CHECK(before <= after);
  // The same moment as the C library's, which is another way to the calendar.
  const std::time_t now = std::time(nullptr);
  char expected[16];
  std::strftime(expected, sizeof expected, "%Y-%m-%d", std::gmtime(&now));
  CHECK((before.starts_with(expected) || after.starts_with(expected)));
}
