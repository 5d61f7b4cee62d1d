#include "tests/harness/container.hpp"

#include <catch2/catch.hpp>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <sstream>

namespace fs = std::filesystem;

namespace ocx::test {
namespace {

// Of all Container objects there are: an adopted init belongs to its own.
std::multiset<pid_t>& live_inits() {
  static std::multiset<pid_t> pids;
  return pids;
}

void append(std::vector<std::string>& list, const std::vector<std::string>& more) {
  list.insert(list.end(), more.begin(), more.end());
}

std::string mount_id(const std::string& line) {
  return line.substr(0, line.find(' '));
}

}  // namespace

std::string runtime_path() {
  const char* chosen = std::getenv("OCX_RUNTIME");
  if (chosen != nullptr && *chosen != 0) return chosen;
  return (fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "ocx").string();
}

bool runtime_is_ocx() {
  return Path(runtime_path()).filename().string().rfind("ocx", 0) == 0;
}

bool runtime_is_runc() {
  return Path(runtime_path()).filename().string().rfind("runc", 0) == 0;
}

Result runtime(const std::vector<std::string>& args, const RunOptions& options) {
  std::vector<std::string> argv{runtime_path()};
  append(argv, args);
  return test::run(argv, options);
}

std::string unique_id() {
  static unsigned counter = 0;
  return "t" + std::to_string(getpid()) + "-" + std::to_string(++counter) + "-ocx";
}

Container::Container(Bundle& bundle, std::string id) : bundle_(bundle), id_(std::move(id)) {
  become_subreaper();
  adopted_children();
  for (const std::string& line : host_mounts_with(bundle_.path().parent_path()))
    mounts_before_.push_back(mount_id(line));
}

Container::~Container() {
  try {
    Result result = force_delete();
    if (pid_ > 0) wait_and_reap(pid_);
    INFO(result.describe());
    CHECK(result.status == 0);
    for (const std::string& thing : leftovers()) FAIL_CHECK("left behind: " << thing);
    // The next test shall not stumble over it.
    for (const std::string& path : cgroups_with(id_)) fs::remove(path);
    live_inits().erase(pid_);
    for (pid_t pid : adopted_children()) {
      if (live_inits().count(pid) != 0) continue;
      ::kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
  } catch (...) {
    // Catch throws here only to abort the whole run.
  }
}

std::vector<std::string> Container::leftovers() const {
  std::vector<std::string> found;
  for (pid_t pid : adopted_children())
    if (pid == pid_ || live_inits().count(pid) == 0)
      found.push_back("process " + std::to_string(pid) + " " +
                      read_file("/proc/" + std::to_string(pid) + "/cmdline"));
  for (const std::string& line : host_mounts_with(bundle_.path().parent_path()))
    if (std::find(mounts_before_.begin(), mounts_before_.end(), mount_id(line)) == mounts_before_.end())
      found.push_back("mount " + line);
  for (const std::string& line : host_mounts_with(root_.path())) found.push_back("mount " + line);
  for (const std::string& path : cgroups_with(id_)) found.push_back("cgroup " + path);
  if (systemd_cgroups())
    for (const std::string& unit : units_with(id_)) found.push_back("unit " + unit);
  if (fs::exists(state_directory())) found.push_back("state " + state_directory().string());
  return found;
}

std::vector<std::string> Container::command_argv() const {
  std::vector<std::string> argv{runtime_path(), "--root", root()};
  append(argv, cgroup_manager_flags());
  return argv;
}

Result Container::command(const std::vector<std::string>& args, const RunOptions& options) {
  return spawn(args, options).wait();
}

Child Container::spawn(const std::vector<std::string>& args, const RunOptions& options) {
  std::vector<std::string> argv = command_argv();
  append(argv, args);
  return Child(argv, options);
}

std::vector<std::string> Container::create_argv(const std::vector<std::string>& flags) const {
  std::vector<std::string> argv = command_argv();
  append(argv, {"create", "--bundle", bundle_.path()});
  append(argv, flags);
  argv.push_back(id_);
  return argv;
}

Result Container::create(const std::vector<std::string>& flags, const RunOptions& options) {
  bundle_.save();
  Result result = test::run(create_argv(flags), options);
  if (result.status == 0) pid();
  return result;
}

Result Container::run(const std::vector<std::string>& flags, const RunOptions& options) {
  bundle_.save();
  std::vector<std::string> args{"run", "--bundle", bundle_.path()};
  append(args, flags);
  args.push_back(id_);
  return command(args, options);
}

Result Container::start() {
  return command({"start", id_});
}

Result Container::kill(const std::string& signal, const std::vector<std::string>& flags) {
  std::vector<std::string> args{"kill"};
  append(args, flags);
  args.push_back(id_);
  if (!signal.empty()) args.push_back(signal);
  return command(args);
}

Result Container::remove(const std::vector<std::string>& flags) {
  std::vector<std::string> args{"delete"};
  append(args, flags);
  args.push_back(id_);
  return command(args);
}

Result Container::state() {
  return command({"state", id_});
}

json Container::state_json() {
  Result result = state();
  REQUIRE_OK(result);
  INFO(result.out);
  json document = json::parse(result.out, nullptr, false);
  REQUIRE(document.is_object());
  return document;
}

std::string Container::status() {
  return state_json().at("status").get<std::string>();
}

pid_t Container::pid() {
  if (pid_ > 0) return pid_;
  pid_ = state_json().at("pid").get<pid_t>();
  if (pid_ > 0) live_inits().insert(pid_);
  return pid_;
}

int Container::wait_exit() {
  return wait_and_reap(pid());
}

std::string Container::output() {
  Result created = create();
  REQUIRE_OK(created);
  REQUIRE_OK(start());
  int code = wait_exit();
  INFO(created.describe() << "payload's stdout: " << created.out_now() << "\nstderr: " << created.err_now());
  REQUIRE(code == 0);
  return created.out_now();
}

json payload_facts(Bundle& bundle) {
  bundle.args({"/bin/probe", "facts"});
  Container container(bundle);
  return parse_json(container.output());
}

json parse_json(const std::string& text) {
  INFO(text);
  json document = json::parse(text, nullptr, false);
  REQUIRE(!document.is_discarded());
  return document;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string error_message(const Result& result) {
  INFO(result.describe());
  REQUIRE(result.status != 0);
  std::vector<std::string> errors;
  for (const std::string& line : lines(result.err)) {
    bool lower_level =
        contains(line, "level=warning") || contains(line, "level=info") || contains(line, "level=debug");
    if (!line.empty() && !lower_level) errors.push_back(line);
  }
  REQUIRE(errors.size() == 1);
  size_t at = errors[0].find("msg=\"");
  if (at == std::string::npos) return errors[0];
  // logrus quotes the message as a Go string.
  std::string message;
  for (size_t i = at + 5; i < errors[0].size() && errors[0][i] != '"'; ++i) {
    if (errors[0][i] == '\\' && i + 1 < errors[0].size()) ++i;
    message += errors[0][i];
  }
  return message;
}

}  // namespace ocx::test
