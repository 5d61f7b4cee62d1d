#include "runtime/executable.hpp"

#include <elf.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <optional>

#include "runtime/init_context.hpp"
#include "sys/access.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/spawn.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

constexpr std::size_t head_size = 4096;

struct Machine {
  unsigned number;
  const char* name;
};
constexpr Machine machines[] = {{EM_386, "i386"},      {EM_MIPS, "mips"},
                                {EM_PPC, "ppc"},       {EM_PPC64, "ppc64"},
                                {EM_S390, "s390x"},    {EM_ARM, "arm"},
                                {EM_X86_64, "x86_64"}, {EM_AARCH64, "aarch64"},
                                {EM_RISCV, "riscv"},   {258 /* EM_LOONGARCH */, "loongarch"}};

#if defined(__x86_64__)
constexpr unsigned own_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr unsigned own_machine = EM_AARCH64;
#elif defined(__riscv)
constexpr unsigned own_machine = EM_RISCV;
#elif defined(__powerpc64__)
constexpr unsigned own_machine = EM_PPC64;
#elif defined(__s390x__)
constexpr unsigned own_machine = EM_S390;
#elif defined(__arm__)
constexpr unsigned own_machine = EM_ARM;
#elif defined(__i386__)
constexpr unsigned own_machine = EM_386;
#else
constexpr unsigned own_machine = 0;
#endif
constexpr unsigned char own_byte_order =
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;

template <class T>
bool copy_at(std::string_view bytes, std::uint64_t offset, T& into) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return false;
  std::memcpy(&into, bytes.data() + offset, sizeof(T));
  return true;
}

template <class Header, class Segment>
void inspect_elf(std::string_view head, ProgramImage& image) {
  Header header{};
  if (!copy_at(head, 0, header)) return;
  image.machine = header.e_machine;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Segment segment{};
    // A sum that wraps lands beyond the head or reads other bytes of it: harmless either way.
    if (!copy_at(head, std::uint64_t{header.e_phoff} + std::uint64_t{i} * header.e_phentsize, segment))
      return;
    if (segment.p_type != PT_INTERP) continue;
    if (segment.p_offset >= head.size()) return;
    const std::string_view name = head.substr(segment.p_offset, segment.p_filesz);
    image.interpreter = name.substr(0, name.find('\0'));
    return;
  }
}

std::string script_interpreter(std::string_view head) {
  std::string_view line = head.substr(2);
  line = line.substr(0, line.find('\n'));
  const std::size_t first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  line.remove_prefix(first);
  return std::string(line.substr(0, line.find_first_of(" \t")));
}

std::string explain_missing(const ProgramImage& image) {
  if (image.interpreter.empty()) return "";
  if (image.kind == ProgramImage::Kind::elf)
    return "its ELF interpreter " + sys::quote(image.interpreter) +
           " is missing (built for another C library?)";
  std::string text = "its #! interpreter " + sys::quote(image.interpreter) + " is missing";
  if (image.interpreter.back() == '\r') text += " (the line ends in a carriage return)";
  return text;
}

std::string of_other_machine(const ProgramImage& image) {
  return "it is a program for " + machine_name(image.machine) + ", this machine is " +
         machine_name(own_machine);
}

std::string explain_format(const ProgramImage& image) {
  switch (image.kind) {
    case ProgramImage::Kind::empty:
      return "the file is empty";
    case ProgramImage::Kind::elf:
      if (image.machine == own_machine) return "the ELF file is damaged or of a kind this kernel doesn't run";
      return of_other_machine(image);
    case ProgramImage::Kind::script:
      return "its #! line names no interpreter that can be executed";
    case ProgramImage::Kind::other:
      return "it is neither an ELF program nor a script that begins with #!";
  }
  return "";
}

