// Where containers are kept when nobody says --root: by the caller's privilege and XDG_RUNTIME_DIR.
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/container.hpp"

namespace fs = std::filesystem;
using namespace ocx::test;

namespace {

constexpr const char* why = "runc's root is named otherwise";

// A create that gets as far as its state and no further; its environment is these lines and nothing else.
Result create_somewhere(Bundle& bundle, const std::vector<std::string>& prefix,
                        std::vector<std::string> env) {
  bundle.save();
  std::vector<std::string> argv = prefix;
  for (const std::string& word :
       {runtime_path(), std::string("create"), std::string("--bundle"), bundle.path().string(), unique_id()})
    argv.push_back(word);
  RunOptions options;
  env.emplace_back("OCX_TEST_FAIL_AT=cgroup");
  env.emplace_back("PATH=/usr/bin:/bin");
  options.env = std::move(env);
  return run(argv, options);
}

void check_fails_as_asked(const Result& result) {
  CHECK(contains(error_message(result), "failure asked for"));
}

mode_t mode_of(const Path& path) {
  struct stat facts {};
  REQUIRE(lstat(path.c_str(), &facts) == 0);
  return facts.st_mode & 07777;
}

bool may_execute(const Path& path, const std::vector<std::string>& prefix) {
  std::vector<std::string> argv = prefix;
  argv.insert(argv.end(), {"test", "-x", path});
  return run(argv).status == 0;
}

// A rootless configuration for the user whose id that is.
void make_rootless(Bundle& bundle, unsigned id) {
  bundle.add_namespace("user");
  bundle.remove_namespace("network");
  bundle.remove_mount("/sys");
  bundle.remove_mount("/sys/fs/cgroup");
  bundle.find_mount("/dev/pts")->at("options") = {"nosuid", "noexec", "newinstance", "ptmxmode=0666",
                                                  "mode=0620"};
  bundle.config["linux"].erase("resources");
  const json map = json::array({{{"containerID", 0}, {"hostID", id}, {"size", 1}}});
  bundle.config["linux"]["uidMappings"] = bundle.config["linux"]["gidMappings"] = map;
}

}  // namespace

TEST_CASE("a user who is not root has containers in $XDG_RUNTIME_DIR/ocx", "[state_root][contract]") {
  ONLY_OCX(why);
  const std::vector<std::string> as_user{"setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"};
  if (!may_execute(runtime_path(), as_user)) SKIP_TEST("uid 1000 can't reach " + runtime_path());
  Bundle bundle;
  make_rootless(bundle, 1000);
  const Path runtime_directory = bundle.scratch() / "user";
  fs::create_directories(runtime_directory);
  REQUIRE(chown(runtime_directory.c_str(), 1000, 1000) == 0);
  check_fails_as_asked(create_somewhere(bundle, as_user, {"XDG_RUNTIME_DIR=" + runtime_directory.string()}));
  // XDG Base Directory Specification: sticky, or it would be cleaned up by age.
  CHECK(mode_of(runtime_directory / "ocx") == 01700);
  CHECK(fs::is_empty(runtime_directory / "ocx"));
}

TEST_CASE("root of a user namespace has containers in $XDG_RUNTIME_DIR/ocx", "[state_root][contract]") {
  ONLY_OCX(why);
  Bundle bundle;
  make_rootless(bundle, 0);
  const Path runtime_directory = bundle.scratch() / "user";
  fs::create_directories(runtime_directory);
  const std::vector<std::string> in_namespace{"unshare", "--user", "--map-root-user"};
  check_fails_as_asked(
      create_somewhere(bundle, in_namespace, {"XDG_RUNTIME_DIR=" + runtime_directory.string()}));
  CHECK(mode_of(runtime_directory / "ocx") == 01700);
}

TEST_CASE("root has containers in /run/ocx, whatever XDG_RUNTIME_DIR says", "[state_root]") {
  ONLY_OCX(why);
  const bool existed = fs::exists("/run/ocx");
  Bundle bundle;
  const Path runtime_directory = bundle.scratch() / "user";
  fs::create_directories(runtime_directory);
  check_fails_as_asked(create_somewhere(bundle, {}, {"XDG_RUNTIME_DIR=" + runtime_directory.string()}));
  CHECK_FALSE(fs::exists(runtime_directory / "ocx"));
  CHECK(mode_of("/run/ocx") == 0700);
  if (!existed) rmdir("/run/ocx");
}

TEST_CASE("a user who is not root runs a container", "[state_root][userns]") {
  const std::vector<std::string> as_user{"setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"};
  if (!may_execute(runtime_path(), as_user)) SKIP_TEST("uid 1000 can't reach " + runtime_path());
  Bundle bundle;
  make_rootless(bundle, 1000);
  bundle.shell("id -u; cat /proc/self/uid_map");
  bundle.save();
  const Path runtime_directory = bundle.scratch() / "user";
  fs::create_directories(runtime_directory);
  for (const Path& path : {runtime_directory, bundle.rootfs()}) REQUIRE(chown(path.c_str(), 1000, 1000) == 0);
  for (const auto& entry : fs::directory_iterator(bundle.rootfs()))
    REQUIRE(lchown(entry.path().c_str(), 1000, 1000) == 0);
  std::vector<std::string> argv = as_user;
  const std::string id = unique_id();
  for (const std::string& word :
       {runtime_path(), std::string("run"), std::string("--bundle"), bundle.path().string(), id})
    argv.push_back(word);
  RunOptions options;
  options.env = {{"XDG_RUNTIME_DIR=" + runtime_directory.string(), "PATH=/usr/bin:/bin"}};
  const Result result = run(argv, options);
  REQUIRE_OK(result);
  CHECK(result.out.substr(0, 2) == "0\n");
  CHECK(contains(result.out, "1000"));
  CHECK(cgroups_with(id).empty());
}
