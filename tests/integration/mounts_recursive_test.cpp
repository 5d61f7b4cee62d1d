// Recursive mount options (config.md, "Linux mount options", mount_setattr(2) with AT_RECURSIVE).
#include <catch2/catch.hpp>
#include <sys/mount.h>

#include "tests/integration/mount_table.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

constexpr unsigned long no_symlinks = 256;  // MS_NOSYMFOLLOW, not in older headers
constexpr unsigned long every_flag =
    MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | no_symlinks;

// Two tmpfs, one on a directory of the other.
class Tree {
 public:
  Tree(const Path& at, unsigned long flags)
      : outer_("tmpfs", "outer", at), inner_("tmpfs", "inner", at / "inner") {
    for (const HostMount* level : {&outer_, &inner_})
      REQUIRE(mount(nullptr, level->path().c_str(), nullptr, MS_REMOUNT | MS_BIND | flags, nullptr) == 0);
  }
  const Path& path() const { return outer_.path(); }

 private:
  HostMount outer_, inner_;
};

struct Row {
  const char* option;
  enum Start { plain, flagged, strict } start;
  std::set<std::string> present, absent;  // on both levels
  bool in_runc = true;
};

const std::vector<Row> rows = {{"rro", Row::plain, {"ro"}, {"nosuid", "nodev", "noexec"}},
                               {"rrw", Row::flagged, {"rw", "nosuid", "nodev"}, {"ro"}},
                               {"rnosuid", Row::plain, {"nosuid", "rw"}, {"nodev"}},
                               {"rsuid", Row::flagged, {"ro", "nodev"}, {"nosuid"}},
                               {"rnoexec", Row::plain, {"noexec", "rw"}, {"nodev"}},
                               {"rexec", Row::flagged, {"ro", "nodev"}, {"noexec"}},
                               {"rnodev", Row::plain, {"nodev", "rw"}, {"nosuid"}},
                               {"rdev", Row::flagged, {"ro", "nosuid"}, {"nodev"}},
                               {"rnodiratime", Row::plain, {"nodiratime", "relatime"}, {}},
                               {"rdiratime", Row::flagged, {"ro", "noatime"}, {"nodiratime"}},
                               {"rrelatime", Row::flagged, {"relatime"}, {"noatime"}},
                               {"rnorelatime", Row::plain, {}, {"noatime"}},
                               {"rnoatime", Row::plain, {"noatime"}, {"relatime"}},
                               {"ratime", Row::flagged, {"relatime"}, {"noatime"}, false},
                               {"rstrictatime", Row::flagged, {"ro"}, {"noatime", "relatime"}},
                               {"rnostrictatime", Row::strict, {"relatime"}, {"noatime"}, false},
                               {"rnosymfollow", Row::plain, {"nosymfollow"}, {"ro"}, false},
                               {"rsymfollow", Row::flagged, {"ro", "nosuid"}, {"nosymfollow"}, false}};

void check_level(const Row& row, pid_t pid, const std::string& target) {
  MountEntry entry = mount_on(pid, target);
  INFO(row.option << " gave " << target << " " << json(entry.options));
  for (const std::string& word : row.present) CHECK(entry.has(word));
  for (const std::string& word : row.absent) CHECK_FALSE(entry.has(word));
}

}  // namespace

TEST_CASE("every recursive option changes both levels of a tree", "[mounts_recursive]") {
  Bundle bundle;
  Tree plain(bundle.scratch() / "plain", 0), flagged(bundle.scratch() / "flagged", every_flag),
      strict(bundle.scratch() / "strict", MS_STRICTATIME);
  for (const Row& row : rows) {
    if (!row.in_runc && !runtime_is_ocx()) continue;
    const Tree& tree = row.start == Row::plain ? plain : row.start == Row::flagged ? flagged : strict;
    bundle.add_mount(bind_mount(tree.path(), std::string("/t/") + row.option, {"rbind", row.option}));
  }
  Container container(bundle);
  REQUIRE_OK(container.create());
  for (const Row& row : rows) {
    if (!row.in_runc && !runtime_is_ocx()) continue;
    check_level(row, container.pid(), std::string("/t/") + row.option);
    check_level(row, container.pid(), std::string("/t/") + row.option + "/inner");
  }
}

TEST_CASE("rbind with ro makes the top read-only and nothing below it", "[mounts_recursive]") {
  Bundle bundle({"/bin/probe", "try", "create", "/tree/file", "create", "/tree/inner/file"});
  Tree tree(bundle.scratch() / "tree", 0);
  bundle.add_mount(bind_mount(tree.path(), "/tree", {"rbind", "ro"}));
  Container container(bundle);
  CHECK(container.output() == "EROFS\nok\n");
}

TEST_CASE("rbind with rro makes all of it read-only", "[mounts_recursive][contract]") {
  Bundle bundle({"/bin/probe", "try", "create", "/tree/file", "create", "/tree/inner/file"});
  Tree tree(bundle.scratch() / "tree", 0);
  bundle.add_mount(bind_mount(tree.path(), "/tree", {"rbind", "rro"}));
  Container container(bundle);
  CHECK(container.output() == "EROFS\nEROFS\n");
  // The source is as writable as before.
  write_file(tree.path() / "inner/host", "x");
  CHECK(fs::exists(tree.path() / "inner/host"));
}

TEST_CASE("a later recursive option takes back an earlier one", "[mounts_recursive]") {
  ONLY_OCX("runc lets what sets a flag win over what clears it");
  Bundle bundle;
  Tree tree(bundle.scratch() / "tree", 0);
  bundle.add_mount(bind_mount(tree.path(), "/tree", {"rbind", "rro", "rrw", "rnosuid"}));
  Container container(bundle);
  REQUIRE_OK(container.create());
  for (const char* level : {"/tree", "/tree/inner"}) {
    CHECK(mount_on(container.pid(), level).has("rw"));
    CHECK(mount_on(container.pid(), level).has("nosuid"));
  }
}

TEST_CASE("recursive and plain options act together", "[mounts_recursive]") {
  Bundle bundle;
  Tree tree(bundle.scratch() / "tree", 0);
  bundle.add_mount(bind_mount(tree.path(), "/tree", {"rbind", "noexec", "rnosuid"}));
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(mount_on(container.pid(), "/tree").has("noexec"));
  CHECK(mount_on(container.pid(), "/tree").has("nosuid"));
  CHECK_FALSE(mount_on(container.pid(), "/tree/inner").has("noexec"));
  CHECK(mount_on(container.pid(), "/tree/inner").has("nosuid"));
}
