// Kernel keyrings (keyctl(2)).
#pragma once

#include <cstdint>
#include <string>

namespace ocx::sys {

/// keyctl(2) KEYCTL_JOIN_SESSION_KEYRING: the keyring's serial number, or -errno.
int try_join_session_keyring(const std::string& name);
/// The permission mask of a key (keyctl(2) KEYCTL_DESCRIBE, KEYCTL_SETPERM; the bits are in keyrings(7)).
int try_key_permissions(int key, std::uint32_t& permissions);     // 0 or errno
int try_set_key_permissions(int key, std::uint32_t permissions);  // 0 or errno

}  // namespace ocx::sys
