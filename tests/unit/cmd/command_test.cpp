#include "cmd/command.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include "cmd/create_options.hpp"
#include "cmd/help.hpp"
#include "cmd/list_table.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "tests/unit/cmd/find_command.hpp"

using namespace ocx;
using ocx::test::command;
using Words = std::vector<std::string>;

namespace {

std::string error_of(std::string_view name, const Words& words) {
  try {
    cmd::parse_command(command(name), words);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    return error.what();
  }
  return "no error";
}

struct SurfaceRow {
  const char* command;
  std::set<std::string> options;
};

// runtime-contract: the flags of runc, and the few of crun that engines or people use.
const SurfaceRow surface[] = {
    {"create",
     {"bundle", "config", "console-socket", "pidfd-socket", "pid-file", "no-pivot", "no-new-keyring",
      "preserve-fds"}},
    {"run",
     {"bundle",       "config", "console-socket", "pidfd-socket", "pid-file", "no-pivot",  "no-new-keyring",
      "preserve-fds", "detach", "keep",           "no-subreaper", "rm",       "tty",       "it",
      "env",          "user",   "hostname",       "memory",       "cpus",     "pids-limit"}},
    {"start", {}},
    {"state", {}},
    {"exec",
     {"process", "tty", "detach", "cwd", "env", "user", "additional-gids", "cap", "no-new-privs", "apparmor",
      "process-label", "cgroup", "ignore-paused", "preserve-fds", "console-socket", "pidfd-socket",
      "pid-file"}},
    {"kill", {"all", "regex"}},
    {"pause", {"regex"}},
    {"resume", {"regex"}},
    {"update",
     {"resources", "memory", "memory-reservation", "memory-swap", "kernel-memory", "kernel-memory-tcp",
      "cpu-share", "cpu-quota", "cpu-period", "cpu-burst", "cpu-idle", "cpu-rt-runtime", "cpu-rt-period",
      "cpuset-cpus", "cpuset-mems", "pids-limit", "blkio-weight", "l3-cache-schema", "mem-bw-schema"}},
    {"checkpoint",
     {"image-path", "work-path", "leave-running", "pre-dump", "parent-path", "tcp-established",
      "tcp-skip-in-flight", "ext-unix-sk", "shell-job", "link-remap", "file-locks", "lazy-pages", "status-fd",
      "page-server", "manage-cgroups-mode", "network-lock", "empty-ns", "auto-dedup"}},
    {"restore", {"image-path",
                 "work-path",
                 "bundle",
                 "config",
                 "detach",
                 "console-socket",
                 "pidfd-socket",
                 "pid-file",
                 "no-subreaper",
                 "no-pivot",
                 "no-new-keyring",
                 "tcp-established",
                 "tcp-close",
                 "ext-unix-sk",
                 "shell-job",
                 "link-remap",
                 "file-locks",
                 "lazy-pages",
                 "manage-cgroups-mode",
                 "network-lock",
                 "empty-ns",
                 "auto-dedup",
                 "lsm-profile",
                 "lsm-mount-context"}},
    {"delete", {"force", "regex"}},
    {"list", {"format", "quiet"}},
    {"ps", {"format"}},
    {"events", {"interval", "stats"}},
    {"stats", {"format", "interval", "no-stream"}},
    {"spec", {"bundle", "rootless"}},
    {"features", {}},
    {"explain", {"bundle", "config", "format", "json", "diff"}},
    {"bundle",
     {"format", "ref", "platform", "env", "entrypoint", "user", "hostname", "terminal", "overlay", "images",
      "max-size", "max-entries"}},
    {"check", {"bundle", "config", "json"}},
    {"top", {"once", "json", "interval"}},
    {"info", {"json"}},
    {"completion", {}},
};

}  // namespace

TEST_CASE("every command has the options it should, and no other", "[command]") {
  CHECK(cmd::all_commands().size() == std::size(surface));
  for (const auto& [name, expected] : surface) {
    INFO(name);
    std::set<std::string> options;
    for (const cmd::Option& option : command(name).options) options.insert(option.name);
    CHECK(options == expected);
  }
}

