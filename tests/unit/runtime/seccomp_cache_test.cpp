// The cache of compiled filters: its key, its files, what is done with strange ones.
#include "runtime/seccomp_cache.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

#include "runtime/seccomp.hpp"
#include "sys/file.hpp"
#include "tests/unit/runtime/seccomp_profiles.hpp"
#include "tests/unit/runtime/state_directory.hpp"

using namespace ocx;
using namespace ocx::test;
using runtime::SeccompCache;
using runtime::SeccompFile;
namespace fs = std::filesystem;

namespace {

spec::Seccomp profile_of(const std::string& name = "getcwd") {
  spec::Seccomp profile;
  profile.architectures = {"SCMP_ARCH_X86"};
  profile.syscalls = {
      rule({name, "read"}, SeccompAction::errno_, {{1, 2, 3, SeccompOperator::masked_eq}}, 5)};
  return profile;
}

std::string stored(const runtime::StateDirectory& directory, const std::string& name = "getcwd") {
  return runtime::stored_seccomp(directory, [&name] { return profile_of(name); }, {});
}

/// A state root with two containers, and what is in the cache.
struct Root {
  StateRoot root;
  runtime::StateDirectory first = runtime::StateDirectory::reserve(root.globals(), "first");
  runtime::StateDirectory second = runtime::StateDirectory::reserve(root.globals(), "second");
  fs::path cache() const { return fs::path(root.globals().root) / SeccompCache::directory_name; }
  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    if (fs::exists(cache()))
      for (const auto& entry : fs::directory_iterator(cache())) found.push_back(entry.path());
    return found;
  }
};

std::string content(const fs::path& path) {
  return sys::read_file(sys::FdRef::cwd(), path);
}

void overwrite(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

const std::string program(std::size_t instructions = 3, char fill = '\x06') {
  return std::string(instructions * sizeof(sock_filter), fill);
}

}  // namespace

TEST_CASE("seccomp: the key tells all profiles apart", "[seccomp]") {
  using Change = std::function<void(spec::Seccomp&)>;
  const std::vector<Change> changes = {
      [](auto&) {},
      [](auto& p) { p.default_action = SeccompAction::trap; },
      [](auto& p) { p.default_errno_ret = 0; },
      [](auto& p) { p.default_errno_ret = 1; },
      [](auto& p) { p.architectures.clear(); },
      [](auto& p) { p.architectures = {"SCMP_ARCH_X32"}; },
      [](auto& p) {
        p.architectures = {"SCMP_ARCH_X8", "6"};
      },
      [](auto& p) { p.flags = 0; },
      [](auto& p) { p.flags = 2; },
      [](auto& p) { p.syscalls[0].names = {"getcwdread"}; },
      [](auto& p) {
        p.syscalls[0].names = {"getcw", "dread"};
      },
      [](auto& p) {
        p.syscalls[0].names = {"read", "getcwd"};
      },
      [](auto& p) { p.syscalls[0].action = SeccompAction::trace; },
      [](auto& p) { p.syscalls[0].errno_ret = {}; },
      [](auto& p) { p.syscalls[0].errno_ret = 0; },
      [](auto& p) { p.syscalls[0].errno_ret = 6; },
      [](auto& p) { p.syscalls[0].args.clear(); },
      [](auto& p) { p.syscalls[0].args[0].index = 2; },
      [](auto& p) { p.syscalls[0].args[0].value = 1; },
      [](auto& p) { p.syscalls[0].args[0].value_two = 1; },
      [](auto& p) { p.syscalls[0].args[0].op = SeccompOperator::eq; },
      [](auto& p) { p.syscalls.push_back(rule({"read"}, SeccompAction::allow)); },
      [](auto& p) {
        p.syscalls = {rule({"getcwd"}, SeccompAction::allow), rule({"read"}, SeccompAction::allow)};
      },
      [](auto& p) { p.syscalls.clear(); },
  };
  std::set<std::string> keys;
  for (const Change& change : changes) {
    spec::Seccomp profile = profile_of();
    change(profile);
    keys.insert(runtime::seccomp_key(profile, false));
    keys.insert(runtime::seccomp_key(profile, true));
  }
  CHECK(keys.size() == 2 * changes.size());
  // Who listens does not change the filter.
  spec::Seccomp profile = profile_of();
  profile.listener_path = "/agent";
  profile.listener_metadata = "m";
  CHECK(runtime::seccomp_key(profile, false) == runtime::seccomp_key(profile_of(), false));
}

TEST_CASE("seccomp: every damage of a file shows", "[seccomp]") {
  const SeccompFile file{"a key", program()};
  const std::string bytes = runtime::write_seccomp_file(file);
  const auto parsed = runtime::parse_seccomp_file(bytes);
  REQUIRE(parsed);
  CHECK(parsed->key == file.key);
  CHECK(parsed->program == file.program);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    INFO("byte " << i);
    CHECK_FALSE(runtime::parse_seccomp_file(damaged));
    CHECK_FALSE(runtime::parse_seccomp_file(bytes.substr(0, i)));
  }
  CHECK_FALSE(runtime::parse_seccomp_file(bytes + "x"));
  CHECK_FALSE(runtime::parse_seccomp_file(runtime::write_seccomp_file({"key", ""})));
  CHECK_FALSE(runtime::parse_seccomp_file(runtime::write_seccomp_file({"key", program() + "x"})));
  CHECK(runtime::parse_seccomp_file(runtime::write_seccomp_file({"key", program(4096)})));
  CHECK_FALSE(runtime::parse_seccomp_file(runtime::write_seccomp_file({"key", program(4097)})));
}

