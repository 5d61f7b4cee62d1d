// Runs a piece of a test in a process of its own: for what changes the process for good (ids, mask, mounts,
// descriptors).
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <string>

namespace ocx::test {

/// What `body` returned, or "error: <what>" for an exception, or "died: <wait status>".
template <class Body>
std::string forked(Body&& body) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  // High, so that bodies may use the low numbers.
  const int writer = ::fcntl(ends[1], F_DUPFD_CLOEXEC, 900);
  ::close(ends[1]);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(ends[0]);
    std::string text;
    try {
      text = body();
    } catch (const std::exception& error) {
      text = std::string("error: ") + error.what();
    }
    const bool sent = ::write(writer, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::_exit(sent ? 0 : 99);
  }
  ::close(writer);
  std::string result;
  char buffer[4096];
  ssize_t size = 0;
  while ((size = ::read(ends[0], buffer, sizeof(buffer))) > 0)
    result.append(buffer, static_cast<std::size_t>(size));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status == 0 ? result : "died: " + std::to_string(status);
}

}  // namespace ocx::test
