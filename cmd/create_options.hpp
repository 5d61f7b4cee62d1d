// The options that create and run share, and the request they make.
#pragma once

#include <string>
#include <vector>

#include "cmd/arguments.hpp"
#include "runtime/request.hpp"

namespace ocx::cmd {

inline constexpr Option bundle_option{
    "bundle", 'b', "DIR", "the bundle: config.json and the root file system (default: current directory)"};
inline constexpr Option config_option{
    "config", 'f', "FILE", "configuration to use, absolute or inside the bundle (default: config.json)"};
inline constexpr Option console_socket_option{
    "console-socket", 0, "PATH",
    "AF_UNIX socket that receives the master end of the container's terminal: needed when process.terminal "
    "is true, unless `ocx run` or `ocx restore` stays attached; refused when it is false"};
inline constexpr Option pidfd_socket_option{
    "pidfd-socket", 0, "PATH", "AF_UNIX socket that receives a pidfd of the container's first process"};
inline constexpr Option pid_file_option{
    "pid-file", 0, "PATH",
    "file that gets the host pid of the container's first process; written last, by rename"};
inline constexpr Option no_pivot_option{
    "no-pivot", 0, nullptr,
    "move the root instead of pivot_root(2): for a rootfs on an initramfs, less safe"};
inline constexpr Option no_new_keyring_option{"no-new-keyring", 0, nullptr,
                                              "keep the caller's session keyring instead of making one"};
inline constexpr Option preserve_fds_option{
    "preserve-fds", 0, "N", "pass N more descriptors, from 3 on, to the container's process (default: 0)"};

/// --bundle made absolute; the current directory when it is absent or empty.
std::string bundle_path(const Arguments& arguments);

/// The request of commands that only look at a bundle, given by --bundle or as the first positional; the id
/// is "ID". Error (usage): given twice.
runtime::CreateRequest bundle_request(const Arguments& arguments);
/// One for each argument.
std::vector<runtime::CreateRequest> bundle_requests(const Arguments& arguments);

/// The request of create and run; reads the options above and the first positional. Paths become absolute.
runtime::CreateRequest create_request(const Arguments& arguments);

}  // namespace ocx::cmd
