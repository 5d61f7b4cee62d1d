// Containers of an unprivileged user, for tests that run as root.
#pragma once

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/harness/container.hpp"

namespace ocx::test {

inline constexpr unsigned user = 1000;

using Words = std::vector<std::string>;

inline const Words drop{"setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"};

inline Words operator+(Words first, const Words& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

inline bool user_reaches_runtime() {
  return run(drop + Words{"test", "-x", runtime_path()}).status == 0;
}

inline bool has_newuidmap() {
  return run({"sh", "-c", "command -v newuidmap && command -v newgidmap"}).status == 0;
}

/// A container of uid 1000's. Without `ranges` the user has no subordinate ids, whatever the host says: that
/// is all in a mount namespace of its own.
class UserContainer {
 public:
  explicit UserContainer(Bundle& bundle, const std::string& ranges = "") : bundle_(bundle) {
    become_subreaper();
    std::filesystem::create_directories(runtime_directory());
    write_file(bundle.scratch() / "ranges", ranges);
    for (const Path& path : {runtime_directory(), bundle.rootfs()}) give(path);
    for (const auto& entry : std::filesystem::directory_iterator(bundle.rootfs())) give(entry.path());
    REQUIRE(chmod(runtime_directory().c_str(), 0700) == 0);
  }
  UserContainer(const UserContainer&) = delete;
  UserContainer& operator=(const UserContainer&) = delete;
  ~UserContainer() {
    ocx({"delete", "--force", id_});
    if (pid_ > 0) wait_and_reap(pid_);
    const Path root = runtime_directory() / "ocx";
    CHECK((!std::filesystem::exists(root) || std::filesystem::is_empty(root)));
    CHECK(cgroups_with(id_).empty());
    CHECK(adopted_children().empty());
  }

  Path runtime_directory() const { return bundle_.scratch() / "user"; }
  Words environment() const {
    return {"XDG_RUNTIME_DIR=" + runtime_directory().string(), "PATH=/usr/bin:/bin"};
  }
  /// `prefix`: what stands between the user and ocx.
  Result ocx(const Words& words, const Words& prefix = {}, const Words& env = {}) {
    RunOptions options;
    options.env = env.empty() ? environment() : env;
    return test::run(argv(prefix + Words{runtime_path()} + words), options);
  }
  Child spawn(const Words& words, RunOptions options = {}) {
    options.env = environment();
    return Child(argv(Words{runtime_path()} + words), options);
  }
  /// The command as the user runs it.
  Words argv(const Words& command) const {
    const std::string ranges = bundle_.scratch() / "ranges";
    const Words mounts{
        "unshare",
        "--mount",
        "sh",
        "-c",
        "mount --bind " + ranges + " /etc/subuid && mount --bind " + ranges + " /etc/subgid && exec \"$@\"",
        "sh"};
    return mounts + drop + command;
  }
  Result run(const Words& prefix = {}, const Words& flags = {}) {
    bundle_.save();
    return ocx(flags + Words{"run", "--bundle", bundle_.path(), id_}, prefix);
  }
  Result create() {
    bundle_.save();
    Result result = ocx({"create", "--bundle", bundle_.path(), id_});
    if (result.status == 0) pid_ = state().at("pid").get<pid_t>();
    return result;
  }
  json state() {
    Result result = ocx({"state", id_});
    REQUIRE_OK(result);
    return parse_json(result.out);
  }
  pid_t pid() const { return pid_; }
  const std::string& id() const { return id_; }

 private:
  static void give(const Path& path) { REQUIRE(lchown(path.c_str(), user, user) == 0); }

  Bundle& bundle_;
  std::string id_ = unique_id();
  pid_t pid_ = -1;
};

}  // namespace ocx::test

#define NEEDS_USER()                                         \
  ONLY_OCX("runc asks for a user namespace in config.json"); \
  if (!user_reaches_runtime()) SKIP_TEST("uid 1000 can't reach " + runtime_path())

#define NEEDS_NEWUIDMAP() \
  NEEDS_USER();           \
  if (!has_newuidmap()) SKIP_TEST("newuidmap is not installed (Debian: uidmap)")
