// Default devices and linux.devices (config-linux.md "Devices", "Default Devices", "Dev symbolic links").
#include <catch2/catch.hpp>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/integration/mount_table.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

struct Default {
  const char* path;
  unsigned major, minor;
};
constexpr Default defaults[] = {{"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
                                {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0}};

void check_default_devices(pid_t pid) {
  for (const Default& row : defaults) {
    INFO(row.path);
    struct stat facts = stat_inside(pid, row.path);
    CHECK(S_ISCHR(facts.st_mode));
    CHECK(facts.st_rdev == makedev(row.major, row.minor));
    CHECK((facts.st_mode & 0777) == 0666);
  }
}

void check_links(pid_t pid) {
  CHECK(fs::read_symlink(inside(pid, "/dev/fd")) == "/proc/self/fd");
  CHECK(fs::read_symlink(inside(pid, "/dev/stdin")) == "/proc/self/fd/0");
  CHECK(fs::read_symlink(inside(pid, "/dev/stdout")) == "/proc/self/fd/1");
  CHECK(fs::read_symlink(inside(pid, "/dev/stderr")) == "/proc/self/fd/2");
  CHECK(fs::read_symlink(inside(pid, "/dev/ptmx")).filename() == "ptmx");
}

void add_device(Bundle& bundle, json device) {
  bundle.config["linux"]["devices"].push_back(device);
  json rule = {{"allow", true}, {"access", "rwm"}};
  for (const char* key : {"major", "minor"})
    if (device.contains(key)) rule[key] = device[key];
  rule["type"] = device["type"] == "b" ? "b" : "c";
  if (device["type"] != "p") bundle.config["linux"]["resources"]["devices"].push_back(rule);
}

}  // namespace

TEST_CASE("the default devices and links are there and belong to root", "[devices]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  check_default_devices(container.pid());
  check_links(container.pid());
  for (const Default& row : defaults) {
    INFO(row.path);
    CHECK(stat_inside(container.pid(), row.path).st_uid == 0);
    CHECK(stat_inside(container.pid(), row.path).st_gid == 0);
  }
  CHECK_FALSE(exists_inside(container.pid(), "/dev/console"));
}

TEST_CASE("the default devices work", "[devices]") {
  Bundle bundle;
  bundle.shell(
      "echo x > /dev/null && head -c 4 /dev/zero | wc -c && head -c 4 /dev/urandom | wc -c; "
      "echo x > /dev/full || echo full; ls /dev/ptmx > /dev/null && echo out >> /dev/stdout");
  Container container(bundle);
  CHECK(container.output() == "4\n4\nfull\nout\n");
}

TEST_CASE("devices and links are made in the image where no /dev is mounted", "[devices]") {
  Bundle bundle;
  for (const char* target : {"/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"}) bundle.remove_mount(target);
  Container container(bundle);
  REQUIRE_OK(container.create());
  check_default_devices(container.pid());
  check_links(container.pid());
  CHECK_FALSE(is_mounted(container.pid(), "/dev"));
}

