// `update`: limits of a container that is there, all or nothing.
#include <catch2/catch.hpp>
#include <signal.h>

#include <limits>
#include <set>

#include "tests/integration/resource_files.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

Result update(Container& container, Words flags, const std::string& input = {}) {
  flags.insert(flags.begin(), "update");
  flags.push_back(container.id());
  RunOptions options;
  options.input = input;
  return container.command(flags, options);
}

struct File {
  std::string controller, v1, v2;
  std::string name() const { return cgroup_v2() ? v2 : v1; }
};

const File memory_limit{"memory", "memory.limit_in_bytes", "memory.max"},
    memory_swap{"memory", "memory.memsw.limit_in_bytes", "memory.swap.max"},
    memory_reservation{"memory", "memory.soft_limit_in_bytes", "memory.low"},
    cpu_weight{"cpu", "cpu.shares", "cpu.weight"}, cpu_quota{"cpu", "cpu.cfs_quota_us", "cpu.max"},
    cpu_period{"cpu", "cpu.cfs_period_us", "cpu.max"}, cpu_burst{"cpu", "cpu.cfs_burst_us", "cpu.max.burst"},
    cpu_idle{"cpu", "cpu.idle", "cpu.idle"}, cpus{"cpuset", "cpuset.cpus", "cpuset.cpus"},
    mems{"cpuset", "cpuset.mems", "cpuset.mems"}, pids{"pids", "pids.max", "pids.max"};

std::string value_of(const Container& container, const File& file) {
  if (file.name().empty() || !has_controller(file.controller)) return "";
  const Path path = limit_directory(container, file.controller) / file.name();
  return fs::exists(path) ? limit_file(container, file.controller, file.name()) : "";
}

std::map<std::string, std::string> all_values(const Container& container) {
  std::map<std::string, std::string> values;
  for (const File& file : {memory_limit, memory_swap, memory_reservation, cpu_weight, cpu_quota, cpu_period,
                           cpu_burst, cpu_idle, cpus, mems, pids})
    values[file.name()] = value_of(container, file);
  return values;
}

std::string record_of(const Container& container) {
  return read_file(container.state_directory() / "state.json");
}

// The kernel of the machine has the file, and says that; one it does not have is not asked.
void check_value(const Container& container, const File& file, const std::string& v1, const std::string& v2) {
  const std::string& expected = cgroup_v2() ? v2 : v1;
  if (expected.empty() || !has_controller(file.controller)) return;
  INFO(file.name());
  CHECK(value_of(container, file) == expected);
}

struct OptionRow {
  Words flags;
  File file;
  std::string v1, v2;
  bool runc = true;  // runc 1.1 has it, too
};

// One update after the other.
void check_rows(const std::vector<OptionRow>& rows) {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  for (const OptionRow& row : rows) {
    if (!row.runc && runtime_is_runc()) continue;
    if ((cgroup_v2() ? row.v2 : row.v1).empty() || !has_controller(row.file.controller)) continue;
    INFO(row.flags.front());
    REQUIRE_OK(update(container, row.flags));
    check_value(container, row.file, row.v1, row.v2);
  }
  CHECK(container.status() == "created");
}

const std::string unlimited = std::to_string(std::numeric_limits<long>::max() / 4096 * 4096);

// A running container with a limit of each kind.
struct Limited {
  Bundle bundle;
  Container container{bundle};
  Limited() {
    json& resources = bundle.config["linux"]["resources"];
    resources["memory"] = {{"limit", 128 << 20}, {"swap", 256 << 20}, {"reservation", 64 << 20}};
    resources["cpu"] = {{"shares", 1024}, {"quota", 20000}, {"period", 50000}};
    resources["pids"] = {{"limit", 50}};
    REQUIRE_OK(container.create());
    REQUIRE_OK(container.start());
  }
};

}  // namespace

