#include "cmd/exec_options.hpp"

#include <catch2/catch.hpp>

#include "cmd/command.hpp"
#include "sys/error.hpp"

using namespace ocx;
using Words = std::vector<std::string>;

namespace {

runtime::ExecRequest request(const Words& words) {
  return cmd::exec_request(cmd::parse_command(*cmd::find_command("exec"), words));
}

}  // namespace

TEST_CASE("exec: what comes after the id is the program's") {
  const auto made = request({"-t", "id", "sh", "-c", "--detach", "--", "-x"});
  CHECK(made.id == "id");
  CHECK(made.changes.args == Words{"sh", "-c", "--detach", "--", "-x"});
  CHECK(made.changes.terminal);
  CHECK_FALSE(made.detach);
}

TEST_CASE("exec: repeated options are lists, the last of others wins") {
  const auto made = request({"-e",         "A=1",   "--env",     "B=2,C=3", "-g",       "1",        "-g",
                             "2",          "-c",    "CAP_CHOWN", "--cap",   "CAP_KILL", "--cgroup", "a",
                             "--cgroup=b", "--cwd", "/x",        "--cwd",   "/y",       "id",       "x"});
  CHECK(made.changes.env == Words{"A=1", "B=2,C=3"});
  CHECK(made.changes.additional_gids == std::vector<std::uint32_t>{1, 2});
  CHECK(made.changes.capabilities == ((1U << 0U) | (1U << 5U)));
  CHECK(made.cgroups == Words{"a", "b"});
  CHECK(made.changes.cwd == "/y");
  CHECK_FALSE(made.changes.uid);
  CHECK_FALSE(made.changes.no_new_privileges);
}

TEST_CASE("exec: a user is numbers, or an error") {
  CHECK(request({"-u", "0", "id", "x"}).changes.uid == 0U);
  CHECK_FALSE(request({"-u", "7", "id", "x"}).changes.gid);
  CHECK(request({"-u", "7:4294967294", "id", "x"}).changes.gid == 4294967294U);
  for (const char* user :
       {"", ":", "x", "1:", ":1", "-1", "+1", "1 ", "4294967295", "99999999999999999999", "1:2:3"}) {
    INFO(user);
    CHECK_THROWS_AS(request({"--user", user, "id", "x"}), Error);
  }
}

TEST_CASE("exec: options that would be without effect are errors") {
  CHECK(request({"--process", "/f", "--tty", "--detach", "id"}).process_file == "/f");
  CHECK_THROWS_AS(request({"id"}), Error);
  CHECK_THROWS_AS(request({"--process", "/f", "id", "x"}), Error);
  for (const char* option : {"--cwd", "--env", "--user", "--cap", "--apparmor", "--process-label"}) {
    INFO(option);
    CHECK_THROWS_AS(request({"--process", "/f", option, "1=1", "id"}), Error);
  }
  CHECK_THROWS_AS(request({"--process", "/f", "--no-new-privs", "id"}), Error);
  CHECK_THROWS_AS(request({"--env", "A", "id", "x"}), Error);
  CHECK_THROWS_AS(request({"--cap", "NET_NONE", "id", "x"}), Error);
}
