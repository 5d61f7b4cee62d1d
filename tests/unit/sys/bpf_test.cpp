#include "sys/bpf.hpp"

#include <catch2/catch.hpp>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "sys/error.hpp"
#include "tests/harness/forked.hpp"
#include "tests/harness/skip.hpp"

using namespace ocx;
using namespace ocx::sys;
using namespace ocx::test;

namespace {

bpf_insn answer(int value) {
  bpf_insn move{};
  move.code = BPF_ALU64 | BPF_MOV | BPF_K;
  move.dst_reg = BPF_REG_0;
  move.imm = value;
  return move;
}

bpf_insn exit_now() {
  bpf_insn instruction{};
  instruction.code = BPF_JMP | BPF_EXIT;
  return instruction;
}

/// The error of loading this, or an empty one.
Error load_error(const std::vector<bpf_insn>& code) {
  try {
    bpf_load_device_program(code, "ocx_test");
  } catch (const Error& error) {
    return error;
  }
  return Error("");
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool can_load() {
  return load_error({answer(1), exit_now()}).error_number() == 0;
}
#define NEEDS_BPF() \
  if (!can_load()) SKIP_TEST("this kernel or caller can load no device program")

}  // namespace

TEST_CASE("a device program is loaded under its name", "[sys][bpf]") {
  NEEDS_BPF();
  const UniqueFd program = bpf_load_device_program({answer(1), exit_now()}, "ocx_test");
  CHECK(bpf_program_name(program) == "ocx_test");
  const UniqueFd cut = bpf_load_device_program({answer(1), exit_now()}, "a_name_that_is_too_long");
  CHECK(bpf_program_name(cut) == "a_name_that_is_");
}

TEST_CASE("a program that the verifier refuses says why", "[sys][bpf]") {
  NEEDS_BPF();
  const Error no_answer = load_error({exit_now()});
  CHECK(no_answer.error_number() == EACCES);
  CHECK(contains(no_answer.message(), "a device program of 1 instructions"));
  CHECK(contains(no_answer.message(), "R0 !read_ok"));
  CHECK(!contains(no_answer.message(), "processed"));
  const Error two = load_error({answer(2), exit_now()});
  CHECK(contains(two.message(), "R0"));
  CHECK(contains(load_error({answer(1), exit_now(), answer(1), exit_now()}).message(), "unreachable"));
  CHECK(std::string(two.what()).find('\n') == std::string::npos);
}

TEST_CASE("a program that is too long names the limit", "[sys][bpf]") {
  NEEDS_BPF();
  std::vector<bpf_insn> code(1000001, answer(1));
  code.push_back(exit_now());
  const Error error = load_error(code);
  CHECK(error.error_number() == E2BIG);
  CHECK(contains(error.message(), "1000002 instructions"));
  CHECK(contains(error.hint(), "the kernel takes 1000000"));
}

TEST_CASE("an unprivileged caller learns what it takes, and keeps its limits", "[sys][bpf]") {
  if (::geteuid() != 0) SKIP_TEST("becomes another user");
  CHECK(forked([] {
          const rlimit low{65536, 65536};
          EXPECT(::setrlimit(RLIMIT_MEMLOCK, &low) == 0);
          EXPECT(::setresuid(65534, 65534, 65534) == 0);
          const Error error = load_error({answer(1), exit_now()});
          EXPECT(error.error_number() == EPERM);
          EXPECT(contains(error.hint(), "CAP_BPF"));
          rlimit after{};
          EXPECT(::getrlimit(RLIMIT_MEMLOCK, &after) == 0);
          EXPECT(after.rlim_cur == 65536 && after.rlim_max == 65536);
        }) == "ok");
}

TEST_CASE("a kernel without bpf is unsupported, not failed", "[sys][bpf]") {
  CHECK(forked([] {
          hide_system_calls({SYS_bpf});
          const Error error = load_error({answer(1), exit_now()});
          EXPECT(error.kind() == ErrorKind::unsupported);
          EXPECT(error.error_number() == ENOSYS);
          EXPECT(contains(error.hint(), "CONFIG_CGROUP_BPF"));
        }) == "ok");
}

TEST_CASE("what is no cgroup has no programs", "[sys][bpf]") {
  NEEDS_BPF();
  const UniqueFd program = bpf_load_device_program({answer(1), exit_now()}, "ocx_test");
  const UniqueFd directory = openat(FdRef::cwd(), "/", O_RDONLY | O_DIRECTORY);
  CHECK_THROWS_WITH(bpf_query_device_programs(directory), Catch::Contains("bpf BPF_PROG_QUERY"));
  CHECK(try_bpf_attach(directory, program, BPF_F_ALLOW_MULTI) == EBADF);
  CHECK(try_bpf_detach(directory, program) == EBADF);
  CHECK(try_bpf_open_program(0x7fffffff).error_number == ENOENT);
}
