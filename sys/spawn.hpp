// Other programs: pipes, and a child that gets three descriptors and nothing else.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sys/fd.hpp"

namespace ocx::sys {

struct Pipe {
  UniqueFd read, write;
};
/// pipe2(2), close-on-exec; one end may be O_NONBLOCK.
enum class NonBlocking { none, read_end, write_end };
Pipe make_pipe(NonBlocking end);

/// fcntl(2) O_NONBLOCK: of the open file, so for all who share it.
void set_nonblocking(FdRef fd);

struct Program {
  std::string path;               // executed as it is, no PATH
  std::vector<std::string> argv;  // with argv[0]
  std::vector<std::string> env;   // exactly this
  std::string directory;          // empty: stays
};
struct Spawned {
  int pid = 0;
  UniqueFd pidfd;
  int error_number = 0;  // chdir or execve failed: there is no child
};
/// posix_spawn(3): shares our memory until execve, so its cost does not grow with us. The child leads a
/// process group of its own, has an empty signal mask, default dispositions, and no descriptor but 0, 1, 2.
Spawned spawn(const Program& program, FdRef input, FdRef output, FdRef error_output);

/// For a cloned child, before execve: fds[n] becomes descriptor n, inheritable; all others are closed.
void place_descriptors(const std::vector<FdRef>& fds);

/// What read(2) gave on a descriptor that may be non-blocking.
enum class ReadOutcome { data, nothing_now, end };
/// Appends at most `limit` bytes. EIO (a terminal whose other side is closed) is the end.
ReadOutcome read_some(FdRef fd, std::string& into, std::size_t limit);
/// write(2) of what fits; returns how much. 0 when nothing fits now. -errno on failure.
ssize_t write_some(FdRef fd, std::string_view data);

}  // namespace ocx::sys