TEST_CASE("a /dev bound from the host gets nothing", "[devices]") {
  Bundle bundle;
  Path source = bundle.scratch() / "dev";
  fs::create_directory(source);
  REQUIRE(mknod((source / "null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0);
  for (const char* target : {"/dev/pts", "/dev/shm", "/dev/mqueue"}) bundle.remove_mount(target);
  bundle.find_mount("/dev")->update(bind_mount(source, "/dev", {"rbind"}));
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(names_in(source) == std::vector<std::string>{"null"});
}

TEST_CASE("listed devices have their type, numbers, mode and owner", "[devices]") {
  Bundle bundle;
  add_device(bundle, {{"path", "/dev/c"},
                      {"type", "c"},
                      {"major", 10},
                      {"minor", 229},
                      {"fileMode", 0640},
                      {"uid", 12},
                      {"gid", 34}});
  add_device(bundle, {{"path", "/dev/b"}, {"type", "b"}, {"major", 7}, {"minor", 0}, {"fileMode", 0600}});
  add_device(bundle, {{"path", "/dev/p"}, {"type", "p"}, {"fileMode", 0622}, {"uid", 5}, {"gid", 6}});
  add_device(bundle, {{"path", "/dev/u"}, {"type", "u"}, {"major", 1}, {"minor", 5}, {"fileMode", 0444}});
  add_device(bundle,
             {{"path", "/opt/deep/c"}, {"type", "c"}, {"major", 1}, {"minor", 3}, {"fileMode", 0666}});
  add_device(bundle, {{"path", "/dev/sub/c"}, {"type", "c"}, {"major", 1}, {"minor", 7}, {"fileMode", 0606}});
  Container container(bundle);
  REQUIRE_OK(container.create());
  struct Row {
    const char* path;
    mode_t mode;
    dev_t device;
    uid_t uid, gid;
  };
  const Row rows[] = {{"/dev/c", S_IFCHR | 0640, makedev(10, 229), 12, 34},
                      {"/dev/b", S_IFBLK | 0600, makedev(7, 0), 0, 0},
                      {"/dev/p", S_IFIFO | 0622, 0, 5, 6},
                      {"/dev/u", S_IFCHR | 0444, makedev(1, 5), 0, 0},
                      {"/opt/deep/c", S_IFCHR | 0666, makedev(1, 3), 0, 0},
                      {"/dev/sub/c", S_IFCHR | 0606, makedev(1, 7), 0, 0}};
  for (const Row& row : rows) {
    INFO(row.path);
    struct stat facts = stat_inside(container.pid(), row.path);
    CHECK(facts.st_mode == row.mode);
    if (!S_ISFIFO(row.mode)) CHECK(facts.st_rdev == row.device);
    CHECK(facts.st_uid == row.uid);
    CHECK(facts.st_gid == row.gid);
  }
}

TEST_CASE("a device without a mode is open to all", "[devices]") {
  Bundle bundle;
  add_device(bundle, {{"path", "/dev/plain"}, {"type", "c"}, {"major", 1}, {"minor", 5}});
  add_device(
      bundle,
      {{"path", "/dev/bits"}, {"type", "c"}, {"major", 1}, {"minor", 5}, {"fileMode", S_IFCHR | 0640}});
  RunOptions odd;
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK((stat_inside(container.pid(), "/dev/plain").st_mode & 0777) == 0666);
  // Callers hand over st_mode as it is.
  CHECK((stat_inside(container.pid(), "/dev/bits").st_mode & 07777) == 0640);
}

TEST_CASE("a listed device replaces the default of the same path", "[devices]") {
  Bundle bundle;
  add_device(bundle, {{"path", "/dev/full"}, {"type", "c"}, {"major", 1}, {"minor", 7}, {"fileMode", 0600}});
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK((stat_inside(container.pid(), "/dev/full").st_mode & 0777) == 0600);
}

TEST_CASE("a device is as good as its node: it can be opened", "[devices]") {
  Bundle bundle({"/bin/probe", "try", "read", "/dev/copy", "write", "/opt/null"});
  add_device(bundle, {{"path", "/dev/copy"}, {"type", "c"}, {"major", 1}, {"minor", 5}, {"fileMode", 0666}});
  add_device(bundle, {{"path", "/opt/null"}, {"type", "c"}, {"major", 1}, {"minor", 3}, {"fileMode", 0666}});
  Container container(bundle);
  CHECK(container.output() == "ok\nok\n");
}

TEST_CASE("a place that another file occupies is an error with its origin", "[devices]") {
  ONLY_OCX("runc takes whatever is there");
  struct Row {
    const char* what;
    void (*occupy)(const Path&);
  };
  const Row rows[] = {
      {"a file", [](const Path& path) { write_file(path, "x"); }},
      {"a directory", [](const Path& path) { fs::create_directory(path); }},
      {"a link", [](const Path& path) { fs::create_symlink("/dev/zero", path); }},
      {"another device",
       [](const Path& path) { REQUIRE(mknod(path.c_str(), S_IFCHR | 0666, makedev(1, 5)) == 0); }},
      {"a block device of the number",
       [](const Path& path) { REQUIRE(mknod(path.c_str(), S_IFBLK | 0666, makedev(1, 3)) == 0); }}};
  for (const Row& row : rows) {
    INFO(row.what);
    Bundle bundle;
    fs::create_directories(bundle.rootfs() / "opt");
    row.occupy(bundle.rootfs() / "opt/null");
    add_device(bundle, {{"path", "/opt/null"}, {"type", "c"}, {"major", 1}, {"minor", 3}});
    check_refused(bundle, {"/linux/devices/0", "/opt/null"});
  }
}

TEST_CASE("a matching device that is there already is taken", "[devices]") {
  Bundle bundle({"/bin/probe", "try", "write", "/opt/null"});
  fs::create_directories(bundle.rootfs() / "opt");
  REQUIRE(mknod((bundle.rootfs() / "opt/null").c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0);
  add_device(bundle, {{"path", "/opt/null"}, {"type", "c"}, {"major", 1}, {"minor", 3}, {"fileMode", 0666}});
  Container container(bundle);
  CHECK(container.output() == "ok\n");
}

TEST_CASE("in a user namespace devices are bound from the host", "[devices][userns]") {
  Bundle bundle({"/bin/probe", "try", "write", "/dev/null", "read", "/dev/zero", "read", "/opt/zero"});
  bundle.use_user_namespace();
  bundle.config["mounts"].erase(6);  // cgroups are another test's
  add_device(bundle, {{"path", "/opt/zero"}, {"type", "c"}, {"major", 1}, {"minor", 5}});
  bundle.config["linux"]["devices"][0]["path"] = "/dev/zero";
  Container container(bundle);
  Result created = container.create();
  REQUIRE_OK(created);
  check_links(container.pid());
  for (const Default& row : defaults) {
    INFO(row.path);
    CHECK(stat_inside(container.pid(), row.path).st_rdev == makedev(row.major, row.minor));
    CHECK(is_mounted(container.pid(), row.path));
  }
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  CHECK(created.out_now() == "ok\nok\nENOENT\n");
}

TEST_CASE("a FIFO can be had in a user namespace", "[devices][userns]") {
  ONLY_OCX("runc tries to bind it from the host");
  Bundle bundle;
  bundle.use_user_namespace();
  bundle.config["mounts"].erase(6);
  add_device(bundle, {{"path", "/dev/p"}, {"type", "p"}, {"fileMode", 0622}});
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(S_ISFIFO(stat_inside(container.pid(), "/dev/p").st_mode));
}

TEST_CASE("a read-only /dev is filled first", "[devices]") {
  Bundle bundle(
      {"/bin/probe", "try", "create", "/dev/file", "write", "/dev/null", "create", "/dev/shm/file"});
  (*bundle.find_mount("/dev"))["options"].push_back("ro");
  add_device(bundle, {{"path", "/dev/extra"}, {"type", "c"}, {"major", 1}, {"minor", 5}});
  Container container(bundle);
  Result created = container.create();
  REQUIRE_OK(created);
  check_default_devices(container.pid());
  check_links(container.pid());
  CHECK(exists_inside(container.pid(), "/dev/extra"));
  CHECK(mount_on(container.pid(), "/dev").has("ro"));
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  CHECK(created.out_now() == "EROFS\nok\nok\n");
}

TEST_CASE("without /proc there are no links into it", "[devices]") {
  ONLY_OCX("runc makes them although /proc/self/fd does not exist");
  Bundle bundle;
  bundle.remove_mount("/proc");
  bundle.config["linux"]["maskedPaths"] = json::array();
  bundle.config["linux"]["readonlyPaths"] = json::array();
  Container container(bundle);
  REQUIRE_OK(container.create());
  for (const char* link : {"/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr"})
    CHECK_FALSE(exists_inside(container.pid(), link));
  CHECK(fs::is_symlink(inside(container.pid(), "/dev/ptmx")));
}

TEST_CASE("a umask of the caller does not reach devices, mount points or files", "[devices]") {
  Bundle bundle;
  bundle.add_mount(bind_mount(bundle.scratch(), "/made/for/it"));
  add_device(bundle, {{"path", "/opt/null"}, {"type", "c"}, {"major", 1}, {"minor", 3}});
  Container container(bundle);
  mode_t old = umask(0077);
  Result created = container.create();
  umask(old);
  REQUIRE_OK(created);
  check_default_devices(container.pid());
  CHECK((stat_inside(container.pid(), "/opt/null").st_mode & 0777) == 0666);
  if (runtime_is_ocx()) CHECK((stat_inside(container.pid(), "/made").st_mode & 0777) == 0755);
}
