#include "spec/mount_options.hpp"

#include <catch2/catch.hpp>
#include <linux/mount.h>

#include <algorithm>
#include <map>
#include <set>

using namespace ocx;
using spec::MountAttributes;
using spec::MountOptions;

namespace {

constexpr std::uint64_t rdonly = 0x1, nosuid = 0x2, nodev = 0x4, noexec = 0x8, all_atime = 0x70,
                        noatime = 0x10, strictatime = 0x20, nodiratime = 0x80, nosymfollow = 0x200000;

MountOptions parse(const std::vector<std::string>& options) {
  return spec::parse_mount_options(options);
}

struct AttributeRow {
  const char* option;
  MountAttributes attributes;
};

// config.md, "Linux mount options", as mount_setattr(2) takes them; the r-forms do the same to the whole
// tree.
const AttributeRow attribute_rows[] = {
    {"ro", {rdonly, 0}},
    {"rw", {0, rdonly}},
    {"nosuid", {nosuid, 0}},
    {"suid", {0, nosuid}},
    {"nodev", {nodev, 0}},
    {"dev", {0, nodev}},
    {"noexec", {noexec, 0}},
    {"exec", {0, noexec}},
    {"nodiratime", {nodiratime, 0}},
    {"diratime", {0, nodiratime}},
    {"nosymfollow", {nosymfollow, 0}},
    {"symfollow", {0, nosymfollow}},
    {"noatime", {noatime, all_atime}},
    {"atime", {0, all_atime}},
    {"relatime", {0, all_atime}},
    {"norelatime", {0, all_atime}},
    {"strictatime", {strictatime, all_atime}},
    {"nostrictatime", {0, all_atime}},
};

struct SuperblockRow {
  const char* option;
  std::uint64_t set, clear;
};

const SuperblockRow superblock_rows[] = {
    {"sync", 16, 0},
    {"async", 0, 16},
    {"dirsync", 128, 0},
    {"mand", 64, 0},
    {"nomand", 0, 64},
    {"iversion", 1U << 23U, 0},
    {"noiversion", 0, 1U << 23U},
    {"lazytime", 1U << 25U, 0},
    {"nolazytime", 0, 1U << 25U},
    {"silent", 1U << 15U, 0},
    {"loud", 0, 1U << 15U},
};

const std::map<std::string, std::uint64_t> propagation_rows = {
    {"shared", MS_SHARED},         {"rshared", MS_SHARED | MS_REC},
    {"slave", MS_SLAVE},           {"rslave", MS_SLAVE | MS_REC},
    {"private", MS_PRIVATE},       {"rprivate", MS_PRIVATE | MS_REC},
    {"unbindable", MS_UNBINDABLE}, {"runbindable", MS_UNBINDABLE | MS_REC},
};

std::vector<std::string> data_of(const MountOptions& options) {
  std::vector<std::string> texts;
  for (const auto& data : options.data) texts.push_back(data.text);
  return texts;
}

}  // namespace

TEST_CASE("attribute options set and clear MOUNT_ATTR bits of this mount", "[mount_options]") {
  for (const auto& [option, attributes] : attribute_rows) {
    INFO(option);
    const MountOptions parsed = parse({option});
    CHECK(parsed.attributes == attributes);
    CHECK(parsed.recursive_attributes.empty());
    CHECK(parsed.superblock_set == 0);
    CHECK(parsed.data.empty());
  }
}

TEST_CASE("the r-forms do the same to the whole tree", "[mount_options]") {
  for (const auto& [option, attributes] : attribute_rows) {
    const std::string recursive = std::string("r") + option;
    INFO(recursive);
    const MountOptions parsed = parse({recursive});
    CHECK(parsed.recursive_attributes == attributes);
    CHECK(parsed.attributes.empty());
    CHECK(parsed.data.empty());
  }
}

TEST_CASE("superblock options are MS_ flags and no attributes", "[mount_options]") {
  for (const auto& [option, set, clear] : superblock_rows) {
    INFO(option);
    const MountOptions parsed = parse({option});
    CHECK(parsed.superblock_set == set);
    CHECK(parsed.superblock_clear == clear);
    CHECK(parsed.attributes.empty());
    CHECK(parsed.data.empty());
  }
}

TEST_CASE("propagation options keep their order", "[mount_options]") {
  for (const auto& [option, flags] : propagation_rows) {
    INFO(option);
    CHECK(parse({option}).propagation == std::vector<std::uint64_t>{flags});
  }
  CHECK(parse({"rslave", "shared"}).propagation == std::vector<std::uint64_t>{MS_SLAVE | MS_REC, MS_SHARED});
}

TEST_CASE("bind, rbind, remount, defaults", "[mount_options]") {
  const MountOptions bind = parse({"bind"});
  CHECK(bind.bind);
  CHECK_FALSE(bind.recursive_bind);
  const MountOptions rbind = parse({"rbind"});
  CHECK(rbind.bind);
  CHECK(rbind.recursive_bind);
  CHECK(parse({"remount"}).remount);
  const MountOptions defaults = parse({"defaults"});
  CHECK(defaults.data.empty());
  CHECK(defaults.attributes.empty());
  CHECK_FALSE(defaults.bind);
}

