#include "sys/landlock.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "sys/error.hpp"

namespace ocx::sys {
namespace {

// The same numbers on all architectures; the headers may be older than the kernel.
constexpr long create_ruleset = 444, add_rule = 445, restrict_self = 446;
constexpr unsigned version_flag = 1U << 0;  // LANDLOCK_CREATE_RULESET_VERSION
constexpr int path_beneath = 1, net_port = 2;

struct PathBeneath {
  std::uint64_t access;
  std::int32_t parent;
} __attribute__((packed));

struct NetPort {
  std::uint64_t access, port;
};

int outcome(long result) {
  return result == 0 ? 0 : errno;
}

}  // namespace

int try_landlock_abi() {
  const long version = ::syscall(create_ruleset, nullptr, 0UL, version_flag);
  return version < 0 ? -errno : static_cast<int>(version);
}

UniqueFd landlock_create_ruleset(const landlock::Handled& handled) {
  // Older kernels know a shorter structure, and take a longer one whose tail is zero.
  const std::uint64_t attributes[] = {handled.fs, handled.net, handled.scoped};
  const long fd = ::syscall(create_ruleset, attributes, sizeof attributes, 0U);
  if (fd < 0) throw_errno("landlock_create_ruleset");
  return UniqueFd(static_cast<int>(fd));
}

int try_landlock_allow_path(FdRef ruleset, FdRef object, std::uint64_t access) {
  const PathBeneath rule{access, object.raw()};
  return outcome(::syscall(add_rule, ruleset.raw(), path_beneath, &rule, 0U));
}

int try_landlock_allow_port(FdRef ruleset, std::uint16_t port, std::uint64_t access) {
  const NetPort rule{access, port};
  return outcome(::syscall(add_rule, ruleset.raw(), net_port, &rule, 0U));
}

int try_landlock_restrict_self(FdRef ruleset) {
  return outcome(::syscall(restrict_self, ruleset.raw(), 0U));
}

}  // namespace ocx::sys
