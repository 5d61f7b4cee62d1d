#include "runtime/seccomp_interpreter.hpp"

#include <linux/filter.h>

#include <cstring>

namespace ocx::runtime {
namespace {

std::uint32_t word_of(const seccomp_data& data, std::uint32_t offset) {
  std::uint32_t word = 0;
  if (offset <= sizeof data - sizeof word)
    std::memcpy(&word, reinterpret_cast<const char*>(&data) + offset, sizeof word);
  return word;
}

bool compares(std::uint16_t code) {
  return BPF_CLASS(code) == BPF_JMP && BPF_SRC(code) == BPF_K && BPF_OP(code) != BPF_JA;
}

bool holds(std::uint16_t code, std::uint32_t word, std::uint32_t value) {
  switch (BPF_OP(code)) {
    case BPF_JEQ:
      return word == value;
    case BPF_JGT:
      return word > value;
    case BPF_JGE:
      return word >= value;
    default:
      return (word & value) != 0;  // BPF_JSET
  }
}

}  // namespace

std::uint32_t evaluate_filter(std::string_view program, const seccomp_data& data) {
  std::uint32_t accumulator = 0;
  std::size_t at = 0;
  while (at < program.size() / sizeof(sock_filter)) {
    sock_filter instruction{};
    std::memcpy(&instruction, program.data() + at * sizeof instruction, sizeof instruction);
    const auto [code, if_true, if_false, value] = instruction;
    ++at;
    if (code == (BPF_RET | BPF_K)) return value;
    if (code == (BPF_LD | BPF_W | BPF_ABS))
      accumulator = word_of(data, value);
    else if (code == (BPF_ALU | BPF_AND | BPF_K))
      accumulator &= value;
    else if (code == (BPF_JMP | BPF_JA))
      at += value;
    else if (compares(code))
      at += holds(code, accumulator, value) ? if_true : if_false;
    else
      break;
  }
  return SECCOMP_RET_KILL_PROCESS;
}

}  // namespace ocx::runtime
