// What init's steps need, without a parent: the steps themselves meet the real kernel.
#pragma once

#include <optional>

#include "runtime/init_context.hpp"
#include "sys/file.hpp"

namespace ocx::test {

class FakeChannel : public runtime::InitChannel {
 public:
  void wait_for_id_maps() override { ++id_map_waits; }
  void wait_for_cgroup() override { ++cgroup_waits; }
  void send_console(sys::FdRef sent) override { master.reset(::fcntl(sent.raw(), F_DUPFD_CLOEXEC, 0)); }
  sys::UniqueFd request_tree(const std::string&, bool) override { return {}; }
  sys::UniqueFd request_idmapped(const runtime::Origin&) override { return {}; }
  std::string receive_seccomp() override { return program; }
  void send_listener(sys::FdRef sent) override { listener.reset(::fcntl(sent.raw(), F_DUPFD_CLOEXEC, 0)); }

  int id_map_waits = 0, cgroup_waits = 0;
  sys::UniqueFd master, listener;
  std::string program;  // what the parent compiled
};

// g++ 12 takes the members left to their defaults for forgotten ones.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
struct FakeInit {
  explicit FakeInit(const std::string& root = "/")
      : proc(sys::Procfs::open_host()), context{.plan = plan, .proc = proc, .channel = channel} {
    context.root = sys::openat(sys::FdRef::cwd(), root, O_PATH | O_DIRECTORY);
  }
  runtime::Plan plan;
  sys::Procfs proc;
  FakeChannel channel;
  runtime::InitContext context;
};
#pragma GCC diagnostic pop

}  // namespace ocx::test
