// Landlock rules by annotation.
#include "spec/landlock.hpp"

#include <catch2/catch.hpp>

#include "sys/error.hpp"

using namespace ocx;
using spec::LandlockRules;
namespace bits = sys::landlock;

namespace {

LandlockRules parse(const std::string& name, const std::string& value) {
  return spec::parse_landlock({{"org.ocx.landlock." + name, value}}).value();
}

std::string error_of(const std::map<std::string, std::string>& annotations) {
  try {
    spec::parse_landlock(annotations);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid_config);
    return error.what();
  }
  return "none";
}

constexpr std::uint64_t fs_all = (1U << 16U) - 1;
constexpr std::uint64_t fs_read = bits::fs_read_file | bits::fs_read_dir;

}  // namespace

TEST_CASE("Landlock: no annotation, no rules") {
  CHECK_FALSE(spec::parse_landlock({{"org.ocx.landlock", "x"}, {"org.ocx.landlockfs", "x"}, {"a", "b"}}));
  CHECK_FALSE(spec::has_landlock({{"org.ocx.landlock", "x"}, {"org.ocx.other", ""}}));
  CHECK(spec::has_landlock({{"org.ocx.landlock.fss", ""}}));
  // Nothing to be compatible with.
  CHECK_FALSE(spec::parse_landlock({{"org.ocx.landlock.compat", "best-effort"}}));
}

TEST_CASE("Landlock: paths and their rights") {
  const LandlockRules rules =
      parse("fs", "read,execute:/usr, /lib ; read,write : /tmp;truncate:/a:b;\nall:/dev/shm; ");
  CHECK(rules.handled.fs == fs_all);
  CHECK(rules.handled.net == 0);
  CHECK(rules.handled.scoped == 0);
  CHECK_FALSE(rules.best_effort);
  REQUIRE(rules.paths.size() == 5);
  struct Row {
    const char* path;
    std::uint64_t access;
  };
  const Row rows[] = {{"/usr", fs_read | bits::fs_execute},
                      {"/lib", fs_read | bits::fs_execute},
                      {"/tmp", fs_all & ~bits::fs_execute},
                      {"/a:b", bits::fs_truncate},
                      {"/dev/shm", fs_all}};
  for (size_t i = 0; i < std::size(rows); ++i) {
    CHECK(rules.paths[i].path == rows[i].path);
    CHECK(rules.paths[i].access == rows[i].access);
  }
}

TEST_CASE("Landlock: each right has its word and its bit") {
  const char* words[] = {"execute",   "write-file", "read-file", "read-dir",  "remove-dir", "remove-file",
                         "make-char", "make-dir",   "make-reg",  "make-sock", "make-fifo",  "make-block",
                         "make-sym",  "refer",      "truncate",  "ioctl-dev"};
  for (size_t bit = 0; bit < std::size(words); ++bit)
    CHECK(parse("fs", words[bit] + std::string(":/")).paths.at(0).access == 1ULL << bit);
}

TEST_CASE("Landlock: ports and scopes") {
  const LandlockRules rules = parse("tcp", "bind:8080,0;bind,connect:65535");
  CHECK(rules.handled.net == (bits::net_bind_tcp | bits::net_connect_tcp));
  REQUIRE(rules.ports.size() == 3);
  CHECK(rules.ports[0].port == 8080);
  CHECK(rules.ports[0].access == bits::net_bind_tcp);
  CHECK(rules.ports[1].port == 0);
  CHECK(rules.ports[2].port == 65535);
  CHECK(rules.ports[2].access == (bits::net_bind_tcp | bits::net_connect_tcp));
  // Empty: no TCP at all.
  CHECK(parse("tcp", "").handled.net == 3);
  CHECK(parse("tcp", "").ports.empty());
  CHECK(parse("scope", "signal").handled.scoped == bits::scope_signal);
  CHECK(parse("scope", "abstract-unix-socket, signal").handled.scoped == 3);
}

