// Which flags seccomp(2) really gets: an outer filter answers every load with the flags as errno.
#include <catch2/catch.hpp>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <string>

#include "sys/error.hpp"
#include "tests/unit/forked.hpp"
#include "tests/unit/runtime/fake_init.hpp"

using namespace ocx;
using namespace ocx::test;

namespace {

void answer_with_flags() {
  constexpr auto call = static_cast<unsigned>(SYS_seccomp), load = unsigned{SECCOMP_SET_MODE_FILTER};
  sock_filter code[] = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 5, call},
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, args)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, load},
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, args) + 8},
      {BPF_ALU | BPF_OR | BPF_K, 0, 0, SECCOMP_RET_ERRNO | 0x800},  // errno 0 would be success
      {BPF_RET | BPF_A, 0, 0, 0},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  };
  const sock_fprog program{std::size(code), code};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/// In hexadecimal, as seccomp(2) got them.
std::string flags_of(const std::optional<std::uint32_t>& wanted, bool listener) {
  return forked([&]() -> std::string {
    FakeInit init;
    init.plan.seccomp.emplace();
    init.plan.seccomp->flags = wanted;
    const sock_filter allow{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
    init.channel.program.assign(reinterpret_cast<const char*>(&allow), sizeof allow);
    answer_with_flags();
    try {
      runtime::execute(init.context, runtime::step::LoadSeccomp{listener});
      return "loaded";
    } catch (const Error& error) {
      return std::to_string(error.error_number() & ~0x800);
    }
  });
}

}  // namespace

TEST_CASE("the flags of the profile reach seccomp(2)", "[seccomp]") {
  constexpr std::uint32_t log = SECCOMP_FILTER_FLAG_LOG, tsync = SECCOMP_FILTER_FLAG_TSYNC,
                          allow = SECCOMP_FILTER_FLAG_SPEC_ALLOW, esrch = SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
                          listener = SECCOMP_FILTER_FLAG_NEW_LISTENER,
                          killable = SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  struct Row {
    std::optional<std::uint32_t> wanted;
    bool listener;
    std::uint32_t flags;
  };
  for (const Row& row : {Row{{}, false, allow}, Row{0U, false, 0}, Row{log, false, log},
                         Row{log | tsync | allow, false, log | tsync | allow}, Row{killable, false, 0},
                         Row{{}, true, allow | listener}, Row{killable, true, killable | listener},
                         Row{tsync, true, tsync | esrch | listener}}) {
    INFO(row.flags);
    CHECK(flags_of(row.wanted, row.listener) == std::to_string(row.flags));
  }
}