TEST_CASE("each option is in the kernel's file", "[update]") {
  check_rows({
      OptionRow{{"--memory=64m"}, memory_limit, "67108864", "67108864"},
      OptionRow{{"--memory", "100663296"}, memory_limit, "100663296", "100663296"},
      OptionRow{{"--memory-reservation", "32M"}, memory_reservation, "33554432", "33554432"},
      OptionRow{{"--memory=64m", "--memory-swap=96m"}, memory_swap, "100663296", "33554432"},
      // Together, up and down: the kernel takes them in one order only.
      OptionRow{{"--memory=256m", "--memory-swap=512m"}, memory_swap, "536870912", "268435456"},
      OptionRow{{"--memory=64m", "--memory-swap=64m"}, memory_swap, "67108864", "0"},
      OptionRow{{"--memory=-1"}, memory_limit, unlimited, "max"},
      OptionRow{{"--memory=-1", "--memory-swap=-1"}, memory_swap, unlimited, "max"},
      OptionRow{
          {"--kernel-memory-tcp=1m"}, {"memory", "memory.kmem.tcp.limit_in_bytes", ""}, "1048576", "", false},
      OptionRow{{"--cpu-share=262144"}, cpu_weight, "262144", "10000"},
      OptionRow{{"--cpu-quota=20000"}, cpu_quota, "20000", "20000 100000"},
      OptionRow{{"--cpu-period=50000"}, cpu_period, "50000", "20000 50000"},
      OptionRow{{"--cpu-burst=7000"}, cpu_burst, "7000", "7000", false},
      OptionRow{{"--cpu-quota=5000", "--cpu-burst=1000"}, cpu_quota, "5000", "5000 50000", false},
      OptionRow{{"--cpu-burst=0"}, cpu_burst, "0", "0", false},
      OptionRow{{"--cpu-quota=-1"}, cpu_quota, "-1", "max 50000"},
      OptionRow{{"--cpu-idle=1"}, cpu_idle, "1", "1", false},
      OptionRow{{"--cpu-idle=0", "--cpu-share=2"}, cpu_weight, "2", "1", false},
      OptionRow{{"--pids-limit=17"}, pids, "17", "17"},
      OptionRow{{"--pids-limit=-1"}, pids, "max", "max"},
  });
}

TEST_CASE("processors, memory nodes and the weight of disk I/O", "[update][qemu]") {
  if (!has_controller("cpuset")) SKIP_TEST("no cpuset controller here");
  check_rows({
      OptionRow{{"--cpuset-cpus=0"}, cpus, "0", "0"},
      OptionRow{{"--cpuset-mems=0"}, mems, "0", "0"},
  });
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  const Path directory = limit_directory(container, cgroup_v2() ? "io" : "blkio");
  for (const auto& [file, text] : {std::pair("blkio.bfq.weight", "500"),
                                   {"blkio.weight", "500"},
                                   {"io.bfq.weight", "default 500"},
                                   {"io.weight", "default 4950"}}) {
    if (!fs::exists(directory / file)) continue;
    REQUIRE_OK(update(container, {"--blkio-weight", "500"}));
    CHECK(contains(read_file(directory / file), text));
    return;
  }
  CHECK(contains(error_message(update(container, {"--blkio-weight", "500"})), "--blkio-weight"));
}

TEST_CASE("what is not given stays", "[update][contract]") {
  Limited test;
  struct Row {
    const char* document;
    File file;
    std::string v1, v2;
  };
  for (
      const Row& row : {
          Row{R"({"pids": {"limit": 60}})", pids, "60", "60"},
          // Version 2 has both in one file: the period comes from the record.
          Row{R"({"cpu": {"quota": 30000}})", cpu_quota, "30000", "30000 50000"},
          Row{R"({"cpu": {"period": 40000}})", cpu_period, "40000", "30000 40000"},
          Row{R"({"cpu": {"shares": 262144}})", cpu_weight, "262144", "10000"},
          Row{R"({"memory": {"reservation": 33554432}})", memory_reservation, "33554432", "33554432"},
          Row{R"({"memory": {"limit": 100663296}})", memory_limit, "100663296", "100663296"},
          // Zeros and empty texts are how engines write "not set".
          Row{R"({"memory": {"limit": 0, "reservation": 16777216}, "cpu": {"shares": 0, "quota": 0, "cpus": ""}})",
              memory_reservation, "16777216", "16777216"},
      }) {
    INFO(row.document);
    auto before = all_values(test.container);
    REQUIRE_OK(update(test.container, {"--resources=-"}, row.document));
    check_value(test.container, row.file, row.v1, row.v2);
    auto after = all_values(test.container);
    for (auto* values : {&before, &after}) {
      values->erase(row.file.name());
      // The total of both stays, so that the swap alone changes with the limit.
      if (cgroup_v2() && row.file.name() == memory_limit.v2) values->erase(memory_swap.v2);
    }
    CHECK(after == before);
  }
}

TEST_CASE("the limit of memory and swap together stays when the one of memory changes", "[update]") {
  if (!has_controller("memory")) SKIP_TEST("no memory controller here");
  Limited test;
  if (value_of(test.container, memory_swap).empty()) SKIP_TEST("a kernel without swap");
  check_value(test.container, memory_swap, std::to_string(256 << 20), std::to_string(128 << 20));
  REQUIRE_OK(update(test.container, {"--memory=192m"}));
  check_value(test.container, memory_swap, std::to_string(256 << 20), std::to_string(64 << 20));
}

