#include "runtime/pid_file.hpp"

#include "sys/error.hpp"
#include "sys/file.hpp"

namespace ocx::runtime {

void write_pid_file(const std::string& path, int pid) {
  try {
    const std::size_t slash = path.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    const sys::UniqueFd fd = sys::openat(sys::FdRef::cwd(), directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    sys::replace_file(fd, name, std::to_string(pid), 0644);
  } catch (Error& error) {
    error.in("write the pid file \"" + path + "\"");
    throw;
  }
}

}  // namespace ocx::runtime
