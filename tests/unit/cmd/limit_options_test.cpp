#include "cmd/limit_options.hpp"

#include <catch2/catch.hpp>

#include <set>

#include "cmd/command.hpp"
#include "spec/parse.hpp"
#include "spec/write_resources.hpp"
#include "sys/error.hpp"

using namespace ocx;
using Words = std::vector<std::string>;

namespace {

cmd::Arguments parse(Words words) {
  words.emplace_back("id");
  return cmd::parse_command(*cmd::find_command("update"), words);
}

std::string json_of(const Words& words) {
  return spec::write_resources(cmd::limits(parse(words)));
}

std::string error_of(const Words& words) {
  try {
    cmd::limits(parse(words));
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("sizes as people write them", "[update]") {
  struct Row {
    const char* text;
    std::optional<std::int64_t> bytes;
  };
  const auto none = std::optional<std::int64_t>();
  const std::int64_t mega = 1 << 20, giga = 1 << 30;
  for (const auto& [text, bytes] : {Row{"0", 0},
                                    {"512", 512},
                                    {"512b", 512},
                                    {"512B", 512},
                                    {"64k", 65536},
                                    {"64K", 65536},
                                    {"64kb", 65536},
                                    {"64KiB", 65536},
                                    {"64kib", 65536},
                                    {"3m", 3 * mega},
                                    {"1g", giga},
                                    {"1.5g", 3 * giga / 2},
                                    {"0.25m", mega / 4},
                                    {"1.001k", 1025},
                                    {"2t", 2048 * giga},
                                    {"1p", giga * mega},
                                    {"9223372036854775807", INT64_MAX},
                                    {"8191p", 8191 * giga * mega},
                                    {"8192p", none},
                                    {"9223372036854775808", none},
                                    {"99999999999999999999", none},
                                    {"", none},
                                    {"k", none},
                                    {"kb", none},
                                    {"b", none},
                                    {"ib", none},
                                    {"5x", none},
                                    {"5i", none},
                                    {"5ib", none},
                                    {"5ki", none},
                                    {"5kk", none},
                                    {"5bb", none},
                                    {"-1", none},
                                    {"-5m", none},
                                    {"+5", none},
                                    {" 5", none},
                                    {"5 m", none},
                                    {"1.5", none},
                                    {"1.", none},
                                    {"1.m", none},
                                    {".5m", none},
                                    {"1.5.5m", none},
                                    {"1.0001m", none},
                                    {"1e3", none},
                                    {"0x10", none}}) {
    INFO(text);
    CHECK(cmd::parse_size(text) == bytes);
  }
}

TEST_CASE("each option of update sets its property", "[update]") {
  struct Row {
    Words words;
    const char* json;
  };
  for (const auto& [words, json] : {
           Row{{"--memory", "64m"}, R"({"memory":{"limit":67108864}})"},
           {{"--memory", "-1"}, R"({"memory":{"limit":-1}})"},
           {{"--memory-reservation=1k"}, R"({"memory":{"reservation":1024}})"},
           {{"--memory-swap=-1"}, R"({"memory":{"swap":-1}})"},
           {{"--kernel-memory", "1m"}, R"({"memory":{"kernel":1048576}})"},
           {{"--kernel-memory-tcp", "1m"}, R"({"memory":{"kernelTCP":1048576}})"},
           {{"--cpu-share", "512"}, R"({"cpu":{"shares":512}})"},
           {{"--cpu-quota", "5000"}, R"({"cpu":{"quota":5000}})"},
           {{"--cpu-quota", "-1"}, R"({"cpu":{"quota":-1}})"},
           {{"--cpu-period", "50000"}, R"({"cpu":{"period":50000}})"},
           {{"--cpu-burst", "0"}, R"({"cpu":{"burst":0}})"},
           {{"--cpu-idle", "1"}, R"({"cpu":{"idle":1}})"},
           {{"--cpu-rt-runtime", "-1"}, R"({"cpu":{"realtimeRuntime":-1}})"},
           {{"--cpu-rt-period", "1000000"}, R"({"cpu":{"realtimePeriod":1000000}})"},
           {{"--cpuset-cpus", "0-1"}, R"({"cpu":{"cpus":"0-1"}})"},
           {{"--cpuset-mems", "0"}, R"({"cpu":{"mems":"0"}})"},
           {{"--pids-limit", "0"}, R"({"pids":{"limit":0}})"},
           {{"--pids-limit", "-1"}, R"({"pids":{"limit":-1}})"},
           {{"--blkio-weight", "1000"}, R"({"blockIO":{"weight":1000}})"},
           {{"--memory=1k", "--memory-swap=2k", "--cpu-idle=0", "--cpuset-mems=0"},
            R"({"cpu":{"idle":0,"mems":"0"},"memory":{"limit":1024,"swap":2048}})"},
           {{"--memory=1k", "--memory=2k"}, R"({"memory":{"limit":2048}})"},
       }) {
    INFO(words.front());
    CHECK(json_of(words) == json);
    CHECK(cmd::given_limits(parse(words)).size() >= 1);
  }
  CHECK(cmd::given_limits(parse({})).empty());
  CHECK(cmd::given_limits(parse({"-r", "-"})).empty());
}

TEST_CASE("a wrong value is answered with the option and what it takes", "[update]") {
  for (const auto& [option, text] : std::initializer_list<std::pair<const char*, const char*>>{
           {"memory", "0"},        {"memory", "5x"},        {"memory", ""},        {"memory", "-2"},
           {"memory-swap", "max"}, {"cpu-share", "0"},      {"cpu-share", "-1"},   {"cpu-quota", "0"},
           {"cpu-quota", "-2"},    {"cpu-period", "0"},     {"cpu-period", "1e5"}, {"cpu-burst", "-1"},
           {"cpu-idle", "2"},      {"cpu-idle", "true"},    {"cpu-rt-period", ""}, {"cpu-rt-runtime", "0"},
           {"cpuset-cpus", ""},    {"cpuset-mems", ""},     {"pids-limit", "-2"},  {"pids-limit", "max"},
           {"blkio-weight", "9"},  {"blkio-weight", "1001"}}) {
    INFO(option << " " << text);
    CHECK(error_of({std::string("--") + option, text})
              .starts_with("invalid value \"" + std::string(text) + "\" for --" + option + ": use a "));
  }
}

TEST_CASE("schemata options are one line with their start", "[update]") {
  const auto l3 = [](const Words& words) {
    return cmd::schema_option(parse(words), "l3-cache-schema", "L3");
  };
  CHECK(l3({"--l3-cache-schema", "L3:0=f"}) == "L3:0=f");
  CHECK(l3({"--l3-cache-schema", "L3CODE:0=f"}) == "L3CODE:0=f");
  CHECK_FALSE(l3({"--memory", "1g"}));
  CHECK_THROWS_AS(l3({"--l3-cache-schema", "MB:0=1"}), Error);
  CHECK_THROWS_AS(l3({"--l3-cache-schema", "L3:0=f\nMB:0=1"}), Error);
  CHECK_THROWS_AS(l3({"--l3-cache-schema", ""}), Error);
}

TEST_CASE("every option of update but --resources is a limit with a place in the document", "[update]") {
  std::set<std::string> options;
  for (const cmd::Option& option : cmd::find_command("update")->options) options.insert(option.name);
  std::size_t with_place = 0;
  for (const auto& [pointer, option] : cmd::limit_origins()) {
    INFO(pointer);
    CHECK(options.count(option.substr(2)) == 1);
    ++with_place;
  }
  CHECK(with_place + 1 == options.size());  // --resources
  Words all;
  for (const std::string& option : options)
    if (option != "resources") all.push_back("--" + option + "=1");
  CHECK(cmd::given_limits(parse(all)).size() + 1 == options.size());
}
