// What a filter answers to a system call, worked out without making it.
#pragma once

#include <linux/seccomp.h>

#include <cstdint>
#include <string_view>

namespace ocx::runtime {

/// Runs a program (the bytes of its instructions) of the kind that compile_filter() makes: words of
/// seccomp_data, AND, comparisons with constants. Another instruction, or one outside the program, ends it
/// with SECCOMP_RET_KILL_PROCESS.
std::uint32_t evaluate_filter(std::string_view program, const seccomp_data& data);

}  // namespace ocx::runtime
