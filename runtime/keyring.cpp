#include "sys/keyring.hpp"

#include <cerrno>

#include "runtime/init_context.hpp"
#include "sys/error.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

// No keyrings in the kernel, refused by an outer seccomp filter or LSM, or the user's quota of keys used up
// (/proc/sys/kernel/keys/maxkeys): a container without a keyring of its own is the lesser evil.
bool can_do_without(int error_number) {
  return error_number == ENOSYS || error_number == EPERM || error_number == EACCES ||
         error_number == EDQUOT || error_number == EOPNOTSUPP;
}

}  // namespace

void execute(InitContext& context, const step::SessionKeyring& step) {
  // Until the next exec; without it the container's processes could not use their keyring.
  if (!step.label.empty()) context.proc.write(context.proc_self + "/attr/keycreate", step.label);
  const int key = sys::try_join_session_keyring(step.name);
  if (key < 0 && can_do_without(-key))
    return sys::log_debug("no session keyring " + sys::quote(step.name) + ": " + errno_text(-key) +
                          ", ignoring");
  if (key < 0) throw_errno("keyctl KEYCTL_JOIN_SESSION_KEYRING " + sys::quote(step.name), -key);
  // A new session keyring lacks KEY_USR_SEARCH, without which its own user's other sessions (exec) can't join
  // it by name.
  constexpr std::uint32_t user_search = 0x00080000;
  std::uint32_t permissions = 0;
  int error_number = sys::try_key_permissions(key, permissions);
  if (error_number == 0 && (permissions & user_search) == 0)
    error_number = sys::try_set_key_permissions(key, permissions | user_search);
  if (error_number != 0)
    sys::log_debug("session keyring " + sys::quote(step.name) +
                   " is not searchable: " + errno_text(error_number) + ", ignoring");
}

}  // namespace ocx::runtime
