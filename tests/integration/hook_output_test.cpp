// The annotations run.oci.hooks.stdout and run.oci.hooks.stderr.
#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "tests/harness/container.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

constexpr const char* crun = "crun's annotations";
const char* const kinds[] = {"prestart",       "createRuntime", "createContainer",
                             "startContainer", "poststart",     "poststop"};

struct Talking {
  Bundle bundle;
  Container container{bundle};
  Path log(const char* name) const { return bundle.scratch() / name; }

  Talking() {
    bundle.config["annotations"] = {{"run.oci.hooks.stdout", log("out").string()},
                                    {"run.oci.hooks.stderr", log("err").string()}};
  }
  void add(const std::string& kind, int status = 0) {
    const std::string script =
        "echo " + kind + "; echo " + kind + " complains >&2; exit " + std::to_string(status);
    bundle.config["hooks"][kind].push_back({{"path", "/bin/sh"}, {"args", {"sh", "-c", script}}});
  }
  /// Descriptors of init that lead to the logs.
  size_t logs_open_in_init() {
    size_t count = 0;
    for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(container.pid()) + "/fd")) {
      std::error_code gone;
      count += contains(fs::read_symlink(entry.path(), gone).string(), bundle.scratch().string()) ? 1 : 0;
    }
    return count;
  }
};

}  // namespace

TEST_CASE("hooks of all kinds append to the files", "[hooks][hook_output]") {
  ONLY_OCX(crun);
  for (const bool user_namespace : {false, true}) {
    Talking test;
    if (user_namespace) {
      test.bundle.use_user_namespace();
      REQUIRE(chmod(test.bundle.scratch().c_str(), 0700) == 0);  // init itself can't open them
    }
    for (const char* kind : kinds) test.add(kind);
    write_file(test.log("out"), "before\n");
    REQUIRE_OK(test.container.create());
    CHECK(read_file(test.log("out")) == "before\nprestart\ncreateRuntime\ncreateContainer\n");
    REQUIRE_OK(test.container.start());
    CHECK(test.logs_open_in_init() == 0);  // it is the program by now
    REQUIRE_OK(test.container.force_delete());
    CHECK(read_file(test.log("out")) ==
          "before\nprestart\ncreateRuntime\ncreateContainer\nstartContainer\npoststart\npoststop\n");
    CHECK(lines(read_file(test.log("err"))).size() == 6);
    CHECK(lines(read_file(test.log("err")))[3] == "startContainer complains");
    struct stat made {};
    REQUIRE(stat(test.log("err").c_str(), &made) == 0);
    CHECK((made.st_mode & 07777) == 0600);
  }
}

TEST_CASE("a waiting container holds the files open only for hooks to come", "[hooks][hook_output]") {
  ONLY_OCX(crun);
  for (const char* kind : {"createContainer", "startContainer"}) {
    Talking test;
    test.add(kind);
    REQUIRE_OK(test.container.create());
    CHECK(test.logs_open_in_init() == (std::string(kind) == "startContainer" ? 2 : 0));
  }
}

TEST_CASE("what went to a file is not in the message of a failing hook", "[hooks][hook_output]") {
  ONLY_OCX(crun);
  Talking test;
  test.bundle.config["annotations"].erase("run.oci.hooks.stderr");
  test.add("createRuntime", 3);
  const std::string message = error_message(test.container.create());
  CHECK(contains(message, "exit status 3"));
  CHECK(contains(message, "stderr: createRuntime complains"));
  CHECK_FALSE(contains(message, "stdout"));
  CHECK(read_file(test.log("out")) == "createRuntime\n");
}

TEST_CASE("a relative file of hooks is below the bundle", "[hooks][hook_output]") {
  ONLY_OCX(crun);
  Talking test;
  test.bundle.config["annotations"] = {{"run.oci.hooks.stdout", "hooks.log"}};
  test.add("createRuntime");
  test.add("poststop");
  REQUIRE_OK(test.container.create());
  REQUIRE_OK(test.container.remove());
  CHECK(read_file(test.bundle.path() / "hooks.log") == "createRuntime\npoststop\n");
}

TEST_CASE("a file of hooks that can't be opened", "[hooks][hook_output]") {
  ONLY_OCX(crun);
  for (const char* kind : {"createRuntime", "createContainer"}) {
    Talking test;
    test.bundle.config["annotations"]["run.oci.hooks.stdout"] = "/absent/directory/log";
    test.add(kind);
    const std::string message = error_message(test.container.create());
    CHECK(contains(message, "/absent/directory/log"));
    CHECK(contains(message, "no such file or directory"));
    CHECK(contains(message, "/annotations/run.oci.hooks.stdout"));
    CHECK(test.container.leftovers().empty());
  }
  // After the container's life that is no reason to leave something behind, nor to run no hook.
  Talking test;
  test.bundle.config["annotations"]["run.oci.hooks.stdout"] = "/absent/directory/log";
  test.bundle.config["hooks"]["poststop"] =
      json::array({{{"path", "/bin/touch"}, {"args", {"touch", test.log("ran")}}}});
  REQUIRE_OK(test.container.create());
  const Result removed = test.container.remove();
  REQUIRE_OK(removed);
  CHECK(contains(removed.err, "/absent/directory/log"));
  CHECK(fs::exists(test.log("ran")));
}