TEST_CASE("argv of the engines parses", "[command]") {
  const std::pair<const char*, Words> rows[] = {
      {"create",
       {"--bundle", "/b", "--pid-file", "/p", "--console-socket", "/s", "--no-pivot", "--no-new-keyring",
        "--preserve-fds", "2", "id"}},
      {"run", {"--bundle", "/b", "-no-subreaper", "--keep", "--detach", "id"}},
      {"exec", {"--process", "/f", "--console-socket", "/s", "--detach", "--pid-file", "/p", "id"}},
      {"exec", {"--pid-file", "/p", "--process", "/f", "--detach", "--tty", "id"}},
      {"exec", {"id", "ls", "-l", "--color"}},
      {"kill", {"id"}},
      {"kill", {"id", "9"}},
      {"kill", {"--all", "id", "15"}},
      {"kill", {"-a", "id", "SIGKILL"}},
      {"delete", {"--force", "id"}},
      {"delete", {"id", "-f"}},
      {"pause", {"id"}},
      {"resume", {"id"}},
      {"update", {"--resources=-", "id"}},
      {"update", {"--resources", "-", "id"}},
      {"update", {"--resources=/run/file", "id"}},
      {"update", {"--memory", "-1", "--pids-limit=-1", "id"}},
      {"ps", {"--format", "json", "id"}},
      {"ps", {"--format", "table", "id", "-ef", "--forest", "-o", "pid"}},
      {"events", {"--stats", "id"}},
      {"events", {"--interval=5s", "id"}},
      {"list", {"--format=json"}},
      {"list", {"-q"}},
      {"state", {"id"}},
      {"spec", {"-b", "/x", "--rootless"}},
      {"explain", {}},
      {"explain", {"/b", "--format", "json"}},
  };
  for (const auto& [name, words] : rows) {
    INFO(name);
    CHECK_NOTHROW(cmd::parse_command(command(name), words));
  }
}

TEST_CASE("the number of arguments is checked, except for --help", "[command]") {
  CHECK(error_of("run", {}) == "\"run\" requires exactly 1 argument(s)");
  CHECK(error_of("start", {"a", "b"}) == "\"start\" requires exactly 1 argument(s)");
  CHECK(error_of("list", {"a"}) == "\"list\" requires exactly 0 argument(s)");
  CHECK(error_of("kill", {"a", "b", "c"}) == "\"kill\" requires 1 to 2 argument(s)");
  CHECK(cmd::parse_command(command("run"), {"--help"}).flag("help"));
  CHECK(cmd::parse_command(command("kill"), {"-h"}).flag("help"));
}

TEST_CASE("a misspelt option or command is answered with the nearest one", "[command]") {
  CHECK(error_of("create", {"--bundel", "/b", "id"}) ==
        "unknown option --bundel; did you mean --bundle? (flag provided but not defined: -bundel)");
  CHECK(cmd::find_command("crate") == nullptr);
  CHECK(cmd::unknown_command("crate") == "No help topic for 'crate'; did you mean create?");
  CHECK(cmd::unknown_command("xyzzy") == "No help topic for 'xyzzy'");
}

TEST_CASE("a global option after the command is answered with its place", "[command]") {
  CHECK(error_of("state", {"id", "--root", "/x"}) ==
        "unknown option --root (flag provided but not defined: -root); it is a global option: put it before "
        "\"state\"");
}

TEST_CASE("words after kill's id are taken as they are", "[command]") {
  CHECK(cmd::parse_command(command("kill"), {"id", "-9"}).positional() == Words{"id", "-9"});
}

