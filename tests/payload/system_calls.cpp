#include "system_calls.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

std::vector<std::string> parts_of(const char* text) {
  std::vector<std::string> parts(1);
  for (; *text != '\0'; ++text)
    if (*text == ':')
      parts.emplace_back();
    else
      parts.back() += *text;
  return parts;
}

long make_call(const std::vector<std::string>& parts) {
  unsigned long words[7] = {};
  for (size_t i = 0; i < parts.size() && i < 7; ++i)
    words[i] = parts[i].rfind("path=", 0) == 0 ? reinterpret_cast<unsigned long>(parts[i].c_str() + 5)
                                               : std::strtoul(parts[i].c_str(), nullptr, 0);
  return syscall(static_cast<long>(words[0]), words[1], words[2], words[3], words[4], words[5], words[6]);
}

std::string result_of(int status) {
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  const int error = WEXITSTATUS(status);
  const char* name = strerrorname_np(error);
  return error == 0 ? "ok" : name != nullptr ? name : std::to_string(error);
}

}  // namespace

int do_syscall(int argc, char** argv) {
  for (int i = 0; i < argc; ++i) {
    const std::vector<std::string> parts = parts_of(argv[i]);
    const pid_t pid = fork();
    if (pid == 0) _exit(make_call(parts) == -1 ? errno : 0);
    int status = 0;
    waitpid(pid, &status, 0);
    std::puts(result_of(status).c_str());
  }
  std::fflush(stdout);
  return 0;
}
