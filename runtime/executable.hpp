// The program of the payload: where it is, and why it can't be executed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ocx::runtime {

/// What the first bytes of a program say about who can run it.
struct ProgramImage {
  enum class Kind { empty, elf, script, other };
  Kind kind = Kind::other;
  std::string interpreter;  // PT_INTERP, or the first word after "#!"; empty: none, or beyond these bytes
  unsigned machine = 0;     // ELF e_machine, 0 when not ELF or of a byte order this machine doesn't run
  unsigned bits = 0;        // ELF: 32 or 64
};
/// Pure; tolerates anything.
ProgramImage inspect_program(std::string_view head);
/// "x86_64" for EM_X86_64; "machine 12345" for what is not in the table.
std::string machine_name(unsigned machine);

/// "it is a program for aarch64, this machine is x86_64"; empty when the processor can run it.
std::string foreign_machine(const ProgramImage& image);

/// Why execve of an existing `path` may have failed with that errno, as a hint: the missing ELF or #!
/// interpreter behind ENOENT, the wrong machine or missing #! line behind ENOEXEC. Empty when there is
/// nothing to add. Reads the file's head; never throws.
std::string explain_exec_failure(const std::string& path, int error_number) noexcept;

}  // namespace ocx::runtime
