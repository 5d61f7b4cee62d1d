// The option table of config.md, "Linux mount options": each is read back from mountinfo in the container.
#include <catch2/catch.hpp>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "tests/integration/mount_table.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

enum Scope { everywhere, ocx_only };

struct Row {
  std::vector<std::string> options;
  std::set<std::string> present, absent;  // of the mount's options, or the superblock's
  Scope scope = everywhere;
};

void check_row(const Row& row, const MountEntry& entry) {
  std::set<std::string> all = entry.options;
  all.insert(entry.superblock.begin(), entry.superblock.end());
  INFO("options " << json(row.options) << " gave " << json(entry.options) << " and "
                  << json(entry.superblock));
  for (const std::string& word : row.present) CHECK(all.count(word) == 1);
  for (const std::string& word : row.absent) CHECK(all.count(word) == 0);
}

std::string place(size_t index) {
  return "/o/" + std::to_string(index);
}

// One container for the whole table: `make` turns a row into a mount.
template <class Make>
void check_table(Bundle& bundle, const std::vector<Row>& rows, Make make) {
  std::vector<bool> used;
  for (size_t i = 0; i < rows.size(); ++i) {
    used.push_back(rows[i].scope == everywhere || runtime_is_ocx());
    if (used[i]) bundle.add_mount(make(rows[i], place(i)));
  }
  Container container(bundle);
  REQUIRE_OK(container.create());
  for (size_t i = 0; i < rows.size(); ++i)
    if (used[i]) check_row(rows[i], mount_on(container.pid(), place(i)));
}

}  // namespace

TEST_CASE("every option works on a new tmpfs", "[mount_options]") {
  const std::vector<Row> rows = {
      {{}, {"rw", "relatime"}, {"nosuid", "nodev", "noexec", "sync", "dirsync", "lazytime", "nosymfollow"}},
      {{"defaults"}, {"rw", "relatime"}, {"nosuid", "nodev", "noexec"}, ocx_only},
      {{"ro"}, {"ro"}, {}},
      {{"ro", "rw"}, {"rw"}, {"ro"}},
      {{"rw", "ro"}, {"ro"}, {}},
      {{"nosuid"}, {"nosuid"}, {}},
      {{"nosuid", "suid"}, {}, {"nosuid"}},
      {{"nodev"}, {"nodev"}, {}},
      {{"nodev", "dev"}, {}, {"nodev"}},
      {{"noexec"}, {"noexec"}, {}},
      {{"noexec", "exec"}, {}, {"noexec"}},
      {{"sync"}, {"sync"}, {}},
      {{"sync", "async"}, {}, {"sync"}},
      {{"dirsync"}, {"dirsync"}, {}},
      {{"noatime"}, {"noatime"}, {"relatime"}},
      {{"noatime", "atime"}, {"relatime"}, {"noatime"}},
      {{"nodiratime"}, {"nodiratime"}, {}},
      {{"nodiratime", "diratime"}, {}, {"nodiratime"}},
      {{"relatime"}, {"relatime"}, {}},
      {{"relatime", "norelatime"}, {}, {"noatime"}},
      {{"strictatime"}, {}, {"relatime", "noatime"}},
      {{"strictatime", "nostrictatime"}, {"relatime"}, {}},
      {{"iversion"}, {}, {}},
      {{"iversion", "noiversion"}, {}, {}},
      {{"lazytime"}, {"lazytime"}, {}, ocx_only},
      {{"lazytime", "nolazytime"}, {}, {"lazytime"}, ocx_only},
      {{"silent"}, {}, {"silent"}, ocx_only},
      {{"silent", "loud"}, {}, {"silent", "loud"}, ocx_only},
      {{"nosymfollow"}, {"nosymfollow"}, {}, ocx_only},
      {{"nosymfollow", "symfollow"}, {}, {"nosymfollow"}, ocx_only},
      {{"ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime", "sync", "size=1m", "mode=700"},
       {"ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime", "sync", "size=1024k", "mode=700"},
       {"relatime"}}};
  Bundle bundle;
  check_table(bundle, rows,
              [](const Row& row, const std::string& at) { return tmpfs_mount(at, row.options); });
}