TEST_CASE("Landlock: a mistake names its annotation and the word that was meant") {
  struct Row {
    const char *name, *value, *text;
  };
  const Row rows[] = {
      {"fs", "reed:/", "unknown right \"reed\" (/annotations/org.ocx.landlock.fs); did you mean \"read\"?"},
      {"fs", "read", "no \":\""},
      {"fs", "", "no rule"},
      {"fs", ";;", "no rule"},
      {"fs", ":/usr", "unknown right \"\""},
      {"fs", "read,:/usr", "unknown right \"\""},
      {"fs", "read:", "path \"\" is not absolute"},
      {"fs", "read:usr", "path \"usr\" is not absolute"},
      {"fs", "read:/usr,", "path \"\" is not absolute"},
      {"fs", "READ:/usr", "did you mean \"read\"?"},
      {"fs", "bind:/usr", "unknown right \"bind\""},
      {"tcp", "read:80", "unknown right \"read\" (/annotations/org.ocx.landlock.tcp)"},
      {"tcp", "bind:65536", "\"65536\" is no port"},
      {"tcp", "bind:-1", "\"-1\" is no port"},
      {"tcp", "bind:http", "\"http\" is no port"},
      {"tcp", "bind:80-90", "\"80-90\" is no port"},
      {"scope", "signals", "did you mean \"signal\"?"},
      {"scope", "", "unknown scope \"\""},
      {"compat", "best_effort", "did you mean \"best-effort\"?"},
      {"fss", "read:/", "did you mean \"org.ocx.landlock.fs\"?"},
      {"a/b", "", "(/annotations/org.ocx.landlock.a~1b)"},
  };
  for (const Row& row : rows) {
    INFO(row.name << " = " << row.value);
    CHECK_THAT(error_of({{std::string("org.ocx.landlock.") + row.name, row.value}}),
               Catch::Contains(row.text));
  }
  using namespace std::string_literals;
  CHECK_THAT(error_of({{"org.ocx.landlock.fs", "read:/usr\0/x"s}}), Catch::Contains("NUL"));
}

TEST_CASE("Landlock: what a version of the kernel's lacks, and rules that fit it") {
  const std::map<std::string, std::string> all{{"org.ocx.landlock.fs", "ioctl-dev:/dev;read,truncate:/"},
                                               {"org.ocx.landlock.tcp", "bind:80"},
                                               {"org.ocx.landlock.scope", "signal"}};
  const LandlockRules rules = spec::parse_landlock(all).value();
  struct Row {
    int abi;
    std::vector<std::string> words;
  };
  const Row rows[] = {{7, {}},
                      {6, {}},
                      {5, {"signal"}},
                      {4, {"ioctl-dev", "signal"}},
                      {3, {"ioctl-dev", "bind", "connect", "signal"}},
                      {2, {"truncate", "ioctl-dev", "bind", "connect", "signal"}},
                      {1, {"refer", "truncate", "ioctl-dev", "bind", "connect", "signal"}}};
  for (const Row& row : rows) {
    std::vector<std::string> words;
    for (const spec::LandlockLack& lack : landlock_lacks(rules, row.abi)) words.emplace_back(lack.word);
    CHECK(words == row.words);
    // What fits lacks nothing.
    CHECK(landlock_lacks(fit_landlock(rules, row.abi), row.abi).empty());
  }
  const LandlockRules two = fit_landlock(rules, 2);
  REQUIRE(two.paths.size() == 1);  // the rule of ioctl-dev alone would be refused by the kernel
  CHECK(two.paths[0].access == fs_read);
  CHECK(two.ports.empty());
  CHECK(fit_landlock(rules, 0).handled.empty());
  CHECK(landlock_lacks(rules, 4)[0].annotation == "fs");
  CHECK(landlock_lacks(rules, 4)[0].linux == "6.10");
}

TEST_CASE("Landlock: rules in words") {
  CHECK(describe_landlock(parse("fs", "read,execute:/usr;write:/tmp")) ==
        "read, execute beneath \"/usr\"; write beneath \"/tmp\"");
  CHECK(describe_landlock(parse("tcp", "bind:80")) == "bind TCP port 80");
  CHECK(describe_landlock(parse("tcp", "")) == "no TCP");
}
