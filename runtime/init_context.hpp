// What init's steps share while they run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/plan.hpp"
#include "sys/fd.hpp"
#include "sys/procfs.hpp"

namespace ocx::runtime {

/// Init's end of the conversation with the parent (handshake.hpp), as far as steps need it.
class InitChannel {
 public:
  virtual ~InitChannel() = default;
  /// Blocks until the parent has written the id maps / attached the cgroup.
  virtual void wait_for_id_maps() = 0;
  virtual void wait_for_cgroup() = 0;
  /// Hands the pty master to the parent, which sends it to the console socket or relays it.
  virtual void send_console(sys::FdRef master) = 0;
  /// Asks the privileged parent for a detached clone of a mount source (a path init itself may not reach:
  /// EACCES in a user namespace). The tree belongs to init's mount namespace.
  virtual sys::UniqueFd request_tree(const std::string& path, bool recursive) = 0;
  /// The same of the id-mapped mount with that origin, ids mapped.
  virtual sys::UniqueFd request_idmapped(const Origin& origin) = 0;
  /// Blocks until the parent has the compiled filter: the bytes of struct sock_filter instructions.
  virtual std::string receive_seccomp() = 0;
  /// Hands the descriptor of SECCOMP_FILTER_FLAG_NEW_LISTENER to the parent.
  virtual void send_listener(sys::FdRef listener) = 0;
  /// Before a filter is loaded that stops send_listener(): what number the listener will have, and a socket
  /// whose other end will be written to or closed when it is there.
  virtual void announce_listener(int number, sys::FdRef event);
};

struct InitContext {
  const Plan& plan;
  const sys::Procfs& proc;  // the host's /proc, opened by the parent
  InitChannel& channel;
  sys::UniqueFd root;      // O_PATH of the rootfs' own mount, after AttachRootfs; of "/" after EnterRoot
  sys::UniqueFd dev_null;  // detached bind of the verified host /dev/null (char 1:3), made by EnterRoot when
                           // anything is masked
  sys::UniqueFd
      empty_directory;  // one read-only empty tmpfs shared by all masked directories, made when first needed
  bool directory_denied = false;  // EnterDirectory as root got EACCES or EPERM: try again as the user
  std::string executable;         // found by FindExecutable
  std::string
      proc_self;  // init's own directory below `proc`, "self" (the handle is the host's pid namespace)
};

// One executor a step, in the file of its topic. Each throws ocx::Error; init.cpp adds the origin and
// describe().
void execute(InitContext&, const step::BecomeRoot&);         // user.cpp
void execute(InitContext&, const step::SessionKeyring&);     // keyring.cpp
void execute(InitContext&, const step::LoopbackUp&);         // network.cpp
void execute(InitContext&, const step::JoinCgroup&);         // namespaces.cpp
void execute(InitContext&, const step::SetHostname&);        // namespaces.cpp
void execute(InitContext&, const step::SetDomainname&);      // namespaces.cpp
void execute(InitContext&, const step::Sysctl&);             // sysctl.cpp
void execute(InitContext&, const step::RootPropagation&);    // rootfs.cpp
void execute(InitContext&, const step::AttachRootfs&);       // rootfs.cpp
void execute(InitContext&, const step::MountRoot&);          // rootfs.cpp
void execute(InitContext&, const step::Mount&);              // mount.cpp
void execute(InitContext&, const step::MakeDevice&);         // devices.cpp
void execute(InitContext&, const step::MakeLink&);           // devices.cpp
void execute(InitContext&, const step::EnterRoot&);          // pivot.cpp
void execute(InitContext&, const step::RootfsPropagation&);  // pivot.cpp
void execute(InitContext&, const step::Console&);            // console.cpp
void execute(InitContext&, const step::SetReadOnly&);        // masked_paths.cpp
void execute(InitContext&, const step::ReadonlyPath&);       // masked_paths.cpp
void execute(InitContext&, const step::MaskedPath&);         // masked_paths.cpp
void execute(InitContext&, const step::Personality&);        // process_attributes.cpp
void execute(InitContext&, const step::EnterDirectory&);     // working_directory.cpp
void execute(InitContext&, const step::NoNewPrivileges&);    // capabilities.cpp
void execute(InitContext&, const step::SetRlimit&);          // process_attributes.cpp
void execute(InitContext&, const step::SetUser&);            // user.cpp
void execute(InitContext&, const step::DropBounding&);       // capabilities.cpp
void execute(InitContext&, const step::SetCapabilities&);    // capabilities.cpp
void execute(InitContext&, const step::FindExecutable&);     // executable.cpp
void execute(InitContext&, const step::SetMemoryPolicy&);    // memory_policy.cpp
void execute(InitContext&, const step::AppArmorProfile&);    // apparmor.cpp
void execute(InitContext&, const step::SelinuxLabel&);       // selinux.cpp
void execute(InitContext&, const step::Landlock&);           // landlock.cpp
void execute(InitContext&, const step::LoadSeccomp&);        // load_seccomp.cpp

// The parent's steps, on init's pid; 0 is the caller itself (exec): process_attributes.cpp.
void execute(int init_pid, const sys::Procfs& proc, const step::OomScoreAdj&);
void execute(int init_pid, const sys::Procfs& proc, const step::SetRlimit&);
void execute(int init_pid, const sys::Procfs& proc, const step::SetScheduler&);
void execute(int init_pid, const sys::Procfs& proc, const step::SetIoPriority&);
void execute(int init_pid, const sys::Procfs& proc, const step::CoreScheduling&);  // core_scheduling.cpp

}  // namespace ocx::runtime