TEST_CASE("options set flags on a bind mount", "[mount_options]") {
  const std::vector<Row> rows = {{{}, {"rw", "relatime"}, {"nosuid", "nodev", "noexec", "nosymfollow"}},
                                 {{"ro"}, {"ro"}, {"nosuid", "nodev", "noexec"}},
                                 {{"ro", "rw"}, {"rw"}, {}},
                                 {{"nosuid"}, {"nosuid"}, {"nodev", "noexec"}},
                                 {{"nodev"}, {"nodev"}, {"nosuid", "noexec"}},
                                 {{"noexec"}, {"noexec"}, {"nosuid", "nodev"}},
                                 {{"noatime"}, {"noatime"}, {"relatime"}},
                                 {{"nodiratime"}, {"nodiratime"}, {}},
                                 {{"relatime"}, {"relatime"}, {}},
                                 {{"strictatime"}, {}, {"relatime", "noatime"}},
                                 {{"nosymfollow"}, {"nosymfollow"}, {}, ocx_only},
                                 {{"defaults"}, {"rw", "relatime"}, {}, ocx_only},
                                 {{"ro", "nosuid", "nodev", "noexec", "noatime"},
                                  {"ro", "nosuid", "nodev", "noexec", "noatime"},
                                  {"relatime"}},
                                 {{"rprivate", "ro", "nosuid"}, {"ro", "nosuid"}, {}}};
  Bundle bundle;
  HostMount source("tmpfs", "source", bundle.scratch() / "source");
  check_table(bundle, rows, [&](const Row& row, const std::string& at) {
    std::vector<std::string> options = row.options;
    options.insert(options.begin() + (options.empty() ? 0 : 1), "bind");
    return bind_mount(source.path(), at, options);
  });
  // The host's mount has kept its own flags.
  for (const std::string& line : host_mounts_with(source.path()))
    CHECK_THAT(line, Catch::Contains(" rw,relatime"));
}

TEST_CASE("options clear flags that a bind mount has from its source", "[mount_options]") {
  ONLY_OCX("runc 1.1 remounts a bind mount only when a flag is to be set");
  const std::vector<Row> rows = {{{}, {"ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime"}, {}},
                                 {{"rw"}, {"rw", "nosuid"}, {"ro"}},
                                 {{"suid"}, {"ro", "nodev"}, {"nosuid"}},
                                 {{"dev"}, {"ro", "nosuid"}, {"nodev"}},
                                 {{"exec"}, {"ro", "nosuid"}, {"noexec"}},
                                 {{"atime"}, {"ro", "relatime"}, {"noatime"}},
                                 {{"relatime"}, {"ro", "relatime"}, {"noatime"}},
                                 {{"strictatime"}, {"ro"}, {"noatime", "relatime"}},
                                 {{"diratime"}, {"ro"}, {"nodiratime"}},
                                 {{"symfollow"}, {"ro"}, {"nosymfollow"}}};
  Bundle bundle;
  constexpr unsigned long all =
      MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | 256 /* MS_NOSYMFOLLOW */;
  HostMount source("tmpfs", "source", bundle.scratch() / "source");
  REQUIRE(mount(nullptr, source.path().c_str(), nullptr, MS_REMOUNT | MS_BIND | all, nullptr) == 0);
  check_table(bundle, rows, [&](const Row& row, const std::string& at) {
    std::vector<std::string> options = row.options;
    options.push_back("bind");
    return bind_mount(source.path(), at, options);
  });
}

TEST_CASE("flags the source has and no option names stay on a bind mount", "[mount_options]") {
  ONLY_OCX("runc 1.1 drops flags of the source when it remounts, unless it is in a user namespace");
  Bundle bundle;
  HostMount source("tmpfs", "source", bundle.scratch() / "source", MS_NODEV | MS_NOSUID);
  bundle.add_mount(bind_mount(source.path(), "/data", {"bind", "noexec"}));
  Container container(bundle);
  REQUIRE_OK(container.create());
  check_row({{}, {"nodev", "nosuid", "noexec"}, {}}, mount_on(container.pid(), "/data"));
}

