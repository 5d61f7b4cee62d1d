#include "sys/capture.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "sys/access.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::sys {
namespace {

constexpr const char* usual_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A file takes any amount without anybody reading it meanwhile.
UniqueFd memory_file() {
  UniqueFd file(::memfd_create("output", MFD_CLOEXEC));
  if (!file) throw_errno("memfd_create");
  return file;
}

std::string content(FdRef file) {
  if (::lseek(file.raw(), 0, SEEK_SET) != 0) throw_errno("lseek");
  return read_all(file);
}

}  // namespace

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  for (const std::string& directory : split(path != nullptr && *path != '\0' ? path : usual_path, ':')) {
    if (directory.empty() || directory[0] != '/') continue;
    std::string candidate = directory + "/" + name;
    if (execute_access(candidate).error_number == 0) return candidate;
  }
  return {};
}

std::vector<std::string> own_environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable)
    variables.emplace_back(*variable);
  return variables;
}

Captured capture(const Program& program) {
  const UniqueFd input = openat(FdRef::cwd(), "/dev/null", O_RDONLY);
  const UniqueFd output = memory_file(), error_output = memory_file();
  const Spawned child = spawn(program, input, output, error_output);
  if (child.error_number != 0) throw_errno("execve " + quote(program.path), child.error_number);
  Captured result;
  result.status = wait_for_child(child.pidfd);
  result.output = content(output);
  result.error_output = content(error_output);
  return result;
}

}  // namespace ocx::sys