TEST_CASE("create_request makes paths absolute and takes every option", "[command]") {
  const auto arguments =
      cmd::parse_command(command("create"), {"-b", "bundle", "-f", "other.json", "--pid-file", "pid",
                                             "--console-socket=sock", "--pidfd-socket", "/x/../y",
                                             "--no-pivot", "--no-new-keyring", "--preserve-fds", "3", "id"});
  const runtime::CreateRequest request = cmd::create_request(arguments);
  const std::string here = sys::current_directory();
  CHECK(request.id == "id");
  CHECK(request.bundle == here + "/bundle");
  CHECK(request.config_file == "other.json");
  CHECK(request.pid_file == here + "/pid");
  CHECK(request.console_socket == here + "/sock");
  CHECK(request.pidfd_socket == "/y");
  CHECK(request.no_pivot);
  CHECK(request.no_new_keyring);
  CHECK(request.preserve_fds == 3);
}

TEST_CASE("create_request's defaults", "[command]") {
  for (const Words& words : {Words{"id"}, Words{"--bundle=", "id"}}) {
    const runtime::CreateRequest request = cmd::create_request(cmd::parse_command(command("run"), words));
    CHECK(request.bundle == sys::current_directory());
    CHECK(request.config_file == "config.json");
    CHECK((request.pid_file.empty() && request.console_socket.empty() && request.pidfd_socket.empty()));
    CHECK_FALSE((request.no_pivot || request.no_new_keyring));
    CHECK(request.preserve_fds == 0);
  }
}

TEST_CASE("general help lists every command once, and the global options", "[help]") {
  const std::string help = cmd::general_help();
  for (const cmd::Command* each : cmd::all_commands()) {
    INFO(each->name);
    CHECK(help.find("\n  " + std::string(each->name) + " ") != std::string::npos);
  }
  for (const char* option : {"--root DIR", "--log-format FORMAT", "--systemd-cgroup", "-v, --version"})
    CHECK(help.find(option) != std::string::npos);
  CHECK(help.find("spec  ") < help.find("create  "));  // by the life of a container
  CHECK(help.find("create  ") < help.find("delete  "));
}

TEST_CASE("a command's help teaches: description, example, every option, exit codes", "[help]") {
  for (const cmd::Command* each : cmd::all_commands()) {
    const std::string help = cmd::command_help(*each);
    INFO(help);
    CHECK(help.starts_with("Usage: ocx " + std::string(each->name) + " [options]"));
    CHECK(help.find(std::string("Example:\n  ocx ") + std::string(each->name)) != std::string::npos);
    const bool passes_on = each->name == "run" || each->name == "exec" || each->name == "restore";
    CHECK(help.find(passes_on ? "Exit codes: the program's own; 128 + N" : "Exit codes: 0") !=
          std::string::npos);
    for (const cmd::Option& option : each->options) {
      CHECK(help.find(std::string("--") + option.name) != std::string::npos);
      CHECK(std::string(option.help).size() > 10);
    }
    std::size_t begin = 0;
    for (std::size_t end = help.find('\n'); end != std::string::npos;
         begin = end + 1, end = help.find('\n', begin))
      CHECK(end - begin <= 120);
  }
}

TEST_CASE("the version line carries the name ocx was called by", "[help]") {
  CHECK(cmd::version_text("ocx").starts_with("ocx version "));
  CHECK(cmd::version_text("/usr/sbin/runc").starts_with("runc version "));
  CHECK(cmd::version_text("").starts_with("ocx version "));
  CHECK(cmd::version_text("ocx").find("\ncommit: ") != std::string::npos);
  CHECK(cmd::version_text("ocx").ends_with("\nspec: 1.3.0\n"));
}

TEST_CASE("the table of list", "[list]") {
  CHECK(cmd::list_table({}) == "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n");
  spec::State state;
  state.id = "a-rather-long-id";
  state.pid = 7;
  state.status = spec::Status::running;
  state.bundle = "/b";
  state.created = "2026-01-02T03:04:05.123456789Z";
  state.owner = "root";
  spec::State stopped = state;
  stopped.status = spec::Status::stopped;
  CHECK(cmd::list_table({state, stopped}) ==
        "ID                 PID         STATUS      BUNDLE      CREATED                          OWNER\n"
        "a-rather-long-id   7           running     /b          2026-01-02T03:04:05.123456789Z   root\n"
        "a-rather-long-id   0           stopped     /b          2026-01-02T03:04:05.123456789Z   root\n");
}
