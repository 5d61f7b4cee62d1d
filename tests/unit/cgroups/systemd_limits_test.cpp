#include "cgroups/systemd_limits.hpp"

#include <catch2/catch.hpp>

#include <map>

using namespace ocx::cgroups;
using ocx::spec::Resources;

namespace {

using Tokens = std::vector<std::string>;

const std::string infinity = "18446744073709551615";

Setting setting(const std::string& file, const std::string& value) {
  Setting result;
  result.controller = file.substr(0, file.find('.'));
  result.file = file;
  result.value = value;
  return result;
}

std::string no_file(const std::string&) {
  return "";
}

std::map<std::string, std::pair<std::string, Tokens>> by_name(const std::vector<UnitProperty>& properties) {
  std::map<std::string, std::pair<std::string, Tokens>> result;
  for (const UnitProperty& property : properties) {
    CHECK(result.count(property.name) == 0);
    CHECK(property.optional);
    result[property.name] = {property.signature, property.tokens};
  }
  return result;
}

}  // namespace

TEST_CASE("values of cgroup files as properties of a unit", "[cgroups]") {
  struct Case {
    std::string file, value, property, signature;
    Tokens tokens;
  };
  const Case cases[] = {
      {"memory.max", "1048576", "MemoryMax", "t", {"1048576"}},
      {"memory.max", "max", "MemoryMax", "t", {infinity}},
      {"memory.limit_in_bytes", "-1", "MemoryMax", "t", {infinity}},
      {"memory.low", "4096", "MemoryLow", "t", {"4096"}},
      {"memory.min", "4096", "MemoryMin", "t", {"4096"}},
      {"memory.high", "max", "MemoryHigh", "t", {infinity}},
      {"memory.swap.max", "0", "MemorySwapMax", "t", {"0"}},
      {"memory.zswap.max", "0", "MemoryZSwapMax", "t", {"0"}},
      {"cpu.weight", "100", "CPUWeight", "t", {"100"}},
      {"cpu.idle", "1", "CPUWeight", "t", {"0"}},
      {"cpu.shares", "512", "CPUShares", "t", {"512"}},
      {"pids.max", "20", "TasksMax", "t", {"20"}},
      {"pids.max", "0", "TasksMax", "t", {"1"}},
      {"pids.max", "max", "TasksMax", "t", {infinity}},
      {"cpuset.cpus", "0-2,9", "AllowedCPUs", "ay", {"2", "7", "2"}},
      {"cpuset.mems", "0", "AllowedMemoryNodes", "ay", {"1", "1"}},
      {"cpuset.cpus", "\n", "AllowedCPUs", "ay", {"0"}},
      {"io.weight", "default 200", "IOWeight", "t", {"200"}},
      {"io.weight", "8:16 200", "IODeviceWeight", "a(st)", {"1", "/dev/block/8:16", "200"}},
      {"blkio.weight", "500", "BlockIOWeight", "t", {"500"}},
      {"blkio.throttle.read_bps_device",
       "8:0 0",
       "BlockIOReadBandwidth",
       "a(st)",
       {"1", "/dev/block/8:0", infinity}},
  };
  for (const Case& item : cases) {
    INFO(item.file << " " << item.value);
    const auto found = by_name(limit_properties({setting(item.file, item.value)}, no_file));
    REQUIRE(found.size() == 1);
    CHECK(found.count(item.property) == 1);
    CHECK(found.begin()->second == std::pair(item.signature, item.tokens));
  }
}

TEST_CASE("files without a property, and values the kernel is going to refuse, are left out", "[cgroups]") {
  for (const auto& [file, value] : {std::pair("hugetlb.2MB.max", "0"),
                                    {"memory.oom.group", "1"},
                                    {"cpu.idle", "0"},
                                    {"memory.max", "5M"},
                                    {"memory.max", ""},
                                    {"cpuset.cpus", "x"},
                                    {"cpuset.cpus", "0-99999999"},
                                    {"io.max", "8:0"},
                                    {"cpu.max", "x 100000"},
                                    {"cpu.max", "10 0"},
                                    {"pids.max", "1 2"}}) {
    INFO(file << " " << value);
    CHECK(limit_properties({setting(file, value)}, no_file).empty());
  }
}

