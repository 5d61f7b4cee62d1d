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

}  // namespace

UniqueFd output_file() {
  UniqueFd file(::memfd_create("output", MFD_CLOEXEC));
  if (!file) throw_errno("memfd_create");
  return file;
}

std::string output_of(FdRef file) {
  if (::lseek(file.raw(), 0, SEEK_SET) != 0) throw_errno("lseek");
  return read_all(file);
}

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
  const UniqueFd output = output_file(), error_output = output_file();
  const Spawned child = spawn(program, input, output, error_output);
  if (child.error_number != 0) throw_errno("execve " + quote(program.path), child.error_number);
  Captured result;
  result.status = wait_for_child(child.pidfd);
  result.output = output_of(output);
  result.error_output = output_of(error_output);
  return result;
}

}  // namespace ocx::sys
