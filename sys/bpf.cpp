#include "sys/bpf.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::sys {
namespace {

constexpr char license[] = "Apache-2.0";
constexpr std::size_t log_bytes = 64U << 10U;

std::uint64_t address(const void* object) {
  return reinterpret_cast<std::uintptr_t>(object);
}

std::uint32_t number(FdRef fd) {
  return static_cast<std::uint32_t>(fd.raw());
}

long bpf(bpf_cmd command, bpf_attr& attributes) {
  return ::syscall(SYS_bpf, command, &attributes, sizeof(attributes));
}

int error_of(long result) {
  return result < 0 ? errno : 0;
}

/// RLIMIT_MEMLOCK as high as it goes, until the end of the block.
class RaisedMemlock {
 public:
  RaisedMemlock() {
    if (::getrlimit(RLIMIT_MEMLOCK, &before_) != 0 || before_.rlim_cur == RLIM_INFINITY) return;
    const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY}, hard{before_.rlim_max, before_.rlim_max};
    raised_ = ::setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0 || ::setrlimit(RLIMIT_MEMLOCK, &hard) == 0;
  }
  ~RaisedMemlock() {
    if (raised_) ::setrlimit(RLIMIT_MEMLOCK, &before_);
  }
  RaisedMemlock(const RaisedMemlock&) = delete;
  RaisedMemlock& operator=(const RaisedMemlock&) = delete;
  explicit operator bool() const { return raised_; }

 private:
  rlimit before_{};
  bool raised_ = false;
};

bpf_attr load_attributes(const std::vector<bpf_insn>& code, const std::string& name) {
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insn_cnt = static_cast<std::uint32_t>(code.size());
  attributes.insns = address(code.data());
  attributes.license = address(license);
  std::copy_n(name.begin(), std::min(name.size(), sizeof(attributes.prog_name) - 1), attributes.prog_name);
  return attributes;
}

FdResult load(bpf_attr& attributes) {
  // The verifier gives up for any signal (Linux 5.0), EAGAIN; a caller that keeps getting them must end, too.
  long fd = -1;
  for (int attempt = 0; attempt < 5; ++attempt) {
    fd = bpf(BPF_PROG_LOAD, attributes);
    if (fd >= 0 || errno != EAGAIN) break;
  }
  if (fd < 0) return {UniqueFd(), errno};
  return {UniqueFd(static_cast<int>(fd)), 0};
}

/// The line of the verifier's log that says why: the last but for its statistics ("processed 4 insns …").
std::string last_words(std::string_view log) {
  std::string words;
  for (const std::string& line : split(log.substr(0, log.find('\0')), '\n'))
    if (!line.empty() && line.rfind("processed ", 0) != 0) words = line;
  return words;
}

/// The verifier's reason, from a second try: a log makes each load slow.
std::string verifier_reason(bpf_attr attributes) {
  std::string log(log_bytes, '\0');
  attributes.log_level = 1;
  attributes.log_size = static_cast<std::uint32_t>(log.size());
  attributes.log_buf = address(log.data());
  // A log that doesn't fit is ENOSPC, and what fits is there.
  load(attributes);
  return last_words(log);
}

[[noreturn]] void refuse_load(const bpf_attr& attributes, int error_number) {
  const std::string call =
      "bpf BPF_PROG_LOAD, a device program of " + std::to_string(attributes.insn_cnt) + " instructions";
  const std::string reason = error_number == EPERM ? "" : verifier_reason(attributes);
  // A type that the kernel wasn't built with is refused before the verifier says anything.
  if (error_number == ENOSYS || (error_number == EINVAL && reason.empty()))
    throw Error(call, ErrorKind::unsupported, error_number)
        .hint("the kernel needs CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF");
  Error error = Error::from_errno(reason.empty() ? call : call + ", " + quote(reason), error_number);
  if (error_number == EPERM)
    error.hint("it takes CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN, outside of user namespaces");
  if (error_number == E2BIG)
    error.hint("the kernel takes 1000000 instructions, and 4096 before Linux 5.2 or without CAP_BPF");
  throw std::move(error);
}

}  // namespace

UniqueFd bpf_load_device_program(const std::vector<bpf_insn>& code, const std::string& name) {
  bpf_attr attributes = load_attributes(code, name);
  FdResult result = load(attributes);
  if (result.error_number == EPERM) {
    // Before Linux 5.11 programs count as locked memory, for root as well; can go with 5.10.
    if (const RaisedMemlock raised; raised) result = load(attributes);
  }
  if (!result) refuse_load(attributes, result.error_number);
  return std::move(result.fd);
}

BpfAttached bpf_query_device_programs(FdRef cgroup) {
  // The kernel attaches 64 at most (BPF_CGROUP_MAX_PROGS), so that ENOSPC can't be.
  std::array<std::uint32_t, 64> ids{};
  bpf_attr attributes{};
  attributes.query.target_fd = number(cgroup);
  attributes.query.attach_type = BPF_CGROUP_DEVICE;
  attributes.query.prog_ids = address(ids.data());
  attributes.query.prog_cnt = ids.size();
  if (bpf(BPF_PROG_QUERY, attributes) < 0) throw_errno("bpf BPF_PROG_QUERY, the cgroup's device programs");
  const std::size_t count = std::min<std::size_t>(attributes.query.prog_cnt, ids.size());
  return {{ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count)}, attributes.query.attach_flags};
}

int try_bpf_attach(FdRef cgroup, FdRef program, std::uint32_t flags, std::optional<FdRef> replaced) {
  bpf_attr attributes{};
  attributes.target_fd = number(cgroup);
  attributes.attach_bpf_fd = number(program);
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = flags;
  if (replaced) attributes.replace_bpf_fd = number(*replaced);
  return error_of(bpf(BPF_PROG_ATTACH, attributes));
}

int try_bpf_detach(FdRef cgroup, FdRef program) {
  bpf_attr attributes{};
  attributes.target_fd = number(cgroup);
  attributes.attach_bpf_fd = number(program);
  attributes.attach_type = BPF_CGROUP_DEVICE;
  return error_of(bpf(BPF_PROG_DETACH, attributes));
}

FdResult try_bpf_open_program(std::uint32_t id) {
  bpf_attr attributes{};
  attributes.prog_id = id;
  const long fd = bpf(BPF_PROG_GET_FD_BY_ID, attributes);
  if (fd < 0) return {UniqueFd(), errno};
  return {UniqueFd(static_cast<int>(fd)), 0};
}

std::string bpf_program_name(FdRef program) {
  bpf_prog_info info{};
  bpf_attr attributes{};
  attributes.info.bpf_fd = number(program);
  attributes.info.info_len = sizeof(info);
  attributes.info.info = address(&info);
  if (bpf(BPF_OBJ_GET_INFO_BY_FD, attributes) < 0) throw_errno("bpf BPF_OBJ_GET_INFO_BY_FD");
  return {info.name, ::strnlen(info.name, sizeof(info.name))};
}

}  // namespace ocx::sys