TEST_CASE("a CPU quota is a share of a second, rounded up to a whole percent", "[cgroups]") {
  struct Case {
    std::vector<Setting> settings;
    std::string now;
    Tokens per_second, period;
  };
  Setting period_only = setting("cpu.max", "50000");
  period_only.keep_first_word = true;
  const Case cases[] = {
      {{setting("cpu.max", "50000 100000")}, "", {"500000"}, {"100000"}},
      {{setting("cpu.max", "12345 100000")}, "", {"130000"}, {"100000"}},
      {{setting("cpu.max", "1 1000000")}, "", {"10000"}, {"1000000"}},
      {{setting("cpu.max", "50000")}, "max 200000", {"250000"}, {"200000"}},
      {{setting("cpu.max", "50000")}, "", {"500000"}, {"100000"}},
      {{setting("cpu.max", "max 50000")}, "", {infinity}, {"50000"}},
      {{period_only}, "25000 100000\n", {"500000"}, {"50000"}},
      {{period_only}, "max 100000\n", {infinity}, {"50000"}},
      {{setting("cpu.cfs_period_us", "50000"), setting("cpu.cfs_quota_us", "100000")},
       "",
       {"2000000"},
       {"50000"}},
      {{setting("cpu.cfs_quota_us", "-1")}, "", {infinity}, {"100000"}},
  };
  for (const Case& item : cases) {
    INFO(item.settings[0].file << " " << item.settings[0].value << " now " << item.now);
    const auto now = [&](const std::string&) { return item.now; };
    const auto found = by_name(limit_properties(item.settings, now));
    CHECK(found.at("CPUQuotaPerSecUSec").second == item.per_second);
    CHECK(found.at("CPUQuotaPeriodUSec").second == item.period);
  }
}

TEST_CASE("devices of one kind are one property", "[cgroups]") {
  const auto found =
      by_name(limit_properties({setting("io.max", "8:0 rbps=1 wiops=2"), setting("io.max", "8:16 rbps=max"),
                                setting("io.max", "8:32 riops=7")},
                               no_file));
  CHECK(found.size() == 3);
  CHECK(found.at("IOReadBandwidthMax").second ==
        Tokens{"2", "/dev/block/8:0", "1", "/dev/block/8:16", infinity});
  CHECK(found.at("IOWriteIOPSMax").second == Tokens{"1", "/dev/block/8:0", "2"});
  CHECK(found.at("IOReadIOPSMax").second == Tokens{"1", "/dev/block/8:32", "7"});
}

TEST_CASE("resources of config.json as properties", "[cgroups]") {
  Resources resources;
  resources.memory.emplace();
  resources.memory->limit = 1 << 20;
  resources.memory->swap = 3 << 20;
  resources.cpu.emplace();
  resources.cpu->shares = 1024;
  resources.cpu->quota = 20000;
  resources.pids_limit = 5;
  resources.block_io.emplace();
  resources.block_io->weight = 1000;
  resources.unified["memory.high"] = "500000";
  Versions v2;
  v2.v2 = true;
  const auto found = by_name(limit_properties(settings_of(resources, v2), no_file));
  CHECK(found.at("MemoryMax").second == Tokens{"1048576"});
  CHECK(found.at("MemorySwapMax").second == Tokens{"2097152"});
  CHECK(found.at("MemoryHigh").second == Tokens{"500000"});
  CHECK(found.at("CPUWeight").second == Tokens{"100"});
  CHECK(found.at("CPUQuotaPerSecUSec").second == Tokens{"200000"});
  CHECK(found.at("TasksMax").second == Tokens{"5"});
  CHECK(found.at("IOWeight").second == Tokens{"10000"});
}

TEST_CASE("a refused property is told by its setting", "[cgroups]") {
  Setting pids = setting("pids.max", "5");
  pids.origin = "/linux/resources/pids/limit";
  CHECK(limit_properties({pids}, no_file)[0].origin == "/linux/resources/pids/limit");
}

TEST_CASE("what puts old values back", "[cgroups]") {
  const std::map<std::string, std::string> files = {{"memory.max", "max\n"},
                                                    {"cpu.max", "50000 100000\n"},
                                                    {"cpuset.cpus", "\n"},
                                                    {"io.weight", "default 100\n"},
                                                    {"io.max", "8:0 rbps=1 wbps=max riops=max wiops=max\n"}};
  const auto read = [&](const std::string& file) {
    const auto found = files.find(file);
    return found == files.end() ? std::string() : found->second;
  };
  Setting known = setting("io.max", "8:0 rbps=5"), unknown = setting("io.max", "8:16 rbps=5");
  known.keyed = unknown.keyed = true;
  Setting weight = setting("io.bfq.weight", "10");
  weight.other_file = "io.weight";
  const auto before =
      settings_in_force({setting("memory.max", "1"), setting("cpu.max", "1"), setting("cpuset.cpus", "0"),
                         weight, known, unknown, setting("memory.low", "1")},
                        read);
  std::vector<std::pair<std::string, std::string>> found;
  for (const Setting& old : before) found.emplace_back(old.file, old.value);
  CHECK(found == std::vector<std::pair<std::string, std::string>>{
                     {"memory.max", "max"},
                     {"cpu.max", "50000 100000"},
                     {"cpuset.cpus", "\n"},
                     {"io.weight", "default 100"},
                     {"io.max", "8:0 rbps=1 wbps=max riops=max wiops=max"},
                     {"io.max", "8:16 rbps=max wbps=max riops=max wiops=max"}});
}