TEST_CASE("seccomp: what was compiled once is found again", "[seccomp]") {
  Root root;
  CHECK_FALSE(runtime::cached_seccomp(root.first, profile_of(), {}));
  const std::string compiled = runtime::compile_seccomp(root.first, profile_of(), {});
  CHECK(runtime::cached_seccomp(root.second, profile_of(), {}) == compiled);
  CHECK_FALSE(runtime::cached_seccomp(root.second, profile_of("gettid"), {}));
  for (const auto* directory : {&root.first, &root.second})
    CHECK(stored(*directory, "gettid") == compiled);  // from its own file
  struct stat status {};
  REQUIRE(::stat(root.cache().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0700);
  REQUIRE(root.files().size() == 1);
  REQUIRE(::stat(root.files()[0].c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(runtime::container_ids(root.root.globals()) == std::vector<std::string>{"first", "second"});
  CHECK_THROWS(runtime::check_id(SeccompCache::directory_name));
  // Nothing else belongs to the containers: both go.
  root.first.erase();
  root.second.erase();
  CHECK(runtime::container_ids(root.root.globals()).empty());
}

TEST_CASE("seccomp: a file of the cache that can't be trusted is compiled anew", "[seccomp]") {
  const std::string other =
      runtime::write_seccomp_file({runtime::seccomp_key(profile_of("gettid"), false), program()});
  using Attack = std::function<void(const fs::path&)>;
  const std::pair<const char*, Attack> attacks[] = {
      {"cut", [](const fs::path& file) { fs::resize_file(file, 40); }},
      {"empty", [](const fs::path& file) { fs::resize_file(file, 0); }},
      {"flipped",
       [](const fs::path& file) {
         std::string bytes = content(file);
         bytes.back() = static_cast<char>(bytes.back() ^ 1);
         overwrite(file, bytes);
       }},
      {"of another profile with the same name", [&](const fs::path& file) { overwrite(file, other); }},
      {"writable by others", [](const fs::path& file) { ::chmod(file.c_str(), 0606); }},
      {"writable by the group", [](const fs::path& file) { ::chmod(file.c_str(), 0620); }},
      {"of another owner", [](const fs::path& file) { REQUIRE(::chown(file.c_str(), 65534, 0) == 0); }},
      {"huge", [](const fs::path& file) { fs::resize_file(file, SeccompCache::largest_file + 1); }},
      {"a link",
       [](const fs::path& file) {
         fs::rename(file, file.parent_path() / "aside");
         fs::create_symlink("aside", file);
       }},
      {"a fifo",
       [](const fs::path& file) {
         fs::remove(file);
         ::mkfifo(file.c_str(), 0600);
       }},
  };
  for (const auto& [name, attack] : attacks) {
    INFO(name);
    Root root;
    const std::string compiled = runtime::compile_seccomp(root.first, profile_of(), {});
    const fs::path file = root.files().at(0);
    attack(file);
    CHECK_FALSE(runtime::cached_seccomp(root.second, profile_of(), {}));
    CHECK(runtime::compile_seccomp(root.second, profile_of(), {}) == compiled);
    struct stat status {};
    REQUIRE(::lstat(file.c_str(), &status) == 0);
    CHECK(S_ISREG(status.st_mode));
    const auto third = runtime::StateDirectory::reserve(root.root.globals(), "third");
    CHECK(runtime::cached_seccomp(third, profile_of(), {}) == compiled);
    CHECK(stored(root.first, "gettid") == compiled);  // not touched by any of it
  }
}

TEST_CASE("seccomp: a cache directory that can't be trusted is not used", "[seccomp]") {
  for (const char* what : {"link", "open to others", "of another owner", "file"}) {
    INFO(what);
    Root root;
    const std::string kind = what;
    const fs::path aside = fs::path(root.root.globals().root) / "aside";
    if (kind == "link") {
      fs::create_directory(aside);
      fs::create_symlink(aside, root.cache());
    } else if (kind == "file") {
      overwrite(root.cache(), "");
    } else {
      fs::create_directory(root.cache());
      ::chmod(root.cache().c_str(), kind == "open to others" ? 0777 : 0700);
      if (kind == "of another owner") REQUIRE(::chown(root.cache().c_str(), 65534, 0) == 0);
    }
    const std::string compiled = runtime::compile_seccomp(root.first, profile_of(), {});
    CHECK_FALSE(compiled.empty());
    CHECK_FALSE(runtime::cached_seccomp(root.second, profile_of(), {}));
    if (kind == "link") CHECK(fs::is_empty(aside));
    if (kind != "file" && kind != "link") CHECK(root.files().empty());
  }
}

TEST_CASE("seccomp: the cache stays small", "[seccomp]") {
  Root root;
  SeccompCache cache(root.first.fd());
  for (std::size_t i = 0; i < SeccompCache::most_files + 10; ++i) {
    cache.store({"key " + std::to_string(i), program()});
    CHECK(cache.find("key " + std::to_string(i)) == program());
  }
  CHECK(root.files().size() == SeccompCache::most_files);
  CHECK_FALSE(cache.find("key 0"));
  cache.store({std::string(SeccompCache::largest_file, 'k'), program()});
  CHECK_FALSE(cache.find(std::string(SeccompCache::largest_file, 'k')));
  CHECK(root.files().size() == SeccompCache::most_files);
}

TEST_CASE("seccomp: a container's filter that is damaged is compiled again", "[seccomp]") {
  Root root;
  const std::string compiled = runtime::compile_seccomp(root.first, profile_of(), {});
  const fs::path file = fs::path(root.root.of("first")) / "seccomp";
  overwrite(file, "x");
  CHECK(stored(root.first) == compiled);
  fs::remove(file);
  CHECK(stored(root.first) == compiled);
}
