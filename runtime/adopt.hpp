// Namespaces joined by path: the process that clones init moves into them for that moment, so that init is
// born there and no second fork is needed (a pid namespace is only entered by children, setns(2)).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/plan.hpp"
#include "sys/fd.hpp"
#include "sys/procfs.hpp"

namespace ocx::runtime {

/// Moves the calling, single-threaded process; the destructor moves it back. A failure to come back ends the
/// process: going on in a container's namespaces would be worse than any error.
class AdoptedNamespaces {
 public:
  explicit AdoptedNamespaces(const sys::Procfs& proc) : proc_(proc) {}
  ~AdoptedNamespaces();
  AdoptedNamespaces(const AdoptedNamespaces&) = delete;
  AdoptedNamespaces& operator=(const AdoptedNamespaces&) = delete;

  /// Joins one namespace other than user. Error: not a namespace of that type (config-linux.md,
  /// "Namespaces").
  void join(const JoinNamespace& ns);
  /// Joins through an open namespace file. Error: setns(2)'s.
  void enter(std::uint64_t flag, sys::FdRef file);
  /// Enters the mount namespace of a process.
  void join_mounts_of(int pid);
  /// A copy of the mount namespace: mounts of the host still come in, its own go nowhere, and with its last
  /// process.
  void make_mounts();
  /// A new time namespace for the next child, with its offsets (time_namespaces(7): they are fixed with the
  /// first process).
  void make_time(const std::map<std::string, spec::TimeOffset>& offsets);

 private:
  struct Saved {
    std::uint64_t flag;
    sys::UniqueFd ns, root, directory;  // the latter two for mount namespaces: setns(2) resets them
  };
  void save(std::uint64_t flag);
  const sys::Procfs& proc_;
  std::vector<Saved> saved_;
};

/// Opens the namespace file; errors name the path and carry the origin.
sys::UniqueFd open_namespace(const JoinNamespace& ns);
/// Joins through an open namespace file for good.
void join_namespace(const JoinNamespace& ns, sys::FdRef file);
/// For a process of its own: writes <proc>/self/timens_offsets.
void write_time_offsets(const sys::Procfs& proc, const std::map<std::string, spec::TimeOffset>& offsets);
/// For the process that has joined a user namespace by path: its maps are those of the configuration, if that
/// has any.
void check_joined_maps(const sys::Procfs& proc, const Namespaces& namespaces);
/// The file below /proc/PID/ns of a CLONE_NEW* flag.
const char* namespace_file(std::uint64_t flag);

}  // namespace ocx::runtime