TEST_CASE("no limit of memory takes the one of swap away", "[update]") {
  if (!has_controller("memory")) SKIP_TEST("no memory controller here");
  Limited test;
  REQUIRE_OK(update(test.container, {"--memory=-1"}));
  check_value(test.container, memory_limit, unlimited, "max");
  if (!value_of(test.container, memory_swap).empty())
    check_value(test.container, memory_swap, unlimited, "max");
}

TEST_CASE("a document comes from a file or from stdin", "[update][contract]") {
  if (!has_controller("pids")) SKIP_TEST("no pids controller here");
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  int limit = 20;
  const auto document = [&] { return R"({"pids": {"limit": )" + std::to_string(++limit) + "}, \"x\": [1]}"; };
  const auto check = [&] { CHECK(value_of(container, pids) == std::to_string(limit)); };
  REQUIRE_OK(update(container, {"--resources", "-"}, document()));
  check();
  REQUIRE_OK(update(container, {"--resources=-"}, document()));
  check();
  REQUIRE_OK(update(container, {"-r", "-"}, document()));
  check();
  Path file = bundle.scratch() / "resources.json";
  write_file(file, document());
  REQUIRE_OK(update(container, {"--resources=" + file.string()}));
  check();
  write_file(file, document());
  REQUIRE_OK(container.command({"update", container.id(), "-r", file}));
  check();
  REQUIRE_OK(update(container, {"-r", "-"}, "{}"));
  check();
}

TEST_CASE("update works on created, running and paused containers, and leaves them so",
          "[update][contract]") {
  if (!has_controller("pids")) SKIP_TEST("no pids controller here");
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(update(container, {"--pids-limit", "21"}));
  CHECK(container.status() == "created");
  CHECK(value_of(container, pids) == "21");
  REQUIRE_OK(container.start());
  REQUIRE_OK(update(container, {"--pids-limit", "22"}));
  CHECK(container.status() == "running");
  CHECK(value_of(container, pids) == "22");
  REQUIRE_OK(container.command({"pause", container.id()}));
  REQUIRE_OK(update(container, {"--pids-limit", "23"}));
  CHECK(container.status() == "paused");
  CHECK(value_of(container, pids) == "23");
  REQUIRE_OK(container.kill("KILL"));
  container.wait_exit();
  CHECK(contains(error_message(update(container, {"--pids-limit", "24"})), "container not running"));
  CHECK(container.status() == "stopped");
}

TEST_CASE("a wrong value is refused, and everything is as before", "[update]") {
  ONLY_OCX("runc 1.1 can leave half of it, or the new values on record");
  Limited test;
  const auto values = all_values(test.container);
  const std::string record = record_of(test.container);
  struct Row {
    Words flags;
    std::string says;
  };
  for (const Row& row : {
           // The kernel refuses the last, after the others were written.
           Row{{"--memory=96m", "--cpu-share=77", "--pids-limit=33", "--cpuset-cpus=4000"}, "--cpuset-cpus"},
           Row{{"--memory=1g", "--memory-swap=2g", "--pids-limit=9", "--cpu-quota=5"}, "--cpu-quota"},
           Row{{"--memory=1g", "--memory-swap=2g", "--cpu-period=7"}, "--cpu-period"},
           Row{{"--pids-limit=9", "--cpuset-mems=999"}, "--cpuset-mems"},
           // Rules of the specification, of old and new together.
           Row{{"--pids-limit=9", "--memory=300m"}, "--memory-swap"},
           Row{{"--pids-limit=9", "--cpu-burst=20001"}, "--cpu-burst"},
           Row{{"--pids-limit=9", "--cpu-share=5", "--cpu-idle=1"}, "--cpu-share"},
           Row{{"--pids-limit=9", "--cpuset-cpus=x"}, "--cpuset-cpus"},
           // The command line.
           Row{{"--pids-limit=9", "--memory=5x"}, "--memory"},
           Row{{"--pids-limit=9", "--l3-cache-schema=L3:0=f"}, "container has no intelRdt"},
           Row{{"--pids-limit=9", "--resources=-"}, "--resources and --pids-limit exclude each other"},
           Row{{}, "nothing to update"},
       }) {
    INFO((row.flags.empty() ? "" : row.flags.back()));
    if (row.says.rfind("--cpuset", 0) == 0 && !has_controller("cpuset")) continue;
    CHECK(contains(error_message(update(test.container, row.flags)), row.says));
    CHECK(all_values(test.container) == values);
    CHECK(record_of(test.container) == record);
  }
  CHECK(test.container.status() == "running");
}

