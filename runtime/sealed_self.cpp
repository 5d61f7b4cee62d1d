#include "runtime/sealed_self.hpp"

#include <sys/prctl.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/mount.hpp"
#include "sys/process.hpp"
#include "sys/sealed_file.hpp"

namespace ocx::runtime {
namespace {

constexpr const char* name = "ocx";

enum class Way { any, mount, memfd };

Way wanted_way() {
  const char* text = std::getenv("OCX_SEAL");
  if (text == nullptr) return Way::any;
  if (std::string_view(text) == "mount") return Way::mount;
  if (std::string_view(text) == "memfd") return Way::memfd;
  return Way::any;
}

/// The copy has no path in the file system: what belongs to ocx is found by the original's, which
/// cgroups/systemd_client.cpp reads here.
class WithOwnPath {
 public:
  explicit WithOwnPath(char* const* environment)
      : entry_(std::string(variable) + sys::readlinkat(sys::FdRef::cwd(), "/proc/self/exe")) {
    for (; *environment != nullptr; ++environment)
      if (std::string_view(*environment).rfind(variable, 0) != 0) entries_.push_back(*environment);
    entries_.push_back(entry_.data());
    entries_.push_back(nullptr);
  }
  char* const* data() const { return entries_.data(); }

 private:
  static constexpr std::string_view variable = "OCX_EXECUTABLE=";
  std::string entry_;
  std::vector<char*> entries_;
};

bool already_safe(sys::FdRef self, Way way) {
  if (sys::is_sealed(self)) return true;
  return way != Way::memfd && sys::on_read_only_mount(self);
}

// Only a mount that is attached nowhere can't be made writable again by its path.
int try_through_mount(sys::FdRef self, char* const* argv, char* const* environment) {
  const sys::FdResult clone = sys::try_open_tree(self, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
  if (!clone) return clone.error_number;
  const int error_number = sys::try_mount_setattr(clone.fd, false, MOUNT_ATTR_RDONLY, 0);
  return error_number != 0 ? error_number : sys::execveat(clone.fd, argv, environment);
}

int try_through_memfd(sys::FdRef self, char* const* argv, char* const* environment) {
  const sys::FdResult copy = sys::try_sealed_copy(self, name);
  return copy ? sys::execveat(copy.fd, argv, environment) : copy.error_number;
}

}  // namespace

void reexec_from_sealed_copy(char* const* argv, char* const* environment) {
  const Way way = wanted_way();
  const sys::UniqueFd self = sys::openat(sys::FdRef::cwd(), "/proc/self/exe", O_RDONLY);
  if (already_safe(self, way)) {
    // Executed by descriptor the kernel named us after its number.
    sys::try_prctl(PR_SET_NAME, reinterpret_cast<unsigned long>(name));
    return;
  }
  int error_number = 0;
  const WithOwnPath with_path(environment);
  environment = with_path.data();
  if (way != Way::memfd) error_number = try_through_mount(self, argv, environment);
  if (way != Way::mount) {
    if (error_number != 0)
      sys::log_debug("no read-only mount of the executable: " + errno_text(error_number) + ", ignoring");
    error_number = try_through_memfd(self, argv, environment);
  }
  throw Error::from_errno("execute ocx from a read-only copy of itself", error_number)
      .hint("needs CAP_SYS_ADMIN and Linux 5.12, or an executable memfd (sysctl vm.memfd_noexec below 2)");
}

}  // namespace ocx::runtime