std::optional<ProgramImage> read_image(const std::string& path) {
  // Non-blocking: a FIFO put in the program's place must not hang whoever explains.
  const sys::FdResult file = sys::try_openat(sys::FdRef::cwd(), path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (!file || !S_ISREG(sys::fstat(file.fd).st_mode)) return std::nullopt;
  std::string head;
  sys::read_some(file.fd, head, head_size);
  return inspect_program(head);
}

// access(2) asks for modes alone: what it allows and execve does not, a label or Landlock rules deny.
std::string explain_denial(const std::string& path, const std::string& interpreter) {
  if (sys::execute_access(path).error_number != 0) return "";
  if (!interpreter.empty() && sys::execute_access(interpreter).error_number != 0)
    return "its interpreter " + sys::quote(interpreter) + " can't be executed";
  return "its mode allows it: a profile of AppArmor or SELinux, or Landlock rules (\"read,execute\" for it "
         "and " +
         (interpreter.empty() ? "its interpreter" : "its interpreter " + sys::quote(interpreter)) +
         ") do not";
}

[[noreturn]] void throw_unusable(const std::string& name, int error_number) {
  // Engines know "permission denied" as the reason for exit code 126; podman's exec knows nothing else.
  if (error_number == EISDIR) throw_errno("exec: " + sys::quote(name) + ": is a directory", EACCES);
  throw_errno("exec: " + sys::quote(name), error_number);
}

std::string find_by_path(const std::string& name) {
  const sys::ExecuteAccess access = sys::execute_access(name);
  if (access.error_number == 0) return name;
  if (access.found) throw_unusable(name, access.error_number);
  // What Go's exec prints, and engines match: the path twice.
  throw_errno("exec: " + sys::quote(name) + ": stat " + name, access.error_number);
}

// execvp(3), but that a directory one may not search counts as not having the program: 127 and not 126 is
// what users expect.
std::string find_in_path(const std::string& name, const std::string& path_variable) {
  bool unusable = false;
  // No default: a container without PATH has no program but by its path (runc's rule; an image's PATH is the
  // engine's business).
  const std::vector<std::string> directories =
      path_variable.empty() || name.empty() ? std::vector<std::string>() : sys::split(path_variable, ':');
  for (const std::string& directory : directories) {
    const std::string candidate = (directory.empty() ? "." : directory) + "/" + name;
    const sys::ExecuteAccess access = sys::execute_access(candidate);
    if (access.error_number == 0) return candidate;
    unusable = unusable || (access.found && access.error_number == EACCES);
  }
  if (unusable) throw_unusable(name, EACCES);
  throw Error("exec: " + sys::quote(name) + ": executable file not found in $PATH");
}

}  // namespace

std::string foreign_machine(const ProgramImage& image) {
  const bool runs = image.kind != ProgramImage::Kind::elf || own_machine == 0 ||
                    image.machine == own_machine || (own_machine == EM_X86_64 && image.machine == EM_386) ||
                    (own_machine == EM_AARCH64 && image.machine == EM_ARM);
  return runs ? "" : of_other_machine(image);
}

ProgramImage inspect_program(std::string_view head) {
  ProgramImage image;
  if (head.empty()) {
    image.kind = ProgramImage::Kind::empty;
  } else if (head.substr(0, 2) == "#!") {
    image.kind = ProgramImage::Kind::script;
    image.interpreter = script_interpreter(head);
  } else if (head.size() > EI_NIDENT && head.substr(0, SELFMAG) == ELFMAG) {
    image.kind = ProgramImage::Kind::elf;
    image.bits = head[EI_CLASS] == ELFCLASS32 ? 32 : 64;
    if (head[EI_DATA] != static_cast<char>(own_byte_order)) return image;
    if (image.bits == 32)
      inspect_elf<Elf32_Ehdr, Elf32_Phdr>(head, image);
    else
      inspect_elf<Elf64_Ehdr, Elf64_Phdr>(head, image);
  }
  return image;
}

std::string machine_name(unsigned machine) {
  for (const Machine& known : machines)
    if (known.number == machine) return known.name;
  return machine == 0 ? "another byte order" : "machine " + std::to_string(machine);
}

std::string explain_exec_failure(const std::string& path, int error_number) noexcept {
  if (error_number != ENOENT && error_number != ENOEXEC && error_number != EACCES) return "";
  try {
    const std::optional<ProgramImage> image = read_image(path);
    if (error_number == EACCES) return explain_denial(path, image.value_or(ProgramImage{}).interpreter);
    if (!image) return "";
    return error_number == ENOENT ? explain_missing(*image) : explain_format(*image);
  } catch (const std::exception&) {
    return "";
  }
}

void execute(InitContext& ctx, const step::FindExecutable& step) {
  const bool is_path = step.name.find('/') != std::string::npos;
  ctx.executable = is_path ? find_by_path(step.name) : find_in_path(step.name, step.path_variable);
}

}  // namespace ocx::runtime
