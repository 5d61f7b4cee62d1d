#include "cmd/output.hpp"

#include <cerrno>

#include "sys/error.hpp"
#include "sys/file.hpp"

namespace ocx::cmd {

bool print_if_read(std::string_view text) {
  try {
    sys::write_all(sys::standard_output, text);
    return true;
  } catch (const Error& error) {
    // EIO: a terminal that was closed.
    if (error.error_number() == EPIPE || error.error_number() == EIO) return false;
    throw;
  }
}

}  // namespace ocx::cmd
