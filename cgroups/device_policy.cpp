#include "cgroups/device_policy.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "cgroups/device_list.hpp"
#include "cgroups/device_program.hpp"
#include "sys/bpf.hpp"
#include "sys/error.hpp"
#include "sys/log.hpp"
#include "sys/user_namespace.hpp"

namespace ocx::cgroups {
namespace {

constexpr char program_name[] = "ocx_device";
constexpr char origin[] = "/linux/resources/devices";

std::vector<bpf_insn> program_of(std::vector<spec::DeviceRule> rules) {
  const std::vector<spec::DeviceRule>& defaults = default_device_rules();
  rules.insert(rules.end(), defaults.begin(), defaults.end());
  return device_program(rules);
}

/// The programs among these that an earlier ocx attached. One that is gone meanwhile is nobody's.
std::vector<sys::UniqueFd> own_programs(const std::vector<std::uint32_t>& ids) {
  std::vector<sys::UniqueFd> own;
  for (const std::uint32_t id : ids) {
    sys::FdResult program = sys::try_bpf_open_program(id);
    if (program.error_number == ENOENT) continue;
    if (!program) throw_errno("bpf BPF_PROG_GET_FD_BY_ID " + std::to_string(id), program.error_number);
    if (sys::bpf_program_name(program.fd) == program_name) own.push_back(std::move(program.fd));
  }
  return own;
}

void detach(sys::FdRef cgroup, const std::vector<sys::UniqueFd>& programs) {
  for (const sys::UniqueFd& program : programs) {
    const int error_number = sys::try_bpf_detach(cgroup, program);
    if (error_number != 0 && error_number != ENOENT) throw_errno("bpf BPF_PROG_DETACH", error_number);
  }
}

void attach(sys::FdRef cgroup, sys::FdRef program, std::uint32_t flags) {
  const int error_number = sys::try_bpf_attach(cgroup, program, flags);
  if (error_number == 0) return;
  Error error = Error::from_errno("bpf BPF_PROG_ATTACH, the cgroup's device program", error_number);
  if (error_number == EPERM) error.hint("a cgroup above it may have a program that allows none below");
  if (error_number == EINVAL) error.hint("the kernel needs CONFIG_CGROUP_BPF, and the cgroup to be of v2");
  if (error_number == E2BIG) error.hint("a cgroup takes 64 programs");
  throw std::move(error);
}

/// With BPF_F_ALLOW_MULTI every program has to allow a request, so that the new one beside the old ones is
/// never less than either.
void attach_beside(sys::FdRef cgroup, sys::FdRef program, std::vector<sys::UniqueFd> own) {
  int error_number = EINVAL;
  if (!own.empty())
    error_number = sys::try_bpf_attach(cgroup, program, BPF_F_ALLOW_MULTI | BPF_F_REPLACE, own.back().ref());
  if (error_number == 0)
    own.pop_back();
  else
    // BPF_F_REPLACE is Linux 5.6; can go with 5.5.
    attach(cgroup, program, BPF_F_ALLOW_MULTI);
  detach(cgroup, own);
}

void install(sys::FdRef cgroup, const std::vector<bpf_insn>& code) {
  const sys::UniqueFd program = sys::bpf_load_device_program(code, program_name);
  const sys::BpfAttached attached = sys::bpf_query_device_programs(cgroup);
  // A program that was attached to be the only one can't have company; the kernel replaces it by the next.
  const bool multi = attached.ids.empty() || (attached.flags & BPF_F_ALLOW_MULTI) != 0;
  if (multi)
    attach_beside(cgroup, program, own_programs(attached.ids));
  else
    attach(cgroup, program, attached.flags);
}

bool allows_everything(const std::vector<bpf_insn>& code) {
  return code.size() == 2 && code.front().imm == 1;
}

bool is_unprivileged() {
  return ::geteuid() != 0 || sys::in_user_namespace();
}

/// Index of the first rule that takes back a part of what is allowed, or nothing.
std::optional<std::size_t> first_partial_denial(const std::vector<spec::DeviceRule>& rules) {
  const auto found = std::find_if(rules.begin(), rules.end(), [](const spec::DeviceRule& rule) {
    return !rule.allow && !matches_everything(rule);
  });
  if (found == rules.end()) return std::nullopt;
  return static_cast<std::size_t>(found - rules.begin());
}

}  // namespace

void do_without_devices(const std::vector<spec::DeviceRule>& rules, const Error& error) {
  const std::optional<std::size_t> denial = first_partial_denial(rules);
  if (denial)
    throw Error(error.message() + ", and an unprivileged caller's device rules can't deny a part",
                ErrorKind::unsupported, error.error_number())
        .at(std::string(origin) + "/" + std::to_string(*denial))
        .hint("remove the rule: no device but the listed ones is in the container");
  sys::log_debug(std::string(error.what()) + ": no device program, the user namespace keeps devices out");
}

void attach_device_policy(sys::FdRef cgroup_directory, const std::vector<spec::DeviceRule>& rules) {
  if (rules.empty()) return;
  try {
    const std::vector<bpf_insn> code = program_of(rules);
    if (allows_everything(code))
      detach(cgroup_directory, own_programs(sys::bpf_query_device_programs(cgroup_directory).ids));
    else
      install(cgroup_directory, code);
  } catch (Error& error) {
    if (error.error_number() != EPERM || !is_unprivileged()) throw std::move(error.at(origin));
    do_without_devices(rules, error);
  }
}

}  // namespace ocx::cgroups
