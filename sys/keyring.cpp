#include "sys/keyring.hpp"

#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "sys/text.hpp"

namespace ocx::sys {

int try_join_session_keyring(const std::string& name) {
  const long key = ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name.c_str());
  return key < 0 ? -errno : static_cast<int>(key);
}

int try_key_permissions(int key, std::uint32_t& permissions) {
  char text[512];
  const long size = ::syscall(SYS_keyctl, KEYCTL_DESCRIBE, key, text, sizeof(text));
  if (size < 0) return errno;
  // "type;uid;gid;perm;description", perm in hexadecimal; a longer description than the buffer leaves it
  // unfilled.
  if (static_cast<std::size_t>(size) > sizeof(text)) return ENAMETOOLONG;
  const std::vector<std::string> fields = split(std::string_view(text, static_cast<std::size_t>(size)), ';');
  if (fields.size() < 5) return EINVAL;
  permissions = static_cast<std::uint32_t>(std::strtoul(fields[3].c_str(), nullptr, 16));
  return 0;
}

int try_set_key_permissions(int key, std::uint32_t permissions) {
  return ::syscall(SYS_keyctl, KEYCTL_SETPERM, key, permissions) == 0 ? 0 : errno;
}

}  // namespace ocx::sys
