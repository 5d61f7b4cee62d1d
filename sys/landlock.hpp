// landlock(7): rules that a process lays on itself and on all that it starts.
#pragma once

#include <cstdint>

#include "sys/fd.hpp"
#include "sys/file.hpp"

namespace ocx::sys {

// As in linux/landlock.h of Linux 6.12: older headers lack the later ones.
namespace landlock {
inline constexpr std::uint64_t fs_execute = 1ULL << 0;
inline constexpr std::uint64_t fs_write_file = 1ULL << 1;
inline constexpr std::uint64_t fs_read_file = 1ULL << 2;
inline constexpr std::uint64_t fs_read_dir = 1ULL << 3;
inline constexpr std::uint64_t fs_remove_dir = 1ULL << 4;
inline constexpr std::uint64_t fs_remove_file = 1ULL << 5;
inline constexpr std::uint64_t fs_make_char = 1ULL << 6;
inline constexpr std::uint64_t fs_make_dir = 1ULL << 7;
inline constexpr std::uint64_t fs_make_reg = 1ULL << 8;
inline constexpr std::uint64_t fs_make_sock = 1ULL << 9;
inline constexpr std::uint64_t fs_make_fifo = 1ULL << 10;
inline constexpr std::uint64_t fs_make_block = 1ULL << 11;
inline constexpr std::uint64_t fs_make_sym = 1ULL << 12;
inline constexpr std::uint64_t fs_refer = 1ULL << 13;
inline constexpr std::uint64_t fs_truncate = 1ULL << 14;
inline constexpr std::uint64_t fs_ioctl_dev = 1ULL << 15;
inline constexpr std::uint64_t net_bind_tcp = 1ULL << 0;
inline constexpr std::uint64_t net_connect_tcp = 1ULL << 1;
inline constexpr std::uint64_t scope_abstract_unix_socket = 1ULL << 0;
inline constexpr std::uint64_t scope_signal = 1ULL << 1;
/// What a rule for anything but a directory may allow; the kernel answers EINVAL to the rest.
inline constexpr std::uint64_t fs_of_files =
    fs_execute | fs_write_file | fs_read_file | fs_truncate | fs_ioctl_dev;

/// What is denied unless a rule allows it: struct landlock_ruleset_attr.
struct Handled {
  std::uint64_t fs = 0, net = 0, scoped = 0;
  bool empty() const { return fs == 0 && net == 0 && scoped == 0; }
};
}  // namespace landlock

/// The version of the kernel's Landlock (landlock_create_ruleset(2), LANDLOCK_CREATE_RULESET_VERSION), or
/// -errno: ENOSYS when it was built without (or before Linux 5.13), EOPNOTSUPP when it was not chosen at
/// boot.
int try_landlock_abi();
/// EINVAL (as an Error) for what the kernel's version lacks; try_landlock_abi() tells before.
UniqueFd landlock_create_ruleset(const landlock::Handled& handled);
/// 0 or errno. `object` may be O_PATH.
int try_landlock_allow_path(FdRef ruleset, FdRef object, std::uint64_t access);
int try_landlock_allow_port(FdRef ruleset, std::uint16_t port, std::uint64_t access);
/// 0 or errno: EPERM without no_new_privs and CAP_SYS_ADMIN, E2BIG below 16 layers of such rules.
int try_landlock_restrict_self(FdRef ruleset);

}  // namespace ocx::sys
