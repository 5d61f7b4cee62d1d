#include <cerrno>

#include "runtime/init_context.hpp"
#include "sys/error.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"
#include "sys/root_path.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

bool denied(int error_number) {
  return error_number == EACCES || error_number == EPERM;
}

// CVE-2024-21626: /proc/self/fd/N and links to it lead out of the root; the kernel then has no path for where
// we are.
void check_inside() {
  if (!sys::current_directory_in_root())
    throw Error("the working directory is outside the container's root (or was removed)");
}

// Root may be denied what the payload's user is allowed (root-squashed NFS, FUSE): then it's left to him.
void make(InitContext& ctx, const std::string& path) {
  try {
    sys::make_directories_in_root(ctx.root, path, 0755);
  } catch (const Error& error) {
    if (!denied(error.error_number())) throw;
    sys::log_debug(std::string(error.what()) + ", ignoring");
  }
}

void enter(const std::string& path) {
  sys::chdir(path);
  check_inside();
}

void enter_as_root(InitContext& ctx, const std::string& path) {
  const int error_number = sys::try_chdir(path);
  ctx.directory_denied = denied(error_number);
  if (ctx.directory_denied) return;
  if (error_number != 0) throw_errno("chdir " + sys::quote(path), error_number);
  check_inside();
}

}  // namespace

void execute(InitContext& ctx, const step::EnterDirectory& step) {
  using Phase = step::EnterDirectory::Phase;
  if (step.phase == Phase::make) return make(ctx, step.path);
  if (step.phase == Phase::enter) return enter_as_root(ctx, step.path);
  if (ctx.directory_denied) enter(step.path);
}

}  // namespace ocx::runtime
