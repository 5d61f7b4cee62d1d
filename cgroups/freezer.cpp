// Freezing and thawing: cgroup.freeze and cgroup.events of v2 (Linux 5.2), the freezer controller of v1
// (kernel document cgroup-v1/freezer-subsystem.rst).
#include <cerrno>

#include "cgroups/tree_manager.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/kernel_file.hpp"
#include "sys/rollback.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

constexpr int freeze_ms = 10'000;
constexpr int stuck_ms = 500;

const sys::FdRef here = sys::FdRef::cwd();

std::string switch_of(const Tree& tree) {
  return tree.directory + (tree.v2 ? "/cgroup.freeze" : "/freezer.state");
}

int try_switch(const Tree& tree, bool freeze) {
  if (tree.v2) return sys::try_write_file(here, switch_of(tree), freeze ? "1" : "0");
  return sys::try_write_file(here, switch_of(tree), freeze ? "FROZEN" : "THAWED");
}

void switch_on(const Tree& tree) {
  const int error_number = try_switch(tree, true);
  if (error_number == ENOENT && sys::fstatat(here, tree.directory))
    throw Error("cgroup " + sys::quote(tree.directory) + " has no freezer", ErrorKind::unsupported)
        .hint("the kernel has it from Linux 5.2 on; or mount the v1 controller \"freezer\"");
  if (error_number != 0) throw_errno("write to " + sys::quote(switch_of(tree)), error_number);
}

std::string v1_state(const Tree& tree) {
  std::string text;
  try {
    text = sys::read_file_if_any(here, switch_of(tree)).value_or("");
  } catch (const Error& error) {
    if (error.error_number() != ENODEV) throw;  // removed by another command after it was opened
  }
  return text;
}

bool says_frozen(const Tree& tree) {
  if (!tree.v2) return v1_state(tree).starts_with("FR");  // FROZEN or FREEZING, else THAWED
  try {
    const std::string events = sys::read_file_if_any(here, tree.directory + "/cgroup.events").value_or("");
    return flat_value(events, "frozen") != 0;
  } catch (const Error& error) {
    if (error.error_number() != ENODEV) throw;
    return false;
  }
}

/// True when every member has stopped before the time is over.
bool freeze_v2(const Tree& tree, const sys::Deadline& deadline) {
  const sys::KernelFile events(sys::openat(here, tree.directory + "/cgroup.events", O_RDONLY));
  switch_on(tree);
  while (flat_value(events.read(), "frozen") == 0)
    if (!events.wait_for_change(deadline.remaining_ms())) return false;
  return true;
}

/// FREEZING becomes FROZEN only when somebody reads it, and no event tells when. A task that was created or
/// woken at the wrong moment can keep it there for ever: the remedy the kernel's document names is to thaw
/// and to try again.
bool freeze_v1(const Tree& tree, const sys::Deadline& deadline) {
  while (!deadline.passed()) {
    switch_on(tree);
    const sys::Deadline stuck(stuck_ms);
    for (sys::Backoff backoff; !stuck.passed() && !deadline.passed(); backoff.pause())
      if (v1_state(tree).starts_with("FROZEN")) return true;
    try_switch(tree, false);
  }
  return false;
}

}  // namespace

const Tree* TreeManager::freezer() const {
  const Tree* v1 = find("freezer");
  if (v1 != nullptr) return v1;
  for (const Tree& tree : trees_)
    if (tree.v2) return &tree;
  return nullptr;
}

bool TreeManager::frozen() const {
  const Tree* tree = freezer();
  return tree != nullptr && says_frozen(*tree);
}

void TreeManager::freeze() {
  const Tree* tree = freezer();
  if (tree == nullptr)
    throw Error("the container has no cgroup with a freezer", ErrorKind::unsupported)
        .hint("mount the controller \"freezer\", or cgroup v2");
  sys::Rollback thaw_again;
  thaw_again.arm([this] { thaw(); });
  const sys::Deadline deadline(freeze_ms);
  if (!(tree->v2 ? freeze_v2(*tree, deadline) : freeze_v1(*tree, deadline)))
    throw Error("processes of cgroup " + sys::quote(tree->directory) +
                " did not freeze in 10 s; thawed again")
        .hint("one in uninterruptible sleep (state D in ps) can't be frozen");
  thaw_again.commit();
}

void TreeManager::request_freeze() {
  const Tree* tree = freezer();
  if (tree != nullptr) try_switch(*tree, true);
}

void TreeManager::thaw() {
  const Tree* tree = freezer();
  if (tree == nullptr) return;
  const int error_number = try_switch(*tree, false);
  if (error_number != 0 && error_number != ENOENT && error_number != ENODEV)
    throw_errno("write to " + sys::quote(switch_of(*tree)), error_number);
}

/// A new cgroup below a frozen one is frozen, too, and init would never run in it.
void TreeManager::check_thawed(const Tree& tree) const {
  const Tree* with_freezer = freezer();
  if (with_freezer == nullptr || with_freezer->directory != tree.directory || !says_frozen(tree)) return;
  throw Error("container's cgroup unexpectedly frozen: " + sys::quote(tree.directory));
}

}  // namespace ocx::cgroups
