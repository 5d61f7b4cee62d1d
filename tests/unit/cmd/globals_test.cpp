#include "cmd/globals.hpp"

#include <catch2/catch.hpp>

#include "sys/error.hpp"
#include "sys/file.hpp"

using namespace ocx;
using runtime::CgroupDriver;
using runtime::Rootless;
using Words = std::vector<std::string>;

namespace {

std::string error_of(const Words& words) {
  try {
    cmd::parse_globals(words);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("what containerd's shim puts before the command", "[globals]") {
  const auto request = cmd::parse_globals({"--root", "/run/x", "--log", "/b/log.json", "--log-format", "json",
                                           "--systemd-cgroup", "--debug", "create", "--bundle", "/b", "id"});
  CHECK(request.runtime.root == "/run/x");
  CHECK(request.runtime.explicit_root);
  CHECK(request.runtime.cgroup_driver == CgroupDriver::systemd);
  CHECK(request.log.file == "/b/log.json");
  CHECK(request.log.format == sys::LogFormat::json);
  CHECK(request.log.level == sys::LogLevel::debug);
  CHECK(request.rest == Words{"create", "--bundle", "/b", "id"});
  CHECK(request.warnings.empty());
}

TEST_CASE("defaults", "[globals]") {
  const auto request = cmd::parse_globals({"state", "id"});
  CHECK_FALSE(request.runtime.explicit_root);
  CHECK(request.runtime.cgroup_driver == CgroupDriver::cgroupfs);
  CHECK(request.runtime.rootless == Rootless::automatic);
  CHECK(request.log.file.empty());
  CHECK(request.log.format == sys::LogFormat::text);
  CHECK(request.log.level == sys::LogLevel::warning);
  CHECK_FALSE(request.version);
  CHECK_FALSE(request.help);
}

TEST_CASE("the last of a repeated global wins", "[globals]") {
  CHECK(cmd::parse_globals({"--root", "/a", "-root=/b", "list"}).runtime.root == "/b");
}

TEST_CASE("cgroup managers", "[globals]") {
  const std::pair<Words, CgroupDriver> rows[] = {
      {{"--cgroup-manager", "systemd"}, CgroupDriver::systemd},
      {{"--cgroup-manager=disabled"}, CgroupDriver::disabled},
      {{"--cgroup-manager=cgroupfs"}, CgroupDriver::cgroupfs},
      {{"--systemd-cgroup=false"}, CgroupDriver::cgroupfs},
      {{"--cgroup-manager=cgroupfs", "--systemd-cgroup"}, CgroupDriver::systemd},
  };
  for (const auto& [words, driver] : rows) CHECK(cmd::parse_globals(words).runtime.cgroup_driver == driver);
  CHECK(error_of({"--cgroup-manager", "x"}) ==
        "invalid value \"x\" for --cgroup-manager: use one of cgroupfs, systemd, disabled");
}

TEST_CASE("rootless and log values", "[globals]") {
  CHECK(cmd::parse_globals({"--rootless=true"}).runtime.rootless == Rootless::yes);
  CHECK(cmd::parse_globals({"--rootless", "false"}).runtime.rootless == Rootless::no);
  CHECK(cmd::parse_globals({"--rootless="}).runtime.rootless == Rootless::automatic);
  CHECK(error_of({"--rootless", "x"}).starts_with("invalid value \"x\" for --rootless"));
  CHECK(error_of({"--log-format", "xml"}) == "invalid value \"xml\" for --log-format: use one of text, json");
  CHECK(cmd::parse_globals({"--log-level", "info"}).log.level == sys::LogLevel::info);
  CHECK(error_of({"--log-level", "loud"}).starts_with("invalid value \"loud\" for --log-level"));
}

TEST_CASE("--criu is accepted with a warning, as old containerd passes it", "[globals]") {
  const auto request = cmd::parse_globals({"--criu", "/usr/sbin/criu", "list"});
  CHECK(request.warnings == Words{"--criu has no effect, ignoring"});
  CHECK(request.rest == Words{"list"});
}

TEST_CASE("roots are absolute, and never the file system's", "[globals]") {
  CHECK(cmd::parse_globals({"--root", "a/../b"}).runtime.root == sys::current_directory() + "/b");
  CHECK(error_of({"--root", "/"}) == "--root must not be \"/\"");
  CHECK(error_of({"--root", "//x/.."}) == "--root must not be \"/\"");
}

TEST_CASE("unknown global options end with their name", "[globals]") {
  CHECK(error_of({"--bogus", "list"}) == "unknown option --bogus (flag provided but not defined: -bogus)");
  CHECK(error_of({"--rot", "/x", "list"}) ==
        "unknown option --rot; did you mean --root? (flag provided but not defined: -rot)");
  CHECK(error_of({"--log"}) == "flag needs an argument: --log");
}

TEST_CASE("version and help", "[globals]") {
  CHECK(cmd::parse_globals({"-v"}).version);
  CHECK(cmd::parse_globals({"--version"}).version);
  CHECK(cmd::parse_globals({"-h"}).help);
}

TEST_CASE("absolute_path cleans and keeps empty", "[globals]") {
  CHECK(cmd::absolute_path("").empty());
  CHECK(cmd::absolute_path("/a//b/.") == "/a/b");
  CHECK(cmd::absolute_path(".") == sys::current_directory());
  CHECK(cmd::absolute_path("x") == sys::current_directory() + "/x");
}
