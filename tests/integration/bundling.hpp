// `ocx bundle` in a place of its own, which shows what it leaves.
#pragma once

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/harness/container.hpp"
#include "tests/harness/tar.hpp"

namespace ocx::test {

using Words = std::vector<std::string>;

class Bundling {
 public:
  Bundling() { std::filesystem::create_directory(directory()); }

  /// Where the bundles are made: nothing else is in it.
  Path directory() const { return place_.path() / "made"; }
  Path bundle() const { return directory() / "box"; }
  Path rootfs() const { return bundle() / "rootfs"; }
  Path scratch() const { return place_.path(); }
  Path file(const std::string& name, const std::string& content) const {
    write_file(scratch() / name, content);
    return scratch() / name;
  }

  Result make(const Words& words, const RunOptions& options = {}) const {
    Words all{"bundle"};
    all.insert(all.end(), words.begin(), words.end());
    return runtime(all, options);
  }
  Result make_from(const Path& source, const Words& more = {}) const {
    Words words = more;
    words.push_back(source);
    words.push_back(bundle());
    return make(words);
  }
  json config() const { return json::parse(read_file(bundle() / "config.json")); }

  /// `ocx run` of what was made.
  Result run_it() const {
    return runtime({"--root", scratch() / "state", "run", "-b", bundle(), unique_id()});
  }
  /// Names beside the bundle.
  Words left() const {
    Words names;
    for (const auto& entry : std::filesystem::directory_iterator(directory()))
      names.push_back(entry.path().filename());
    return names;
  }

 private:
  TempDir place_;
};

/// A root file system with a shell.
inline std::vector<TarEntry> small_system() {
  std::vector<TarEntry> entries{{.name = "./", .type = '5', .mode = 0755},
                                {.name = "bin/", .type = '5', .mode = 0755}};
  entries.push_back({.name = "bin/busybox", .content = read_file("/bin/busybox"), .mode = 0755});
  for (const char* applet : {"sh", "cat", "id", "stat", "ls", "pwd", "readlink", "touch", "env"})
    entries.push_back({.name = std::string("bin/") + applet, .type = '1', .target = "bin/busybox"});
  return entries;
}

inline std::vector<TarEntry> operator+(std::vector<TarEntry> first, const std::vector<TarEntry>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

}  // namespace ocx::test

#define NEEDS_OCX_BUNDLE()                                                                                 \
  ONLY_OCX("no other runtime makes bundles");                                                              \
  if (!std::filesystem::exists(ocx::test::Path(ocx::test::runtime_path()).replace_filename("ocx-bundle"))) \
  SKIP_TEST("ocx-bundle is not built (Debian: libarchive-dev, nettle-dev)")
