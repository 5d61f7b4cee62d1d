#include <linux/capability.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "runtime/capabilities.hpp"
#include "runtime/init_context.hpp"
#include "runtime/seccomp_interpreter.hpp"
#include "spec/names.hpp"
#include "sys/error.hpp"
#include "sys/seccomp.hpp"
#include "sys/socket.hpp"

namespace ocx::runtime {

void InitChannel::announce_listener(int, sys::FdRef) {
  throw Error("the filter stops the call that hands over its listener", ErrorKind::unsupported);
}

namespace {

constexpr const char* filter_origin = "/linux/seccomp";
constexpr const char* flags_origin = "/linux/seccomp/flags";

std::uint32_t load_flags(const spec::Seccomp& profile, bool listener) {
  // Absent: the payload asks for its own speculation barriers where it wants them (prctl(2),
  // PR_SET_SPECULATION_CTRL), as elsewhere.
  std::uint32_t flags = profile.flags.value_or(SECCOMP_FILTER_FLAG_SPEC_ALLOW);
  if (!listener)
    return flags & ~std::uint32_t{SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV};  // about listeners only
  flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
  // Both want to be the result; with this one the listener is.
  if ((flags & SECCOMP_FILTER_FLAG_TSYNC) != 0) flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
  return flags;
}

[[noreturn]] void explain_refusal(int error_number, std::uint32_t flags) {
  Error error = Error::from_errno("seccomp SECCOMP_SET_MODE_FILTER", error_number);
  if (error_number == EACCES)
    error.hint("without /process/noNewPrivileges a filter needs CAP_SYS_ADMIN: set it");
  if (error_number == EBUSY)
    error.hint("ocx itself runs under a filter with a listener, and the kernel takes one of them");
  if (error_number != EINVAL) throw error;
  for (const auto& [name, flag] : spec::seccomp_flags)
    if ((flags & flag) != 0 && !sys::seccomp_knows_flag(flag))
      throw Error("this kernel has no " + std::string(name), ErrorKind::unsupported).at(flags_origin);
  if ((flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0 &&
      !sys::seccomp_knows_flag(SECCOMP_FILTER_FLAG_NEW_LISTENER))
    throw Error("this kernel has no SCMP_ACT_NOTIFY", ErrorKind::unsupported).hint("it came with Linux 5.0");
  throw error;
}

sys::UniqueFd load(const std::string& program, const spec::Seccomp& profile, bool listener) {
  std::uint32_t flags = load_flags(profile, listener);
  sys::FdResult loaded = sys::try_seccomp_load(program, flags);
  if (loaded.error_number == EACCES && raise_effective(CAP_SYS_ADMIN))
    loaded = sys::try_seccomp_load(program, flags);
  if (loaded.error_number == EINVAL && !profile.flags) {  // before Linux 4.17
    flags &= ~std::uint32_t{SECCOMP_FILTER_FLAG_SPEC_ALLOW};
    loaded = sys::try_seccomp_load(program, flags);
  }
  if (!loaded) explain_refusal(loaded.error_number, flags);
  return std::move(loaded.fd);
}

bool passes(const std::string& program, long number, const std::array<std::uint64_t, 6>& arguments) {
  seccomp_data data{};
  data.nr = static_cast<int>(number);
  data.arch = ::seccomp_arch_native();
  std::copy(arguments.begin(), arguments.end(), data.args);
  const std::uint32_t action = evaluate_filter(program, data);
  return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}

/// Whatever its arguments, as far as a few samples tell: zeros, ones, and what ocx uses.
bool passes_sendmsg(const std::string& program) {
  constexpr std::uint64_t ones = ~0ULL;
  return passes(program, SYS_sendmsg, {}) &&
         passes(program, SYS_sendmsg, {ones, ones, ones, ones, ones, ones}) &&
         passes(program, SYS_sendmsg, {3, 0x7ffc00000000, MSG_NOSIGNAL});
}

/// A call that the other end of a socket notices.
struct Signal {
  std::array<std::uint64_t, 6> arguments;
  long number;
};

/// The first call that passes the filter and makes the other end of `event` readable.
std::optional<Signal> choose_signal(const std::string& program, int event, const char* byte) {
  const auto fd = static_cast<std::uint64_t>(event);
  const auto text = reinterpret_cast<std::uint64_t>(byte);
  const std::array<Signal, 6> candidates{{{{fd}, SYS_close},
                                          {{fd, SHUT_RDWR}, SYS_shutdown},
                                          {{fd, text, 1}, SYS_write},
                                          {{fd, text, 1, MSG_NOSIGNAL}, SYS_sendto},
                                          {{fd, fd}, SYS_close_range},
                                          {{0, fd}, SYS_dup3}}};
  for (const Signal& candidate : candidates)
    if (passes(program, candidate.number, candidate.arguments)) return candidate;
  return std::nullopt;
}

/// sendmsg would wait for an agent who is still to get the listener. The parent takes it by its number
/// (pidfd_getfd(2)) when another call tells that it is there.
void load_and_signal(InitChannel& channel, const std::string& program, const spec::Seccomp& profile) {
  auto [ours, theirs] = sys::socketpair_seqpacket();
  const char byte = 'l';
  const std::optional<Signal> signal = choose_signal(program, ours.ref().raw(), &byte);
  if (!signal)
    throw Error("the filter stops every call that could tell of its listener", ErrorKind::unsupported)
        .at(filter_origin)
        .hint("allow close or write without a notification");
  // While the parent's end is open here the number is not yet the one that will be free.
  const int number = theirs.ref().raw();
  channel.announce_listener(number, theirs);
  theirs.reset();
  if (sys::next_descriptor() != number) throw Error("the listener's number can't be told beforehand");
  sys::UniqueFd listener = load(program, profile, true);
  sys::system_call(signal->number, signal->arguments);
  // Closing may be stopped until somebody answers, who is about to get the listener: exec closes both.
  ours.release();
  listener.release();
}

}  // namespace

void execute(InitContext& ctx, const step::LoadSeccomp& step) {
  // Never freed: that might be a call the filter kills for.
  const std::string& program = *new std::string(ctx.channel.receive_seccomp());
  const spec::Seccomp& profile = *ctx.plan.seccomp;
  if (!step.send_listener) {
    load(program, profile, false);
  } else if (passes_sendmsg(program)) {
    sys::UniqueFd listener = load(program, profile, true);
    ctx.channel.send_listener(listener);
    listener.release();  // exec closes it; see load_and_signal()
  } else {
    load_and_signal(ctx.channel, program, profile);
  }
}

}  // namespace ocx::runtime
