#include "runtime/adopt.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "spec/names.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/mount.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {

const char* namespace_file(std::uint64_t flag) {
  switch (flag) {
    case CLONE_NEWNET:
      return "net";
    case CLONE_NEWNS:
      return "mnt";
    case CLONE_NEWPID:
      return "pid";
    case CLONE_NEWIPC:
      return "ipc";
    case CLONE_NEWUTS:
      return "uts";
    case CLONE_NEWUSER:
      return "user";
    case CLONE_NEWCGROUP:
      return "cgroup";
    default:
      return "time";
  }
}

namespace {

/// A magic link of the host's own /proc, which Procfs::open() would refuse to follow.
sys::UniqueFd open_own(const sys::Procfs& proc, const std::string& process, std::uint64_t flag) {
  return sys::openat(proc.fd(), process + "/ns/" + namespace_file(flag), O_RDONLY | O_CLOEXEC);
}

}  // namespace

sys::UniqueFd open_namespace(const JoinNamespace& ns) {
  sys::FdResult file = sys::try_openat(sys::FdRef::cwd(), ns.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file) return std::move(file.fd);
  throw Error::from_errno("open namespace " + sys::quote(ns.path), file.error_number).at(ns.origin);
}

void join_namespace(const JoinNamespace& ns, sys::FdRef file) {
  try {
    sys::setns(file, ns.flag);
  } catch (Error& error) {
    const std::string type(spec::name_of(spec::namespace_types, ns.flag));
    if (error.error_number() == EINVAL) error.hint(sys::quote(ns.path) + " is not a " + type + " namespace");
    throw Error(error).in("join " + type + " namespace " + sys::quote(ns.path)).at(ns.origin);
  }
}

namespace {

/// Inside the namespace the kernel shows its maps as they were written, in terms of the parent's ids.
void check_map(const sys::Procfs& proc, const char* file, const std::vector<spec::IdMapping>& expected,
               const char* origin) {
  if (expected.empty()) return;
  std::vector<spec::IdMapping> found;
  for (const std::string& line : sys::split(proc.read(std::string("self/") + file), '\n')) {
    spec::IdMapping map;
    if (std::sscanf(line.c_str(), "%u %u %u", &map.container_id, &map.host_id, &map.size) == 3)
      found.push_back(map);
  }
  if (found == expected) return;
  throw Error("the user namespace to join has other id mappings than the configuration",
              ErrorKind::invalid_config)
      .at(origin)
      .hint("leave the mappings out, they come with the namespace");
}

}  // namespace

void check_joined_maps(const sys::Procfs& proc, const Namespaces& namespaces) {
  check_map(proc, "uid_map", namespaces.expected_uid_maps, "/linux/uidMappings");
  check_map(proc, "gid_map", namespaces.expected_gid_maps, "/linux/gidMappings");
}

void AdoptedNamespaces::save(std::uint64_t flag) {
  Saved saved{flag, open_own(proc_, "self", flag), {}, {}};
  if (flag == CLONE_NEWNS) {
    saved.root = sys::openat(sys::FdRef::cwd(), "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    saved.directory = sys::openat(sys::FdRef::cwd(), ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  }
  saved_.push_back(std::move(saved));
}

void AdoptedNamespaces::join(const JoinNamespace& ns) {
  const sys::UniqueFd file = open_namespace(ns);
  save(ns.flag);
  join_namespace(ns, file);
}

void AdoptedNamespaces::join_mounts_of(int pid) {
  enter(CLONE_NEWNS, open_own(proc_, std::to_string(pid), CLONE_NEWNS));
}

void AdoptedNamespaces::enter(std::uint64_t flag, sys::FdRef file) {
  save(flag);
  sys::setns(file, flag);
}

void write_time_offsets(const sys::Procfs& proc, const std::map<std::string, spec::TimeOffset>& offsets) {
  std::string text;
  for (const auto& [clock, offset] : offsets)
    text += clock + " " + std::to_string(offset.secs) + " " + std::to_string(offset.nanosecs) + "\n";
  if (text.empty()) return;
  const int error = proc.try_write("self/timens_offsets", text);
  if (error == 0) return;
  throw Error::from_errno("write time offsets", error)
      .at("/linux/timeOffsets")
      .hint("the resulting clock must stay between 0 and 146 years");
}

void AdoptedNamespaces::make_mounts() {
  save(CLONE_NEWNS);
  sys::unshare(CLONE_NEWNS);
  const int error_number = sys::try_mount("", "/", "", MS_SLAVE | MS_REC, "");
  if (error_number != 0) throw_errno("mount \"/\" MS_SLAVE|MS_REC", error_number);
}

void AdoptedNamespaces::make_time(const std::map<std::string, spec::TimeOffset>& offsets) {
  save(CLONE_NEWTIME);
  sys::unshare(CLONE_NEWTIME);
  write_time_offsets(proc_, offsets);
}

AdoptedNamespaces::~AdoptedNamespaces() {
  while (!saved_.empty()) {
    const Saved& saved = saved_.back();
    try {
      sys::setns(saved.ns, saved.flag);
      if (saved.root) {
        sys::fchdir(saved.root);
        sys::chroot(".");
        sys::fchdir(saved.directory);
      }
    } catch (const Error& error) {
      sys::log_final_error(std::string("can't return to my own namespace: ") + error.what());
      ::_exit(1);
    }
    saved_.pop_back();
  }
}

}  // namespace ocx::runtime
