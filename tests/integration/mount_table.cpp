#include "tests/integration/mount_table.hpp"

#include <catch2/catch.hpp>
#include <sys/mount.h>

#include <algorithm>
#include <cstring>
#include <sstream>

namespace fs = std::filesystem;

namespace ocx::test {
namespace {

std::set<std::string> words(const std::string& text) {
  std::set<std::string> list;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, ',');) list.insert(word);
  return list;
}

MountEntry parse_entry(const std::string& line) {
  MountEntry entry;
  std::istringstream stream(line);
  std::string id, parent, options, tag, super;
  stream >> id >> parent >> entry.device >> entry.root >> entry.target >> options;
  while (stream >> tag && tag != "-") entry.propagation.insert(tag.substr(0, tag.find(':')));
  stream >> entry.type >> entry.source >> super;
  entry.options = words(options);
  entry.superblock = words(super);
  return entry;
}

}  // namespace

std::vector<MountEntry> mounts_of(pid_t pid) {
  std::vector<MountEntry> list;
  for (const std::string& line : lines(read_file("/proc/" + std::to_string(pid) + "/mountinfo")))
    list.push_back(parse_entry(line));
  return list;
}

MountEntry mount_on(pid_t pid, const std::string& target) {
  std::vector<MountEntry> list = mounts_of(pid);
  auto found = std::find_if(list.rbegin(), list.rend(),
                            [&](const MountEntry& entry) { return entry.target == target; });
  INFO("a mount on " << target << " in\n" << read_file("/proc/" + std::to_string(pid) + "/mountinfo"));
  REQUIRE(found != list.rend());
  return *found;
}

bool is_mounted(pid_t pid, const std::string& target) {
  std::vector<MountEntry> list = mounts_of(pid);
  return std::any_of(list.begin(), list.end(),
                     [&](const MountEntry& entry) { return entry.target == target; });
}

Path inside(pid_t pid, const std::string& path) {
  return Path("/proc/" + std::to_string(pid) + "/root" + path);
}

struct stat stat_inside(pid_t pid, const std::string& path) {
  struct stat facts {};
  INFO(path);
  REQUIRE(lstat(inside(pid, path).c_str(), &facts) == 0);
  return facts;
}

bool exists_inside(pid_t pid, const std::string& path) {
  return fs::exists(fs::symlink_status(inside(pid, path)));
}

std::vector<std::string> names_in(const Path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

json tmpfs_mount(const std::string& destination, std::vector<std::string> options) {
  return {
      {"destination", destination}, {"type", "tmpfs"}, {"source", "tmpfs"}, {"options", std::move(options)}};
}

json bind_mount(const Path& source, const std::string& destination, std::vector<std::string> options) {
  return {
      {"destination", destination}, {"type", "bind"}, {"source", source}, {"options", std::move(options)}};
}

HostMount::HostMount(const std::string& type, const std::string& source, Path target, unsigned long flags)
    : target_(std::move(target)) {
  fs::create_directories(target_);
  int result = ::mount(source.c_str(), target_.c_str(), type.c_str(), flags, nullptr);
  INFO("mount " << type << " on " << target_ << ": " << strerror(errno));
  REQUIRE(result == 0);
}

HostMount::~HostMount() {
  umount2(target_.c_str(), MNT_DETACH);
}

void HostMount::propagation(unsigned long flags) const {
  REQUIRE(::mount(nullptr, target_.c_str(), nullptr, flags, nullptr) == 0);
}

void check_refused(Bundle& bundle, const std::vector<std::string>& texts) {
  Container container(bundle);
  Result result = container.create();
  INFO(result.describe());
  CHECK(result.status != 0);
  for (const std::string& text : texts) CHECK_THAT(result.err, Catch::Contains(text));
  CHECK(container.leftovers().empty());
}

}  // namespace ocx::test
