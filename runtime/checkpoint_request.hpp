// What checkpoint and restore are asked to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/request.hpp"

namespace ocx::runtime {

/// criu(8), --manage-cgroups; the numbers are those of its protocol.
enum class CriuCgroupMode : int { ignore = 0, soft = 3, full = 4, strict = 5 };
/// criu(8), --network-lock.
enum class CriuNetworkLock : int { iptables = 1, nftables = 2, skip = 3 };

struct CriuPageServer {
  std::string address;
  int port = 0;
};

/// What both tell criu alike; criu(8) explains each.
struct CriuSettings {
  bool tcp_established = false, tcp_skip_in_flight = false, tcp_close = false;
  bool link_remap = false, ext_unix_sk = false, shell_job = false, file_locks = false;
  bool lazy_pages = false, auto_dedup = false;
  int status_fd = -1;  // criu writes a zero byte when its page server listens
  std::optional<CriuPageServer> page_server;
  CriuCgroupMode cgroup_mode = CriuCgroupMode::soft;
  std::optional<CriuNetworkLock> network_lock;
  std::uint64_t empty_namespaces = 0;  // CLONE_NEWNET: its content is left out
};

struct CheckpointRequest {
  std::string id;
  std::string image_path;   // absolute; made when missing
  std::string work_path;    // for the log; empty: image_path
  std::string parent_path;  // of an earlier pre-dump, relative to image_path
  bool leave_running = false, pre_dump = false;
  CriuSettings settings;
};

struct RestoreRequest {
  CreateRequest create;
  std::string image_path, work_path;  // as above
  bool detach = false, no_subreaper = false;
  std::string lsm_profile, lsm_mount_context;
  CriuSettings settings;
};

}  // namespace ocx::runtime
