#include "cgroups/v2.hpp"

#include <algorithm>
#include <cerrno>

#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/kernel_file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

const sys::FdRef here = sys::FdRef::cwd();

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> result;
  for (const std::string& line : sys::split(text, '\n'))
    for (std::string& word : sys::split(line, ' '))
      if (!word.empty()) result.push_back(std::move(word));
  return result;
}

/// Passes every available controller on to the children of `directory`. One that can't be (EBUSY: the cgroup
/// has processes of its own; EOPNOTSUPP: it is threaded; EPERM, EACCES: not delegated to the caller) is left
/// out: no limit asks for it yet.
void enable_controllers(const std::string& directory) {
  const auto available = words(sys::read_file_if_any(here, directory + "/cgroup.controllers").value_or(""));
  const std::string control = directory + "/cgroup.subtree_control";
  const auto enabled = words(sys::read_file_if_any(here, control).value_or(""));
  std::vector<std::string> wanted;
  for (const std::string& controller : available)
    if (std::find(enabled.begin(), enabled.end(), controller) == enabled.end())
      wanted.push_back("+" + controller);
  if (wanted.empty() || sys::try_write_file(here, control, sys::join(wanted, " ")) == 0) return;
  // The kernel takes a line whole or not at all.
  for (const std::string& controller : wanted) {
    const int error_number = sys::try_write_file(here, control, controller);
    if (error_number != 0)
      sys::log_debug("write " + sys::quote(controller) + " to " + sys::quote(control) + ": " +
                     errno_text(error_number) + ", doing without");
  }
}

/// A cgroup that was removed under way (ENODEV) is empty.
bool is_populated(const sys::KernelFile& events) {
  try {
    return flat_value(events.read(), "populated") != 0;
  } catch (const Error& error) {
    if (error.error_number() == ENODEV) return false;
    throw;
  }
}

}  // namespace

void V2Manager::create() {
  TreeManager::create();
  // The path may be missing: a rootless caller does without.
  if (!trees().empty()) directory_ = sys::openat(here, trees().front().directory, O_RDONLY | O_DIRECTORY);
}

std::optional<sys::FdRef> V2Manager::clone_target() const {
  if (!directory_) return std::nullopt;
  return directory_.ref();
}

void V2Manager::configure(const Tree& tree, const std::vector<std::string>&) {
  std::size_t end = tree.mount_point.size();
  while (end != std::string::npos && end < tree.directory.size()) {
    enable_controllers(tree.directory.substr(0, end));
    end = tree.directory.find('/', end + 1);
  }
}

void V2Manager::apply(const spec::Resources& resources) {
  refuse_unsupported(resources, true);
}

bool V2Manager::wait_until_empty(const sys::Deadline& deadline) const {
  for (const std::string& directory : directories()) {
    sys::FdResult opened = sys::try_openat(here, directory + "/cgroup.events", O_RDONLY);
    if (!opened) continue;
    const sys::KernelFile events(std::move(opened.fd));
    while (is_populated(events))
      if (!events.wait_for_change(deadline.remaining_ms())) return false;
  }
  return true;
}

}  // namespace ocx::cgroups
