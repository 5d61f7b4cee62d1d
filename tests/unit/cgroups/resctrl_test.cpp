#include "cgroups/resctrl.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "sys/error.hpp"
#include "tests/harness/bundle.hpp"

namespace fs = std::filesystem;
using namespace ocx;
using namespace ocx::cgroups;
using test::read_file;
using test::write_file;

namespace {

/// A directory that behaves as resctrl does: groups come with their files and go with them. `schemata` of a
/// new group is a FIFO, so that each write can be told from the next.
class FakeResctrl {
 public:
  FakeResctrl() {
    fill(root());
    write_file(root() / "info/last_cmd_status", "ok\n");
  }

  fs::path root() const { return directory_.path() / "resctrl"; }
  std::string text() const { return root().string(); }

  /// A CLOS that somebody else has made.
  fs::path add_clos(const std::string& name, const std::string& schemata) {
    fill(root() / name);
    write_file(root() / name / "schemata", schemata);
    return root() / name;
  }

  ResctrlDirectories directories() {
    return {[this](const std::string& path) { return make(path); },
            [this](const std::string& path) {
              removed.push_back(path);
              return fs::remove_all(path) > 0 ? 0 : ENOENT;
            }};
  }

  /// What was written to the schemata of a group that the runtime has made.
  std::string written(const std::string& clos) {
    std::string buffer(4096, '\0');
    const int fd = readers_.at(clos);
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    buffer.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return buffer;
  }

  ResctrlSetup setup(const spec::IntelRdt& rdt) { return {text(), "web", rdt, directories()}; }

  ~FakeResctrl() {
    for (const auto& [name, fd] : readers_) ::close(fd);
  }

  std::vector<std::string> removed;
  int refusal = 0;

 private:
  static void fill(const fs::path& group) {
    fs::create_directories(group / "mon_groups");
    write_file(group / "tasks", "");
  }

  int make(const std::string& path) {
    if (refusal != 0) return refusal;
    if (::mkdir(path.c_str(), 0755) != 0) return errno;
    write_file(path + "/tasks", "");
    if (path.find("mon_groups") != std::string::npos) return 0;
    fill(path);
    const std::string fifo = path + "/schemata";
    if (::mkfifo(fifo.c_str(), 0644) != 0) return errno;
    readers_[fs::path(path).filename()] = ::open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    return 0;
  }