TEST_CASE("a wrong document is refused with the place in it", "[update]") {
  ONLY_OCX("runc has no places");
  Limited test;
  const auto values = all_values(test.container);
  const std::string record = record_of(test.container);
  for (const auto& [document, says] : std::initializer_list<std::pair<std::string, std::string>>{
           {R"({"pids": {"limit": 9}, "memory": {"limit": "1m"}})", "(/memory/limit)"},
           {R"({"pids": {"limit": 9}, "memory": {"limit": 314572800}})", "(/memory/swap)"},
           {R"({"pids": {"limit": 9}, "cpu": {"quota": 5}})", "(/cpu/quota)"},
           {R"({"pids": {"limit": 9}, "hugepageLimits": [{"pageSize": "3XB", "limit": 1}]})",
            "(/hugepageLimits/0/pageSize)"},
           {R"({"pids": {"limit": 9}, "unified": {"no.such": "1"}})", "(/unified/no.such)"},
           {R"({"pids": {"limit": 9}} x)", "line 1"},
           {"", ""},
           {"[]", ""}}) {
    INFO(document);
    const std::string message = error_message(update(test.container, {"-r", "-"}, document));
    CHECK(contains(message, says));
    CHECK(all_values(test.container) == values);
    CHECK(record_of(test.container) == record);
  }
  CHECK(
      contains(error_message(update(test.container, {"-r", "/no/such/file"})), "no such file or directory"));
}

TEST_CASE("a limit below what is in use is refused", "[update][contract]") {
  if (!has_controller("memory")) SKIP_TEST("no memory controller here");
  if (cgroup_v2()) NOT_ON_RUNC("1.1 has no checkBeforeUpdate");
  Limited test;
  const auto values = all_values(test.container);
  const char* document = R"({"memory": {"limit": 4096, "checkBeforeUpdate": true}})";
  CHECK(error_message(update(test.container, {"-r", "-"}, document)).size() > 0);
  CHECK(all_values(test.container) == values);
  CHECK(test.container.status() == "running");
}

TEST_CASE("an update that can't be recorded changes nothing", "[update]") {
  ONLY_OCX("others have changed the limits by then");
  Limited test;
  const auto values = all_values(test.container);
  const std::string record = record_of(test.container);
  const auto names = [&] {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(test.container.state_directory()))
      found.insert(entry.path().filename());
    return found;
  };
  const auto before = names();
  // No file may grow: setrlimit(2), RLIMIT_FSIZE.
  const Result result =
      run({"/bin/sh", "-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh", runtime_path(), "--root",
           test.container.root(), "update", "--pids-limit", "9", test.container.id()});
  CHECK(result.status != 0);
  CHECK(all_values(test.container) == values);
  CHECK(record_of(test.container) == record);
  CHECK(names() == before);
}

TEST_CASE("devices are never touched", "[update][devices]") {
  Bundle bundle({"/bin/probe", "pause"});
  Container container(bundle);
  REQUIRE_OK(container.create());
  const File list{"devices", "devices.list", ""};
  const std::string before = value_of(container, list);
  json document = {{"pids", {{"limit", 31}}}, {"devices", bundle.config["linux"]["resources"]["devices"]}};
  Result result = update(container, {"-r", "-"}, document.dump());
  REQUIRE_OK(result);
  CHECK(result.err.empty());  // the same again is what engines send, and asks for nothing
  document["devices"] = {{{"allow", true}, {"access", "rwm"}}};
  result = update(container, {"-r", "-"}, document.dump());
  REQUIRE_OK(result);
  if (runtime_is_ocx()) CHECK(contains(result.err, "devices are never changed by update"));
  CHECK(value_of(container, list) == before);
  if (has_controller("pids")) CHECK(value_of(container, pids) == "31");
}

TEST_CASE("a limit that was updated bites", "[update]") {
  if (!has_controller("pids")) SKIP_TEST("no pids controller here");
  Bundle bundle;
  bundle.shell("read line; (echo forked); echo end");
  Container container(bundle);
  Pipe in = make_pipe();
  RunOptions options;
  options.fds = {{0, in.read_end.get()}};
  Result created = container.create({}, options);
  REQUIRE_OK(created);
  REQUIRE_OK(container.start());
  REQUIRE_OK(update(container, {"--pids-limit", "1"}));
  in.write_end.close();
  container.wait_exit();
  CHECK_FALSE(contains(created.out_now(), "forked"));
  CHECK(contains(created.err_now(), "can't fork"));
}

TEST_CASE("update of a container that isn't there", "[update]") {
  Bundle bundle;
  Container container(bundle);
  CHECK(contains(error_message(update(container, {"--pids-limit", "5"})), "container does not exist"));
}
