#include "tests/harness/cgroup.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include "tests/harness/container.hpp"

namespace fs = std::filesystem;

namespace ocx::test {
namespace {

std::string chosen_manager() {
  const char* chosen = std::getenv("OCX_TEST_CGROUP_MANAGER");
  return chosen == nullptr ? "" : chosen;
}

void collect_directories(const Path& from, std::string_view text, std::vector<std::string>& found) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(from, error)) {
    if (!entry.is_directory(error) || entry.is_symlink(error)) continue;
    if (contains(entry.path().filename().string(), text)) found.push_back(entry.path());
    collect_directories(entry.path(), text, found);
  }
}

bool is_controller(const std::string& name) {
  return !name.empty() && name.find('=') == std::string::npos;
}

}  // namespace

bool systemd_cgroups() {
  return chosen_manager() == "systemd";
}

std::vector<std::string> cgroup_manager_flags() {
  std::string manager = chosen_manager();
  if (manager.empty()) return {};
  if (runtime_is_ocx()) return {"--cgroup-manager", manager};
  if (systemd_cgroups()) return {"--systemd-cgroup"};
  return {};
}

bool cgroup_v2() {
  auto mounts = cgroup_mounts();
  for (const auto& [name, path] : mounts)
    if (is_controller(name)) return false;
  return mounts.count("") != 0;
}

std::string cgroups_path(const std::string& name) {
  return systemd_cgroups() ? "system.slice:ocx:" + name : "/" + name;
}

Path cgroup_place(const std::string& name) {
  return systemd_cgroups() ? "/system.slice/ocx-" + name + ".scope" : "/" + name;
}

Path cgroup_directory(const Container& container, const std::string& controller) {
  json record = parse_json(read_file(container.state_directory() / "state.json"));
  const json& paths = record.at("cgroup_paths");
  INFO(paths.dump() << ", controller " << controller);
  auto entry = paths.find(controller);
  if (entry == paths.end() && cgroup_v2()) entry = paths.find("");
  REQUIRE(entry != paths.end());
  return entry->get<std::string>();
}

std::optional<std::string> read_cgroup_file(const Container& container, const std::string& controller,
                                            const std::string& file) {
  Path path = cgroup_directory(container, controller) / file;
  if (!fs::exists(path)) return std::nullopt;
  std::string text = read_file(path);
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::vector<pid_t> cgroup_members(const Path& directory) {
  std::string text;
  char buffer[4096];
  Fd file(open((directory / "cgroup.procs").c_str(), O_RDONLY | O_CLOEXEC));
  // Not a stream: of a cgroup that is removed meanwhile the read says ENODEV, and a stream throws that.
  for (ssize_t count; (count = read(file.get(), buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(count));
  std::vector<pid_t> members;
  std::istringstream words(text);
  for (pid_t member; words >> member;) members.push_back(member);
  return members;
}

bool freeze_cgroup(const Container& container) {
  if (!cgroup_v2() && cgroup_mounts().count("freezer") == 0) return false;
  Path directory = cgroup_directory(container, "freezer");
  if (!cgroup_v2()) {
    write_file(directory / "freezer.state", "FROZEN\n");
    return true;
  }
  Fd events(open((directory / "cgroup.events").c_str(), O_RDONLY | O_CLOEXEC));
  write_file(directory / "cgroup.freeze", "1\n");
  while (!contains(read_file(directory / "cgroup.events"), "frozen 1")) {
    pollfd change{events.get(), POLLPRI, 0};
    REQUIRE(poll(&change, 1, 5000) == 1);
    char text[128];
    REQUIRE(pread(events.get(), text, sizeof text, 0) > 0);  // or the next poll returns at once
  }
  return true;
}

std::vector<std::string> cgroups_with(std::string_view text) {
  std::vector<std::string> found;
  for (const auto& [controller, path] : cgroup_mounts()) collect_directories(path, text, found);
  return found;
}

std::vector<std::string> units_with(const std::string& text) {
  if (access("/run/systemd/system", F_OK) != 0) return {};
  Result listed = run({"/bin/systemctl", "list-units", "--all", "--full", "--plain", "--no-legend",
                       "--no-pager", "*" + text + "*"});
  REQUIRE_OK(listed);
  std::vector<std::string> units = lines(listed.out);
  std::erase(units, "");
  return units;
}

std::map<std::string, Path> cgroup_mounts() {
  std::map<std::string, Path> mounts;
  for (const std::string& line : lines(read_file("/proc/self/mountinfo"))) {
    std::istringstream words(line.substr(0, line.find(" - ")));
    std::string id, parent, device, root, target;
    words >> id >> parent >> device >> root >> target;
    size_t separator = line.find(" - ");
    if (separator == std::string::npos) continue;
    std::istringstream rest(line.substr(separator + 3));
    std::string type, source, options;
    rest >> type >> source >> options;
    if (type == "cgroup2") mounts[""] = target;
    if (type != "cgroup") continue;
    std::istringstream names(options);
    for (std::string name; std::getline(names, name, ',');)
      if (name != "rw" && name != "ro") mounts[name] = target;
  }
  return mounts;
}

std::map<std::string, std::string> cgroups_of(pid_t pid) {
  std::map<std::string, std::string> paths;
  for (const std::string& line : lines(read_file("/proc/" + std::to_string(pid) + "/cgroup"))) {
    size_t first = line.find(':'), second = line.find(':', first + 1);
    std::istringstream names(line.substr(first + 1, second - first - 1));
    std::string path = line.substr(second + 1);
    if (second == first + 1) paths[""] = path;
    for (std::string name; std::getline(names, name, ',');) paths[name] = path;
  }
  return paths;
}

Path cgroup_directory_of(pid_t pid, const std::string& controller) {
  auto mounts = cgroup_mounts();
  std::string hierarchy = cgroup_v2() ? "" : controller;
  INFO(controller << " of process " << pid);
  REQUIRE(mounts.count(hierarchy) == 1);
  return mounts.at(hierarchy) / Path(cgroups_of(pid).at(hierarchy)).relative_path();
}

}  // namespace ocx::test