TEST_CASE("flags of mounts are in force, not only listed", "[mount_options]") {
  Bundle bundle({"/bin/probe", "try", "create", "/ro/file", "exec", "/noexec/true", "read", "/nodev/zero",
                 "exec", "/plain/true", "read", "/plain/zero"});
  Path source = bundle.scratch() / "source";
  fs::create_directory(source);
  fs::copy(bundle.rootfs() / "bin/busybox", source / "true");
  REQUIRE(mknod((source / "zero").c_str(), S_IFCHR | 0666, makedev(1, 5)) == 0);
  for (const char* option : {"ro", "noexec", "nodev"})
    bundle.add_mount(bind_mount(source, std::string("/") + option, {"bind", option}));
  bundle.add_mount(bind_mount(source, "/plain"));
  Container container(bundle);
  CHECK(container.output() == "EROFS\nEACCES\nEACCES\nok\nok\n");
}

TEST_CASE("nosymfollow is in force", "[mount_options]") {
  ONLY_OCX("runc 1.1 does not know nosymfollow");
  Bundle bundle({"/bin/probe", "try", "open", "/data/link", "open", "/data/file"});
  write_file(bundle.scratch() / "source/file", "x");
  fs::create_symlink("file", bundle.scratch() / "source/link");
  bundle.add_mount(bind_mount(bundle.scratch() / "source", "/data", {"bind", "nosymfollow"}));
  Container container(bundle);
  CHECK(container.output() == "ELOOP\nok\n");
}

TEST_CASE("remount changes what an earlier mount has made", "[mount_options][remount]") {
  Bundle bundle;
  bundle.add_mount(tmpfs_mount("/data", {"nosuid", "mode=755"}));
  bundle.add_mount({{"destination", "/data"},
                    {"type", "tmpfs"},
                    {"source", "tmpfs"},
                    {"options", {"remount", "ro", "noexec", "nosuid"}}});
  Container container(bundle);
  REQUIRE_OK(container.create());
  check_row({{}, {"ro", "noexec", "nosuid"}, {}}, mount_on(container.pid(), "/data"));
  int mounts = 0;
  for (const MountEntry& entry : mounts_of(container.pid())) mounts += entry.target == "/data" ? 1 : 0;
  CHECK(mounts == 1);
}

TEST_CASE("a bind remount makes the bind read-only and leaves the source as it is",
          "[mount_options][remount]") {
  Bundle bundle({"/bin/probe", "try", "create", "/data/file"});
  fs::create_directory(bundle.scratch() / "source");
  bundle.add_mount(bind_mount(bundle.scratch() / "source", "/data"));
  bundle.add_mount(bind_mount(bundle.scratch() / "source", "/data", {"bind", "remount", "ro"}));
  Container container(bundle);
  CHECK(container.output() == "EROFS\n");
  write_file(bundle.scratch() / "source/later", "host can write");
  CHECK(fs::exists(bundle.scratch() / "source/later"));
}

TEST_CASE("an unknown option reaches the file system, whose refusal names it and its place",
          "[mount_options]") {
  Bundle bundle;
  bundle.add_mount(tmpfs_mount("/data", {"nosuid", "sizee=1m"}));
  if (runtime_is_ocx())
    check_refused(bundle, {"sizee=1m", "/mounts/7/options/1", "/data"});
  else
    check_refused(bundle, {"/data"});
}

TEST_CASE("a file system option on a bind mount has no effect", "[mount_options]") {
  Bundle bundle({"/bin/true"});
  bundle.add_mount(bind_mount(bundle.scratch(), "/data", {"rbind", "mode=755", "ro", "size=1k"}));
  Container container(bundle);
  const Result created = container.create();
  REQUIRE_OK(created);
  CHECK(mount_on(container.pid(), "/data").options.count("ro") == 1);
  if (!runtime_is_ocx()) return;
  CHECK(contains(created.err, "level=warning"));
  CHECK(contains(created.err, "/mounts/7/options/1"));
  CHECK(contains(created.err, "size=1k"));
}
