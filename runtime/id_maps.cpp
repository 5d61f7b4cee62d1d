#include "runtime/id_maps.hpp"

#include <unistd.h>

#include <cerrno>

#include "sys/capture.hpp"
#include "sys/error.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

using Maps = std::vector<spec::IdMapping>;

struct Kind {
  const char *file, *program, *grants, *origin;
};
constexpr Kind users{"uid_map", "newuidmap", "/etc/subuid", "/linux/uidMappings"};
constexpr Kind groups{"gid_map", "newgidmap", "/etc/subgid", "/linux/gidMappings"};

std::string map_text(const Maps& maps) {
  std::string text;
  for (const spec::IdMapping& map : maps)
    text += std::to_string(map.container_id) + " " + std::to_string(map.host_id) + " " +
            std::to_string(map.size) + "\n";
  return text;
}

/// 0, or EPERM; anything else is thrown.
int try_write(const sys::Procfs& proc, int pid, const Kind& kind, const Maps& maps) {
  const std::string path = std::to_string(pid) + "/" + kind.file;
  const int error_number = proc.try_write(path, map_text(maps));
  if (error_number == 0 || error_number == EPERM) return error_number;
  Error failure = Error::from_errno("write id map " + sys::quote(path), error_number);
  failure.at(kind.origin);
  if (error_number == EINVAL) failure.hint("the kernel takes at most 340 ranges, none overlapping");
  throw failure;
}

std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (char& c : text)
    if (c == '\n') c = ' ';
  return text;
}

std::string how_it_failed(const sys::Captured& result) {
  const std::string words = one_line(result.error_output);
  if (!words.empty()) return words;
  if (result.status.signal != 0) return "killed by signal " + std::to_string(result.status.signal);
  return "status " + std::to_string(result.status.code);
}

/// The one who may do it: privileged by its file, it looks up what the caller was granted.
void run_program(int pid, const Kind& kind, const Maps& maps) {
  const std::string path = sys::find_program(kind.program);
  if (path.empty())
    throw Error(std::string("mapping other ids than one's own needs ") + kind.program +
                    ", which is in no directory of PATH",
                ErrorKind::unsupported)
        .at(kind.origin)
        .hint("install the package uidmap (Fedora: shadow-utils), or map no other id than your own");
  sys::Program program{path, {kind.program, std::to_string(pid)}, {}, ""};
  for (const spec::IdMapping& map : maps)
    for (const std::uint32_t number : {map.container_id, map.host_id, map.size})
      program.argv.push_back(std::to_string(number));
  const std::string command = sys::join(program.argv, " ");
  sys::log_debug("id maps by " + command);
  const sys::Captured result = sys::capture(program);
  if (result.status.code == 0 && result.status.signal == 0) return;
  throw Error(command + ": " + how_it_failed(result))
      .at(kind.origin)
      .hint(std::string(kind.grants) + " has to grant these ids to the user, and " + path +
            " to be setuid root on a file system without nosuid");
}

bool is_own_id(const Maps& maps, std::uint32_t own) {
  return maps.size() == 1 && maps.front().size == 1 && maps.front().host_id == own;
}

void write_users(const sys::Procfs& proc, int pid, const Maps& maps) {
  if (try_write(proc, pid, users, maps) != 0) run_program(pid, users, maps);
}

void write_groups(const sys::Procfs& proc, int pid, const Maps& maps) {
  if (try_write(proc, pid, groups, maps) == 0) return;
  if (!is_own_id(maps, ::getegid())) return run_program(pid, groups, maps);
  // Without privilege the kernel takes one's own group once setgroups(2) is given up: it could be used to
  // leave a group whose members have fewer rights.
  proc.write(std::to_string(pid) + "/setgroups", "deny");
  sys::log_debug("id maps: the caller's own group alone, setgroups denied");
  if (const int error_number = try_write(proc, pid, groups, maps); error_number != 0)
    throw Error::from_errno("write id map of group " + std::to_string(::getegid()), error_number)
        .at(groups.origin);
}

}  // namespace

void write_id_maps(const sys::Procfs& proc, int pid, const Namespaces& namespaces) {
  write_users(proc, pid, namespaces.uid_maps);
  write_groups(proc, pid, namespaces.gid_maps);
}

}  // namespace ocx::runtime