  test::TempDir directory_;
  std::map<std::string, int> readers_;
};

spec::IntelRdt rdt_of(std::optional<std::string> clos, std::optional<std::string> l3 = {},
                      std::optional<std::string> mb = {}, std::vector<std::string> schemata = {},
                      bool monitoring = false) {
  return {std::move(clos), std::move(l3), std::move(mb), std::move(schemata), monitoring};
}

std::string error_of(const std::function<void()>& action, std::string* origin = nullptr) {
  try {
    action();
  } catch (const Error& error) {
    if (origin != nullptr) *origin = error.origin();
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("without closID the group is named after the container, and goes with it", "[resctrl]") {
  FakeResctrl fake;
  ResctrlSetup setup = fake.setup(rdt_of({}));
  CHECK_FALSE(fs::exists(fake.root() / "web"));  // looking makes nothing
  CHECK(setup.groups() == ResctrlGroups{fake.text(), fake.text() + "/web", true, ""});
  setup.create();
  CHECK(fake.written("web").empty());  // none of the three: no schemata are written
  join_resctrl(setup.groups(), 4711);
  CHECK(read_file(fake.root() / "web/tasks") == "4711");
  remove_resctrl(setup.groups(), fake.directories());
  CHECK_FALSE(fs::exists(fake.root() / "web"));
  remove_resctrl(setup.groups(), fake.directories());  // twice is no error
}

TEST_CASE("without closID a group that exists is not removed", "[resctrl]") {
  FakeResctrl fake;
  fake.add_clos("web", "L3:0=f\n");
  ResctrlSetup setup = fake.setup(rdt_of({}));
  setup.create();
  remove_resctrl(setup.groups(), fake.directories());
  CHECK(fs::exists(fake.root() / "web"));
}

TEST_CASE("schemata are written in their order, a line each", "[resctrl]") {
  FakeResctrl fake;
  for (const auto& clos : {std::optional<std::string>(), std::optional<std::string>("web")}) {
    fs::remove_all(fake.root() / "web");
    ResctrlSetup setup = fake.setup(rdt_of(clos, "L3:0=f0", "MB:0=20", {"L2:0=f", "MB:0=30"}));
    setup.create();
    CHECK(fake.written("web") == "L3:0=f0\nMB:0=20\nL2:0=f\nMB:0=30\n");
    CHECK(setup.groups().made == !clos);
    remove_resctrl(setup.groups(), fake.directories());
    CHECK(fs::exists(fake.root() / "web") == clos.has_value());  // one with a name is never removed
  }
}

TEST_CASE("closID alone needs the group to exist", "[resctrl]") {
  FakeResctrl fake;
  std::string origin;
  CHECK(error_of([&] { fake.setup(rdt_of("gold")); }, &origin).starts_with("there is no CLOS \"gold\""));
  CHECK(origin == "/linux/intelRdt/closID");
  CHECK(error_of([&] { fake.setup(rdt_of("gold", {}, {}, {}, true)); }) != "");
  const fs::path gold = fake.add_clos("gold", "    L3:0=000f\n");
  ResctrlSetup setup = fake.setup(rdt_of("gold"));
  setup.create();
  join_resctrl(setup.groups(), 5);
  setup.undo();
  remove_resctrl(setup.groups(), fake.directories());
  CHECK(read_file(gold / "schemata") == "    L3:0=000f\n");
  CHECK(read_file(gold / "tasks") == "5");
}

TEST_CASE("closID / is the default group", "[resctrl]") {
  FakeResctrl fake;
  ResctrlSetup setup = fake.setup(rdt_of("/", {}, {}, {}, true));
  setup.create();
  join_resctrl(setup.groups(), 6);
  CHECK(read_file(fake.root() / "tasks") == "6");
  CHECK(read_file(fake.root() / "mon_groups/web/tasks") == "6");
  remove_resctrl(setup.groups(), fake.directories());
  CHECK(fake.removed == std::vector<std::string>{fake.text() + "/mon_groups/web"});
  CHECK(fs::exists(fake.root()));
}

TEST_CASE("an existing group has to have what is asked for", "[resctrl]") {
  FakeResctrl fake;
  const fs::path gold = fake.add_clos("gold", "    MB:0=100;1= 70\n    L3:0=007f0;1=0000f\n");
  CHECK(error_of([&] { fake.setup(rdt_of("gold", "L3:0=7f0", "MB:1=70")); }) == "");
  std::string origin;
  CHECK(error_of([&] { fake.setup(rdt_of("gold", "L3:0=7f0;1=ff")); }, &origin) != "");
  CHECK(origin == "/linux/intelRdt/l3CacheSchema");
  CHECK(error_of([&] { fake.setup(rdt_of("gold", "L3:0=7f0", "MB:0=60")); }, &origin) != "");
  CHECK(origin == "/linux/intelRdt/memBwSchema");
  CHECK(error_of([&] { fake.setup(rdt_of({}, "L3:0=1")); }) == "");  // "web" is not there

  // `schemata` alone is written, whatever there was; a create that fails puts it back.
  ResctrlSetup setup = fake.setup(rdt_of("gold", {}, {}, {"L3:0=1"}));
  setup.create();
  CHECK(read_file(gold / "schemata").starts_with("L3:0=1\n"));
  setup.undo();
  CHECK(read_file(gold / "schemata") == "    MB:0=100;1= 70\n    L3:0=007f0;1=0000f\n");
  CHECK(fake.removed.empty());
}

TEST_CASE("schemata are compared as numbers, in what both have", "[resctrl]") {
  const char* found = "    MB:0=100;1= 30\n    L3:0=007f0;1=0000f\nL3CODE:0=ff\n";
  struct Row {
    const char* asked;
    bool agrees;
  };
  for (const Row& row : {Row{"L3:0=7f0", true},
                         {"L3:0=0x7F0; 1=f", true},
                         {"L3:1=f;0=7f0;", true},
                         {"L3:0=7f1", false},
                         {"L3:2=f", false},
                         {"L2:0=f", false},
                         {"MB:0=100;1=30", true},
                         {"MB:1=21", true},
                         {"MB:1=31", false},
                         {"MB:0=64", false},
                         {"L3CODE:0=ff", true},
                         {"L3:0=7f0\nMB:0=100", true},
                         {"L3:0=7f0\nMB:0=1", false},
                         {"L3", false},
                         {"L3:0", false},
                         {"L3:x=1", false},
                         {"L3:0=zz", false},
                         {"L3:", true},
                         {"", true},
                         {"L3:0=99999999999999999999999", false}}) {
    INFO(row.asked);
    CHECK(schemata_agree(row.asked, found, 10) == row.agrees);
  }
  CHECK_FALSE(schemata_agree("MB:1=21", found));
  CHECK_FALSE(schemata_agree("L3:0=f", "rubbish\n:::\n0=f\n"));
}

TEST_CASE("monitoring is a group of its own below the CLOS", "[resctrl]") {
  FakeResctrl fake;
  ResctrlSetup setup = fake.setup(rdt_of({}, {}, {}, {}, true));
  CHECK(setup.groups().monitor == fake.text() + "/web/mon_groups/web");
  setup.create();
  join_resctrl(setup.groups(), 8);
  CHECK(read_file(fake.root() / "web/tasks") == "8");
  CHECK(read_file(fake.root() / "web/mon_groups/web/tasks") == "8");
  remove_resctrl(setup.groups(), fake.directories());
  CHECK(fake.removed == std::vector<std::string>{fake.text() + "/web/mon_groups/web", fake.text() + "/web"});

  // Somebody else's group of that name is neither used nor removed.
  const fs::path gold = fake.add_clos("gold", "L3:0=f\n");
  fs::create_directories(gold / "mon_groups/web");
  CHECK(error_of([&] { fake.setup(rdt_of("gold", {}, {}, {}, true)); }).find("file exists") !=
        std::string::npos);
}

TEST_CASE("what can't be made is an error with the kernel's words, and is undone", "[resctrl]") {
  FakeResctrl fake;
  fake.refusal = ENOSPC;
  write_file(fake.root() / "info/last_cmd_status", "Out of CLOSIDs\n");
  ResctrlSetup setup = fake.setup(rdt_of({}));
  CHECK(error_of([&] { setup.create(); }).find("(Out of CLOSIDs): no space left on device") !=
        std::string::npos);
  setup.undo();
  CHECK(fake.removed.empty());

  fake.refusal = 0;
  ResctrlSetup shared = fake.setup(rdt_of("gold", "L3:0=f", {}, {}, true));
  shared.create();
  CHECK(fs::exists(fake.root() / "gold/mon_groups/web"));
  shared.undo();
  CHECK_FALSE(fs::exists(fake.root() / "gold"));

  // Unless somebody else has come to use it.
  ResctrlSetup used = fake.setup(rdt_of("gold", "L3:0=f"));
  used.create();
  write_file(fake.root() / "gold/tasks", "77\n");
  used.undo();
  CHECK(fs::exists(fake.root() / "gold"));

  CHECK(error_of([&] { join_resctrl({fake.text(), fake.text() + "/info", false, ""}, 1); }) != "");
  join_resctrl({}, 1);  // no intelRdt: nothing
}

TEST_CASE("update writes both schemata or none", "[resctrl]") {
  FakeResctrl fake;
  const std::string before = "    MB:0=100\n    L3:0=00000000f\n";
  const fs::path gold = fake.add_clos("gold", before);
  const ResctrlGroups groups{fake.text(), gold.string(), false, ""};
  ResctrlUpdate update(groups, "L3:0=3", std::nullopt);
  CHECK(read_file(gold / "schemata").starts_with("L3:0=3\n"));
  update.undo();
  CHECK(read_file(gold / "schemata") == before);
  { ResctrlUpdate both(groups, "L3:0=3", "MB:0=50"); }
  CHECK(read_file(gold / "schemata").starts_with("MB:0=50\n"));
  CHECK(error_of([&] {
          ResctrlUpdate({fake.text(), fake.text() + "/none", false, ""}, "L3:0=3", {});
        }) != "");
}

TEST_CASE("resctrl is found in the mount table", "[resctrl]") {
  CHECK(resctrl_mount_point("") == "");
  CHECK(resctrl_mount_point(
            "24 1 0:22 / /sys rw - sysfs sysfs rw\n"
            "30 24 0:26 / /my\\040resctrl rw,nosuid shared:3 - resctrl resctrl rw,mba_MBps\n") ==
        "/my resctrl");
  CHECK(resctrl_mount_point("30 24 - resctrl resctrl rw\n - resctrl \n") == "");
}

TEST_CASE("figures of a group and of the hardware", "[resctrl]") {
  FakeResctrl fake;
  write_file(fake.root() / "info/L3/cbm_mask", "fffff\n");
  write_file(fake.root() / "info/L3/min_cbm_bits", "1\n");
  write_file(fake.root() / "info/L3/num_closids", "16\n");
  write_file(fake.root() / "info/MB/bandwidth_gran", "10\n");
  write_file(fake.root() / "info/MB/min_bandwidth", "10\n");
  write_file(fake.root() / "info/MB/delay_linear", "1\n");
  write_file(fake.root() / "info/MB/num_closids", "8\n");
  write_file(fake.root() / "schemata", "    MB:0=100\n    L3:0=fffff\n");
  const fs::path gold = fake.add_clos("gold", "    MB:0= 20\n    L3:0=0000f\n");
  const fs::path data = gold / "mon_groups/web/mon_data";
  write_file(data / "mon_L3_00/llc_occupancy", "4096\n");
  write_file(data / "mon_L3_00/mbm_total_bytes", "300\n");
  write_file(data / "mon_L3_00/mbm_local_bytes", "200\n");
  write_file(data / "mon_L3_01/llc_occupancy", "Unavailable\n");
  spec::Stats stats;
  stats.intel_rdt =
      read_resctrl_stats({fake.text(), gold.string(), false, (gold / "mon_groups/web").string()});
  const auto event = test::json::parse(spec::write_stats_event("web", stats))["data"]["intel_rdt"];
  CHECK(event == test::json::parse(R"({
    "l3_cache_info": {"cbm_mask": "fffff", "min_cbm_bits": 1, "num_closids": 16},
    "l3_cache_schema_root": "L3:0=fffff", "l3_cache_schema": "L3:0=0000f",
    "mem_bw_info": {"bandwidth_gran": 10, "delay_linear": 1, "min_bandwidth": 10, "num_closids": 8},
    "mem_bw_schema_root": "MB:0=100", "mem_bw_schema": "MB:0= 20",
    "mbm_stats": [{"mbm_total_bytes": 300, "mbm_local_bytes": 200}],
    "cmt_stats": [{"llc_occupancy": 4096}, {"llc_occupancy": 0}]})"));
  stats.intel_rdt = read_resctrl_stats({fake.text(), fake.text(), false, ""});
  CHECK_FALSE(stats.intel_rdt->cache_occupied);
  CHECK_FALSE(stats.intel_rdt->bandwidth_used);
}
