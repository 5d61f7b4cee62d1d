// The options that checkpoint and restore share, and what they say to criu.
#pragma once

#include "cmd/arguments.hpp"
#include "runtime/checkpoint_request.hpp"

namespace ocx::cmd {

inline constexpr Option image_path_option{"image-path", 0, "DIR",
                                          "directory of the image (default: ./checkpoint)"};
inline constexpr Option work_path_option{
    "work-path", 0, "DIR", "directory for criu's log and working files (default: that of the image)"};
inline constexpr Option tcp_established_option{"tcp-established", 0, nullptr,
                                               "take open TCP connections along"};
inline constexpr Option ext_unix_sk_option{"ext-unix-sk", 0, nullptr,
                                           "allow unix sockets whose other end is outside of the container"};
inline constexpr Option shell_job_option{"shell-job", 0, nullptr,
                                         "allow a session or process group whose leader is outside"};
inline constexpr Option link_remap_option{
    "link-remap", 0, nullptr, "keep open files that were unlinked while another name of them exists"};
inline constexpr Option file_locks_option{"file-locks", 0, nullptr, "take file locks along"};
inline constexpr Option cgroups_mode_option{"manage-cgroups-mode", 0, "MODE",
                                            "what criu does with cgroups: soft (settings of those it makes), "
                                            "full (of all), strict (they must not exist), "
                                            "ignore (default: soft)",
                                            "soft full strict ignore"};
inline constexpr Option empty_ns_option{
    "empty-ns", 0, "TYPE", "leave out the content of a namespace; only \"network\" can be (may be repeated)",
    "network"};
inline constexpr Option auto_dedup_option{"auto-dedup", 0, nullptr,
                                          "drop memory from earlier images as soon as it is in a later one"};
inline constexpr Option lazy_pages_option{"lazy-pages", 0, nullptr,
                                          "bring memory over when it is used (userfaultfd)"};
inline constexpr Option network_lock_option{
    "network-lock", 0, "METHOD",
    "how connections are held meanwhile: iptables, nftables or skip (default: criu's)",
    "iptables nftables skip"};

/// The requests; they read the options above, as far as the command has them, and its own. Usage errors.
runtime::CheckpointRequest checkpoint_request(const Arguments& arguments);
runtime::RestoreRequest restore_request(const Arguments& arguments);

}  // namespace ocx::cmd
