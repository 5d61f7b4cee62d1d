// What is said to criu(8) and what it answers: requests and responses of its RPC protocol (criu.org, "RPC";
// the numbers of fields are those of its rpc.proto), as far as checkpoint and restore need them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/checkpoint_request.hpp"

namespace ocx::runtime {

enum class CriuCall : int {
  dump = 1,
  restore = 2,
  pre_dump = 4,
  notify = 6,  // criu asks, we answer
  feature_check = 9,
  version = 10
};

/// Absent values, false and empty texts are not sent: criu's defaults then count. Descriptors are numbers in
/// this process, but those of inherited, which are numbers in criu's.
struct CriuOptions {
  int images_fd = -1, work_fd = -1;
  int pid = 0;  // to dump
  std::string log_file, root, config_file, parent_images, freeze_cgroup;
  CriuSettings settings;
  bool leave_running = false, track_memory = false;
  bool restore_sibling = false;  // init becomes a child of criu's parent
  bool orphan_terminal = false;  // a terminal whose master is outside; on restore the new one is handed over
  std::string lsm_profile, lsm_mount_context;
  std::vector<std::string> external;                                 // "mnt[/a]:/a", "net[INODE]:key"
  std::vector<std::pair<std::string, int>> inherited;                // key -> descriptor
  std::vector<std::pair<std::string, std::string>> cgroup_roots;     // controller ("": all others) -> path
  std::vector<std::pair<std::string, std::string>> join_namespaces;  // "ipc" -> path
};

struct CriuFeatures {
  bool memory_tracking = false, lazy_pages = false;
};

struct CriuRequest {
  CriuCall call = CriuCall::version;
  std::optional<CriuOptions> options;
  std::optional<bool> notify_success;
  bool keep_open = false;  // another request follows
  std::optional<CriuFeatures> features;
};

struct CriuVersion {
  int major_number = 0, minor_number = 0, sublevel = 0;
  /// 31701 for 3.17.1.
  int number() const { return major_number * 10000 + minor_number * 100 + sublevel; }
};

struct CriuResponse {
  int call = 0;  // of CriuCall, or one that ocx doesn't know
  bool success = false;
  int restored_pid = 0;
  std::string script;  // of a notification: "setup-namespaces"
  int notify_pid = 0;
  int error_number = 0;
  std::string error_message;
  CriuFeatures features;
  CriuVersion version;
};

std::string write_criu_request(const CriuRequest& request);
/// Unknown fields are skipped. Error: malformed, or without what each response has to have.
CriuResponse parse_criu_response(std::string_view message);

}  // namespace ocx::runtime
