#include "cgroups/systemd_gvariant.hpp"

#include <catch2/catch.hpp>

#include "sys/error.hpp"

using namespace ocx::cgroups;

TEST_CASE("GVariant text", "[cgroups]") {
  using Tokens = std::vector<std::string>;
  struct Case {
    std::string text, signature;
    Tokens tokens;
  };
  const Case cases[] = {
      {"'a b'", "s", {"a b"}},
      {"\"it's\"", "s", {"it's"}},
      {"''", "s", {""}},
      {R"('a\'b\\c\nd\u00e4\U0001f600')", "s", {"a'b\\c\nd\u00e4\U0001f600"}},
      {"true", "b", {"true"}},
      {" false ", "b", {"false"}},
      {"boolean true", "b", {"true"}},
      {"5", "i", {"5"}},
      {"-5", "i", {"-5"}},
      {"0x10", "i", {"16"}},
      {"010", "i", {"8"}},
      {"1.5", "d", {"1.5"}},
      {"1e3", "d", {"1e3"}},
      {"double 2", "d", {"2"}},
      {"byte 0xff", "y", {"255"}},
      {"int16 -3", "n", {"-3"}},
      {"uint16 3", "q", {"3"}},
      {"int32 3", "i", {"3"}},
      {"uint32 4294967295", "u", {"4294967295"}},
      {"int64 -9223372036854775808", "x", {"-9223372036854775808"}},
      {"uint64 18446744073709551615", "t", {"18446744073709551615"}},
      {"@t 5", "t", {"5"}},
      {"@as []", "as", {"0"}},
      {"['a', 'b']", "as", {"2", "a", "b"}},
      {"[uint32 1, 2]", "au", {"2", "1", "2"}},
      {"b'hi'", "ay", {"3", "104", "105", "0"}},
      {"@ay [0x01, 2]", "ay", {"2", "1", "2"}},
      {"('a', uint64 1)", "(st)", {"a", "1"}},
      {"(1,)", "(i)", {"1"}},
      {"@a(st) [('/dev/sda', 1), ('/dev/sdb', 2)]", "a(st)", {"2", "/dev/sda", "1", "/dev/sdb", "2"}},
      {"[('x', true)]", "a(sb)", {"1", "x", "true"}},
      {"[[1], [2, 3]]", "aai", {"2", "1", "1", "2", "2", "3"}},
      {"objectpath '/a'", "o", {"/a"}},
      {"@(sas) ('a', [])", "(sas)", {"a", "0"}},
  };
  for (const Case& item : cases) {
    INFO(item.text);
    const UnitProperty property = parse_gvariant(item.text);
    CHECK(property.signature == item.signature);
    CHECK(property.tokens == item.tokens);
    CHECK_FALSE(property.optional);
  }
}

TEST_CASE("what is no GVariant text is an error", "[cgroups]") {
  using namespace std::string_literals;
  const std::string cases[] = {
      "",         " ",          "x",         "'a",         "\"a'",    "5 6",
      "[",        "[1",         "[1 2]",     "[1, 'a']",   "[]",      "(",
      "()",       "(1 2)",      "@",         "@as",        "@z 1",    "@a 1",
      "@(s 'a'",  "@ss 'a'",    "{'a': 1}",  "<1>",        "nothing", "just 1",
      "byte 256", "byte -1",    "uint32 -1", "3000000000", "1.5.5",   "--5",
      "0x",       "uint16 1.5", "int32 'a'", "string 5",   "true 1",  "1,",
      "'\\u00'",  "'\\ud800'",  "'\\u0000'", "'\\",        "'a\0b'"s, "@s 5",
      "@b 1",     "b'a",        "+",         ".",          "uint32",  "uint32 uint64 1"};
  for (const std::string& text : cases) {
    INFO(text);
    CHECK_THROWS_AS(parse_gvariant(text), ocx::Error);
  }
  CHECK_THROWS_AS(parse_gvariant(std::string(100'000, '[')), ocx::Error);
  CHECK_THROWS_AS(parse_gvariant("@" + std::string(100'000, '(') + " 1"), ocx::Error);
}
