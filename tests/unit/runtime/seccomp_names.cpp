#include "tests/unit/runtime/seccomp_names.hpp"

#include <seccomp.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace ocx::test {
namespace {

const std::vector<std::string> left_out = {
    "mount",      "umount2",      "reboot",  "kexec_load",  "init_module",   "delete_module",   "swapon",
    "swapoff",    "bpf",          "setns",   "unshare",     "clone",         "clone3",          "personality",
    "ptrace",     "pivot_root",   "add_key", "keyctl",      "request_key",   "perf_event_open", "acct",
    "quotactl",   "settimeofday", "uselib",  "userfaultfd", "vm86",          "sysfs",           "iopl",
    "ioperm",     "kcmp",         "mbind",   "move_pages",  "finit_module",  "fsopen",          "open_tree",
    "move_mount", "fsconfig",     "fsmount", "fspick",      "mount_setattr", "socket"};

}  // namespace

std::vector<std::string> allowed_names() {
  std::vector<std::string> names;
  for (const int architecture : {int(SCMP_ARCH_X86_64), int(SCMP_ARCH_X86)})
    for (int number = 0; number < 600; ++number) {
      char* name = ::seccomp_syscall_resolve_num_arch(static_cast<std::uint32_t>(architecture), number);
      if (name == nullptr) continue;
      if (std::find(left_out.begin(), left_out.end(), name) == left_out.end()) names.emplace_back(name);
      std::free(name);
    }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace ocx::test