TEST_CASE("options of other runtimes: tmpcopyup, copy-symlink, src-nofollow, dest-nofollow",
          "[mount_options]") {
  CHECK(parse({"tmpcopyup"}).tmpcopyup);
  CHECK(parse({"copy-symlink"}).copy_symlink);
  CHECK(parse({"src-nofollow"}).src_nofollow);
  CHECK(parse({"dest-nofollow"}).dest_nofollow);
  const MountOptions none = parse({"bind"});
  CHECK_FALSE((none.tmpcopyup || none.copy_symlink || none.src_nofollow || none.dest_nofollow));
}

TEST_CASE("idmap and ridmap, plain and with crun's inline mapping", "[mount_options]") {
  const MountOptions plain = parse({"idmap"});
  CHECK(plain.idmap);
  CHECK_FALSE(plain.idmap_recursive);
  CHECK(plain.idmap_arguments.empty());
  CHECK(parse({"ridmap"}).idmap_recursive);
  CHECK(parse({"ridmap"}).idmap);
  const MountOptions with = parse({"idmap=uids=0-1000-1;gids=0-1000-1"});
  CHECK(with.idmap);
  CHECK(with.idmap_arguments == "uids=0-1000-1;gids=0-1000-1");
  CHECK(with.data.empty());
  CHECK(parse({"ridmap=uids=@0-0-1"}).idmap_recursive);
}

TEST_CASE("what is no option of the table is data, with its place", "[mount_options]") {
  const MountOptions parsed =
      parse({"nosuid", "size=1m", "ro", "mode=755", "acl", "", "RO", "ro=1", "bind "});
  CHECK(data_of(parsed) == std::vector<std::string>{"size=1m", "mode=755", "acl", "", "RO", "ro=1", "bind "});
  CHECK(parsed.data[0].index == 1);
  CHECK(parsed.data[1].index == 3);
  CHECK(parsed.attributes == MountAttributes{nosuid | rdonly, 0});
}

TEST_CASE("the later option wins", "[mount_options]") {
  CHECK(parse({"ro", "rw"}).attributes == MountAttributes{0, rdonly});
  CHECK(parse({"rw", "ro"}).attributes == MountAttributes{rdonly, 0});
  CHECK(parse({"rro", "rrw"}).recursive_attributes == MountAttributes{0, rdonly});
  CHECK(parse({"sync", "async"}).superblock_set == 0);
  CHECK(parse({"sync", "async"}).superblock_clear == 16);
  CHECK(parse({"noatime", "strictatime"}).attributes == MountAttributes{strictatime, all_atime});
  CHECK(parse({"strictatime", "relatime"}).attributes == MountAttributes{0, all_atime});
  // One atime option undoes only its own mode.
  CHECK(parse({"noatime", "atime"}).attributes == MountAttributes{0, all_atime});
  CHECK(parse({"strictatime", "atime"}).attributes == MountAttributes{strictatime, all_atime});
  CHECK(parse({"noatime", "nostrictatime"}).attributes == MountAttributes{noatime, all_atime});
  CHECK(parse({"strictatime", "nostrictatime"}).attributes == MountAttributes{0, all_atime});
  // The tree's attributes are another thing than the mount's own.
  const MountOptions both = parse({"rro", "rw"});
  CHECK(both.recursive_attributes == MountAttributes{rdonly, 0});
  CHECK(both.attributes == MountAttributes{0, rdonly});
}

TEST_CASE("combinations engines use", "[mount_options]") {
  const MountOptions dev = parse({"nosuid", "strictatime", "mode=755", "size=65536k"});
  CHECK(dev.attributes == MountAttributes{nosuid | strictatime, all_atime});
  CHECK(data_of(dev) == std::vector<std::string>{"mode=755", "size=65536k"});
  const MountOptions volume = parse({"rbind", "rprivate", "ro", "nodiratime", "relatime"});
  CHECK(volume.attributes == MountAttributes{rdonly | nodiratime, all_atime});
  CHECK(volume.propagation == std::vector<std::uint64_t>{MS_PRIVATE | MS_REC});
}

TEST_CASE("mount_option_names lists what is executed, each once, sorted, and no data", "[mount_options]") {
  const auto names = spec::mount_option_names();
  CHECK(std::is_sorted(names.begin(), names.end()));
  CHECK(std::set<std::string_view>(names.begin(), names.end()).size() == names.size());
  CHECK(names.size() == 65);
  const auto has = [&names](std::string_view name) {
    return std::count(names.begin(), names.end(), name) == 1;
  };
  for (const auto& row : attribute_rows) CHECK((has(row.option) && has(std::string("r") + row.option)));
  for (const auto& row : superblock_rows) CHECK(has(row.option));
  for (const auto& [name, flags] : propagation_rows) CHECK(has(name));
  for (const char* name : {"bind", "rbind", "remount", "defaults", "tmpcopyup"}) CHECK(has(name));
  CHECK((has("idmap") && has("ridmap")));
  for (const std::string_view name : names) CHECK(parse({std::string(name)}).data.empty());
}
