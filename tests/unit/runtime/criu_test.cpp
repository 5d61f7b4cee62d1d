#include "runtime/criu.hpp"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <cstdlib>

#include "sys/error.hpp"
#include "tests/harness/bundle.hpp"
#include "tests/harness/forked.hpp"

using namespace ocx;
using namespace ocx::runtime;

namespace {

std::string version_error(const CriuVersion& version, const CriuOptions& options) {
  try {
    check_criu_version(version, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// The error of a conversation with this program in place of criu.
std::string talk_with(const std::string& script) {
  return test::forked([&] {
    const test::TempDir directory;
    if (!script.empty()) test::write_file(directory.path() / "criu", script, 0755);
    ::setenv("PATH", (directory.path().string() + ":/no").c_str(), 1);
    CriuProcess criu({}, {});
  });
}

}  // namespace

TEST_CASE("the first error of a log of criu's", "[criu]") {
  CHECK(first_criu_error("").empty());
  CHECK(first_criu_error("(00.01) all well\n(00.02) Warn  (criu/a.c:1): odd\n").empty());
  CHECK(first_criu_error("(00.01) x\n(00.09)      1: Error (criu/mount.c:753): mnt: 18:./a has no root\n"
                         "(00.10) Error (criu/cr-dump.c:1975): Dumping FAILED.\n") ==
        "mnt: 18:./a has no root (criu/mount.c:753)");
  CHECK(first_criu_error("Error (criu/util.c:642): execvp(\"ip\", ...) failed") ==
        "execvp(\"ip\", ...) failed (criu/util.c:642)");
  // Of no consequence, and always first where there is no CAP_SYS_RESOURCE.
  CHECK(first_criu_error("Error (criu/util.c:1): rlimit: Can't setup RLIMIT_NOFILE\nError (a.c:2): b") ==
        "b (a.c:2)");
  CHECK(first_criu_error("Error (a.c:2): b\x1b[1m\rc") == "b[1mc (a.c:2)");
  CHECK(first_criu_error("Error (never closed\nError: of ip\n").empty());
}

TEST_CASE("versions of criu that are too old for what is asked", "[criu]") {
  CHECK(version_error({3, 11, 0}, {}).empty());
  CHECK(version_error({4, 2, 1}, {}).empty());
  CHECK(version_error({3, 10, 2}, {}) ==
        "criu 3.10.2 is too old for checkpoint and restore: 3.11 or newer is needed");
  CriuOptions options;
  options.external = {"mnt[/a]:/a", "pid[4026]:extRootPidNS"};
  CHECK(version_error({3, 14, 0}, options) ==
        "criu 3.14.0 is too old for a pid namespace joined by path: 3.15 or newer is needed");
  CHECK(version_error({3, 15, 0}, options).empty());
  options = {};
  options.lsm_profile = "apparmor:x";
  CHECK_FALSE(version_error({3, 15, 9}, options).empty());
  options = {};
  options.settings.network_lock = CriuNetworkLock::skip;
  CHECK_FALSE(version_error({3, 16, 0}, options).empty());
  CHECK(version_error({3, 17, 0}, options).empty());
}

TEST_CASE("a criu that is missing, or none, is told by its words", "[criu]") {
  CHECK(talk_with("") ==
        "criu is not in PATH; checkpoint and restore are done by it; install the package criu");
  CHECK(talk_with("#!/bin/sh\necho 'no libnet.so.1' >&2\nexit 3\n") ==
        "criu ended without an answer, with status 3: no libnet.so.1");
  const std::string unusable = talk_with("#!/no/such/interpreter\n");
  CHECK(unusable.find("criu ended without an answer, with status 127: execve") == 0);
  CHECK(unusable.find("no such file or directory") != std::string::npos);
}

TEST_CASE("criu's options file: the annotation counts, also an empty one", "[criu]") {
  CHECK(criu_config_file({{"org.criu.config", "/etc/x.conf"}}) == "/etc/x.conf");
  CHECK(criu_config_file({{"org.criu.config", ""}}).empty());
}
