// `linux.seccomp` (config-linux.md, "Seccomp"). Values are libseccomp's and the kernel's, translated by the
// parser.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ocx::spec {

enum class SeccompAction { kill_process, kill_thread, trap, errno_, notify, trace, log, allow };

enum class SeccompOperator { ne, lt, le, eq, ge, gt, masked_eq };

struct SeccompArg {
  std::uint32_t index = 0;  // 0 .. 5
  std::uint64_t value = 0, value_two = 0;
  SeccompOperator op = SeccompOperator::eq;
};

struct SeccompSyscalls {
  std::vector<std::string> names;
  SeccompAction action = SeccompAction::errno_;
  std::optional<std::uint32_t> errno_ret;
  std::vector<SeccompArg> args;
};

struct Seccomp {
  SeccompAction default_action = SeccompAction::errno_;
  std::optional<std::uint32_t> default_errno_ret;
  std::vector<std::string> architectures;  // "SCMP_ARCH_X86_64", known names only
  std::optional<std::uint32_t> flags;      // SECCOMP_FILTER_FLAG_*; absent differs from none
  std::string listener_path, listener_metadata;
  std::vector<SeccompSyscalls> syscalls;
};

}  // namespace ocx::spec
