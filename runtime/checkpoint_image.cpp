#include "runtime/checkpoint_image.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/criu.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"
#include "sys/user_namespace.hpp"

namespace ocx::runtime {
namespace {

// The files are criu's, for root alone. Their names root of a container's user namespace looks up, too.
constexpr mode_t image_mode = 0711;

sys::UniqueFd open_directory(const std::string& path, const char* option, bool make) {
  if (make) sys::make_directories(path, image_mode);
  sys::FdResult directory = sys::try_openat(sys::FdRef::cwd(), path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory) return std::move(directory.fd);
  throw Error::from_errno("open directory " + sys::quote(path), directory.error_number)
      .hint(std::string("choose another with ") + option);
}

}  // namespace

CheckpointImage open_image(const std::string& image_path, const std::string& work_path,
                           const std::string& log_name, bool make) {
  const std::string& work = work_path.empty() ? image_path : work_path;
  CheckpointImage image;
  image.images = open_directory(image_path, "--image-path", make);
  image.work = open_directory(work, "--work-path", true);
  image.log_path = work + "/" + log_name;
  // The log of an earlier try would be taken for this one's.
  const int error_number = sys::try_unlinkat(image.work, log_name);
  if (error_number != 0 && error_number != ENOENT)
    throw_errno("unlink " + sys::quote(image.log_path), error_number);
  return image;
}

void leave_log(const CheckpointImage& image, const std::string& log_name, const std::string& text) {
  const sys::FdResult log =
      sys::try_openat(image.work, log_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (log) sys::try_write(log.fd, text + "\n");
}

CriuOptions criu_options(const CheckpointImage& image, const std::string& log_name,
                         const CriuSettings& settings,
                         const std::map<std::string, std::string>& annotations) {
  CriuOptions options;
  options.images_fd = image.images.ref().raw();
  options.work_fd = image.work.ref().raw();
  options.log_file = log_name;
  options.settings = settings;
  options.config_file = criu_config_file(annotations);
  options.orphan_terminal = true;
  return options;
}

void check_dumpable(const Plan& plan) {
  if (::geteuid() != 0 || sys::in_user_namespace())
    throw Error("checkpoint and restore need root of the host; rootless is not possible",
                ErrorKind::unsupported);
  if (!plan.namespaces.own_mounts())
    throw Error("a container without a mount namespace of its own can't be checkpointed or restored",
                ErrorKind::unsupported)
        .at("/linux/namespaces");
  for (const JoinNamespace& join : plan.namespaces.joins)
    if (join.flag == CLONE_NEWNS || join.flag == CLONE_NEWCGROUP)
      throw Error("a container that joins a mount or cgroup namespace can't be checkpointed or restored",
                  ErrorKind::unsupported)
          .at(join.origin);
  for (const InitStep& step : plan.build)
    if (std::holds_alternative<step::MountRoot>(step.action))
      throw Error("a container whose root is a mount over \"/\" can't be checkpointed or restored",
                  ErrorKind::unsupported)
          .at(step.origin)
          .hint("criu leaves the root file system to root.path");
}

std::string external_namespace_key(std::uint64_t flag) {
  if (flag == CLONE_NEWNET) return "extRootNetNS";
  if (flag == CLONE_NEWPID) return "extRootPidNS";
  return {};
}

}  // namespace ocx::runtime
