#include "cmd/checkpoint_options.hpp"

#include <catch2/catch.hpp>
#include <sched.h>

#include "cmd/command.hpp"
#include "cmd/help.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"

using namespace ocx;
using Words = std::vector<std::string>;

namespace {

runtime::CheckpointRequest checkpoint(const Words& words) {
  return cmd::checkpoint_request(cmd::parse_command(*cmd::find_command("checkpoint"), words));
}

runtime::RestoreRequest restore(const Words& words) {
  return cmd::restore_request(cmd::parse_command(*cmd::find_command("restore"), words));
}

std::string message(const char* command, const Words& words) {
  try {
    if (std::string(command) == "restore")
      restore(words);
    else
      checkpoint(words);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("checkpoint as containerd and podman call it", "[checkpoint]") {
  const auto made = checkpoint({"--image-path",
                                "/i",
                                "--work-path",
                                "/w",
                                "--parent-path",
                                "../p",
                                "--tcp-established",
                                "--ext-unix-sk",
                                "--shell-job",
                                "--page-server",
                                "::1:99",
                                "--file-locks",
                                "--manage-cgroups-mode",
                                "strict",
                                "--empty-ns",
                                "network",
                                "--lazy-pages",
                                "--status-fd",
                                "3",
                                "--leave-running",
                                "--pre-dump",
                                "--leave-running",
                                "id"});
  CHECK(made.id == "id");
  CHECK(made.image_path == "/i");
  CHECK(made.work_path == "/w");
  CHECK(made.parent_path == "../p");
  CHECK((made.leave_running && made.pre_dump));
  const runtime::CriuSettings& settings = made.settings;
  CHECK((settings.tcp_established && settings.ext_unix_sk && settings.shell_job && settings.file_locks));
  CHECK(
      (settings.lazy_pages && !settings.link_remap && !settings.auto_dedup && !settings.tcp_skip_in_flight));
  CHECK(settings.page_server->address == "::1");
  CHECK(settings.page_server->port == 99);
  CHECK(settings.status_fd == 3);
  CHECK(settings.cgroup_mode == runtime::CriuCgroupMode::strict);
  CHECK(settings.empty_namespaces == CLONE_NEWNET);
  CHECK_FALSE(settings.network_lock);
}

TEST_CASE("checkpoint without options: ./checkpoint, criu's defaults", "[checkpoint]") {
  const auto made = checkpoint({"id"});
  CHECK(made.image_path == sys::current_directory() + "/checkpoint");
  CHECK(made.work_path.empty());
  CHECK(made.settings.cgroup_mode == runtime::CriuCgroupMode::soft);
  CHECK(made.settings.status_fd == -1);
  CHECK(made.settings.empty_namespaces == 0);
}

TEST_CASE("restore as containerd calls it: -no-subreaper with one dash, options behind the id",
          "[checkpoint]") {
  const auto made = restore({"--image-path", "/i", "--work-path", "/w", "--detach", "--pid-file", "/p",
                             "--console-socket", "/s", "--no-pivot", "-no-subreaper", "--bundle", "/b", "id",
                             "--tcp-close", "--network-lock=nftables", "--link-remap", "--auto-dedup"});
  CHECK(made.create.id == "id");
  CHECK(made.create.bundle == "/b");
  CHECK(made.create.pid_file == "/p");
  CHECK(made.create.console_socket == "/s");
  CHECK((made.detach && made.no_subreaper && made.create.no_pivot));
  CHECK((made.settings.tcp_close && made.settings.link_remap && made.settings.auto_dedup));
  CHECK(made.settings.network_lock == runtime::CriuNetworkLock::nftables);
}

TEST_CASE("restore as conmon and podman call it", "[checkpoint]") {
  const auto made = restore({"--bundle", "/b", "--pid-file", "/p", "--no-new-keyring", "--detach",
                             "--image-path", "/i", "--work-path", "/b", "--tcp-established", "--lsm-profile",
                             "selinux:a:b:c", "--lsm-mount-context", "x", "id"});
  CHECK((made.detach && made.create.no_new_keyring && made.settings.tcp_established));
  CHECK(made.lsm_profile == "selinux:a:b:c");
  CHECK(made.lsm_mount_context == "x");
}

TEST_CASE("wrong values of checkpoint and restore are named", "[checkpoint]") {
  // What podman looks for to know whether pods can be restored.
  CHECK(message("restore", {"--lsm-mount-context"}).find("flag needs an argument: --lsm-mount-context") == 0);
  const std::pair<const char*, Words> rows[] = {{"checkpoint", {"--manage-cgroups-mode", "hard", "id"}},
                                                {"checkpoint", {"--network-lock", "x", "id"}},
                                                {"checkpoint", {"--empty-ns", "pid", "id"}},
                                                {"checkpoint", {"--page-server", "host", "id"}},
                                                {"checkpoint", {"--page-server", "host:0", "id"}},
                                                {"checkpoint", {"--page-server", ":80", "id"}},
                                                {"checkpoint", {"--page-server", "host:65536", "id"}},
                                                {"checkpoint", {"--status-fd", "-2", "id"}},
                                                {"restore", {"--lsm-profile", "apparmor", "id"}},
                                                {"restore", {"--lsm-profile", "apparmor:", "id"}},
                                                {"restore", {"--lsm-profile", "smack:x", "id"}},
                                                {"restore", {"--leave-running", "id"}}};
  for (const auto& [command, words] : rows) {
    INFO(command << " " << words[0] << " " << words[1]);
    CHECK(message(command, words).find(words[0].substr(2)) != std::string::npos);
  }
}

TEST_CASE("the help of checkpoint and restore has each option", "[checkpoint]") {
  for (const char* name : {"checkpoint", "restore"}) {
    const std::string help = cmd::command_help(*cmd::find_command(name));
    for (const char* option :
         {"--image-path DIR", "--work-path DIR", "--tcp-established", "--manage-cgroups-mode MODE"})
      CHECK(help.find(option) != std::string::npos);
  }
}
