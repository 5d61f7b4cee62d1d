// seccomp(2): loading a filter into the calling thread, and the descriptor of its notifications.
#pragma once

#include <linux/filter.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "sys/fd.hpp"
#include "sys/file.hpp"

namespace ocx::sys {

/// SECCOMP_SET_MODE_FILTER with these SECCOMP_FILTER_FLAG_*; `program` is the bytes of at most 65535
/// sock_filter instructions (longer ones are cut, which the kernel refuses: it takes 4096). With
/// SECCOMP_FILTER_FLAG_NEW_LISTENER the descriptor is the listener, else there is none. EACCES: neither
/// no_new_privs nor CAP_SYS_ADMIN in the user namespace.
FdResult try_seccomp_load(std::string_view program, std::uint32_t flags);
/// The kernel knows this one SECCOMP_FILTER_FLAG_.
bool seccomp_knows_flag(std::uint32_t flag);
/// The descriptor is one of SECCOMP_FILTER_FLAG_NEW_LISTENER.
bool is_seccomp_listener(FdRef fd);

/// A descriptor of another process (pidfd_getfd(2), Linux 5.6), or the errno of what failed.
FdResult try_pidfd_getfd(FdRef pidfd, int number);
/// The number the next descriptor of this process will have.
int next_descriptor();

/// syscall(2) with nothing around it: the very call that a filter was asked about. Its result is not wanted.
void system_call(long number, const std::array<std::uint64_t, 6>& arguments);

/// An empty file without a name (memfd_create(2)).
UniqueFd anonymous_file(const char* name);
/// The first `size` bytes of a file, fewer when it is shorter, wherever its position is: one pread(2).
std::string read_from_start(FdRef file, std::size_t size);

}  // namespace ocx::sys
