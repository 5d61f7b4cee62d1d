#include "cgroups/subtree_control.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

const sys::FdRef here = sys::FdRef::cwd();

std::vector<std::string> words_of(const std::string& file) {
  std::vector<std::string> result;
  const std::string text = sys::read_file_if_any(here, file).value_or("");
  for (const std::string& line : sys::split(text, '\n'))
    for (std::string& word : sys::split(line, ' '))
      if (!word.empty()) result.push_back(std::move(word));
  return result;
}

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string parent_of(const std::string& directory) {
  return directory.substr(0, directory.rfind('/'));
}

std::string type_of(const std::string& directory) {
  const std::vector<std::string> words = words_of(directory + "/cgroup.type");  // the root has none
  return sys::join(words, " ");
}

/// A cgroup, other than the root, with processes: domain controllers are refused to its children (EBUSY), and
/// a threaded one, which is not, would make the children unfit for processes.
bool has_own_processes(const std::string& directory) {
  if (!sys::fstatat(here, directory + "/cgroup.type")) return false;
  try {
    return !sys::read_file(here, directory + "/cgroup.procs").empty();
  } catch (const Error& error) {
    if (error.error_number() == EOPNOTSUPP) return false;  // threaded: it lists none
    throw;
  }
}

/// The directories from the top of the hierarchy, or of the part the mount shows, to the parent of
/// `directory`.
std::vector<std::string> ancestors_of(const std::string& directory) {
  std::vector<std::string> found;
  for (std::string path = parent_of(directory);
       !path.empty() && sys::fstatat(here, path + "/cgroup.controllers"); path = parent_of(path))
    found.push_back(path);
  std::reverse(found.begin(), found.end());
  return found;
}

void enable_in(const std::string& directory) {
  const std::vector<std::string> available = words_of(directory + "/cgroup.controllers");
  if (available.empty()) return;
  const std::string control = directory + "/cgroup.subtree_control";
  const std::vector<std::string> enabled = words_of(control);
  std::vector<std::string> wanted;
  for (const std::string& controller : available)
    if (!contains(enabled, controller)) wanted.push_back("+" + controller);
  if (wanted.empty()) return;
  if (has_own_processes(directory))
    return sys::log_debug("cgroup " + sys::quote(directory) +
                          " has processes, its children do without its controllers");
  if (sys::try_write_file(here, control, sys::join(wanted, " ")) == 0) return;
  // The kernel takes a line whole or not at all.
  for (const std::string& controller : wanted) {
    const int error_number = sys::try_write_file(here, control, controller);
    if (error_number != 0)
      sys::log_debug("write " + sys::quote(controller) + " to " + sys::quote(control) + ": " +
                     errno_text(error_number) + ", doing without");
  }
}

std::string remedy_of(int error_number, const std::string& directory, const std::string& controller) {
  switch (error_number) {
    case EBUSY:
      return sys::quote(directory) +
             " has processes of its own, and then the kernel gives its children no controllers; use another "
             "cgroupsPath, or move the processes into a child of it";
    case EOPNOTSUPP:
      return sys::quote(directory) +
             " is threaded, which this controller can't be; use a cgroupsPath outside of it";
    case EACCES:
    case EPERM:
    case EROFS:
      return "have the controller delegated to you (with systemd: Delegate=" + controller +
             " for user@.service)";
    default:
      return "the controller may be bound elsewhere, or at its limit";
  }
}

Error not_available(const std::string& controller) {
  return Error("controller " + sys::quote(controller) + " is not available", ErrorKind::unsupported);
}

void pass_on(const std::string& directory, const std::string& controller) {
  const std::string control = directory + "/cgroup.subtree_control";
  if (contains(words_of(control), controller)) return;
  const int error_number =
      has_own_processes(directory) ? EBUSY : sys::try_write_file(here, control, "+" + controller);
  if (error_number == 0) return;
  throw Error("controller " + sys::quote(controller) + " can't be enabled: write \"+" + controller +
                  "\" to " + sys::quote(control) + ": " + errno_text(error_number),
              ErrorKind::unsupported, 0)
      .hint(remedy_of(error_number, directory, controller));
}

}  // namespace

void enable_controllers(const std::string& top, const std::string& directory) {
  for (std::size_t end = top.size(); end != std::string::npos && end < directory.size();
       end = directory.find('/', end + 1))
    enable_in(directory.substr(0, end));
}

void require_controller(const std::string& directory, const std::string& controller) {
  const std::vector<std::string> ancestors = ancestors_of(directory);
  if (ancestors.empty())
    throw not_available(controller).hint(sys::quote(directory) + " is not below another cgroup");
  if (!contains(words_of(ancestors.front() + "/cgroup.controllers"), controller))
    throw not_available(controller)
        .hint(
            sys::quote(ancestors.front() + "/cgroup.controllers") +
            " does not list it: the kernel lacks it, the boot option cgroup_disable= turned it off, or a v1 "
            "hierarchy has it");
  for (const std::string& path : ancestors) pass_on(path, controller);
}

void refuse_threaded(const std::string& directory) {
  const std::string type = type_of(directory);
  if (type != "domain invalid" && type != "threaded") return;
  throw Error("cgroup " + sys::quote(directory) + " is of the type " + sys::quote(type) +
                  ", which can't hold a container",
              ErrorKind::unsupported)
      .at("/linux/cgroupsPath")
      .hint("use a path outside of the threaded cgroup " + sys::quote(parent_of(directory)));
}

}  // namespace ocx::cgroups
