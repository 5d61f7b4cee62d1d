#include "tests/integration/resource_files.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <sstream>

namespace fs = std::filesystem;

namespace ocx::test {
namespace {

bool is_word_of(const std::string& text, const std::string& wanted) {
  std::istringstream words(text);
  for (std::string word; words >> word;)
    if (word == wanted) return true;
  return false;
}

bool is_v1(const std::string& controller) {
  return cgroup_mounts().count(controller) != 0;
}

}  // namespace

bool has_controller(const std::string& name) {
  if (is_v1(name)) return true;
  auto mounts = cgroup_mounts();
  return mounts.count("") != 0 && is_word_of(read_file(mounts.at("") / "cgroup.controllers"), name);
}

Path limit_directory(const Container& container, const std::string& controller) {
  return cgroup_directory(container, is_v1(controller) || cgroup_v2() ? controller : "unified");
}

std::string limit_file(const Container& container, const std::string& controller, const std::string& file) {
  Path path = limit_directory(container, controller) / file;
  INFO(path);
  REQUIRE(fs::exists(path));
  std::string text = read_file(path);
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

long keyed_value(const std::string& text, const std::string& key) {
  for (const std::string& line : lines(text))
    if (line.rfind(key + " ", 0) == 0) return std::stol(line.substr(key.size() + 1));
  return -1;
}

bool has_line(const std::string& text, const std::string& line) {
  std::vector<std::string> all = lines(text);
  return std::find(all.begin(), all.end(), line) != all.end();
}

long forks_refused(const Path& pids_directory) {
  return keyed_value(read_file(pids_directory / "pids.events"), "max");
}

long times_throttled(const Path& cpu_directory) {
  return keyed_value(read_file(cpu_directory / "cpu.stat"), "nr_throttled");
}

long oom_kills(const Path& memory_directory) {
  Path v2 = memory_directory / "memory.events";
  return keyed_value(read_file(fs::exists(v2) ? v2 : memory_directory / "memory.oom_control"), "oom_kill");
}

void wait_for_change(const Path& file, const std::function<bool()>& reached) {
  INFO(file);
  Fd events(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(events);
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  for (;;) {
    // The read arms the next notification: it has to come before the look.
    char buffer[4096];
    REQUIRE(pread(events.get(), buffer, sizeof buffer, 0) >= 0);
    if (reached()) return;
    REQUIRE(std::chrono::steady_clock::now() < end);
    pollfd entry{events.get(), POLLPRI, 0};
    REQUIRE(poll(&entry, 1, cgroup_v2() ? 30'000 : 10) >= 0);
  }
}

std::optional<DiskNumber> some_disk() {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/sys/block", error)) {
    std::string name = entry.path().filename();
    if (name.rfind("loop", 0) == 0 || name.rfind("zram", 0) == 0 || name.rfind("ram", 0) == 0) continue;
    DiskNumber disk;
    if (std::sscanf(read_file(entry.path() / "dev").c_str(), "%d:%d", &disk.major, &disk.minor) == 2)
      return disk;
  }
  return std::nullopt;
}

}  // namespace ocx::test
