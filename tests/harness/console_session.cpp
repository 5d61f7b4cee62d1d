#include "tests/harness/console_session.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <utility>

#include "tests/harness/container.hpp"

namespace fs = std::filesystem;

namespace ocx::test {
namespace {

constexpr uid_t user = 1000;

// A systemd host has shared mounts: what a container let out would be seen. Hooks look for programs of ours
// where they are installed.
constexpr const char* prepare =
    "mount --make-rshared / && for directory in /run/ocx /run/ocx-cni; do "
    "mkdir -p $directory && mount -t tmpfs -o mode=700 ocx $directory || exit; done && "
    "mount --bind \"${PATH%%:*}\" /usr/local/sbin && "
    "ip link set lo up && exec \"$@\"";

// Commands come through descriptor 9, each ended by a zero, and when one is done its status goes to 8.
constexpr const char* read_and_run =
    "cd \"$1\" || exit; console_return() { return $1; }; console_status=0; set --\n"
    "while IFS= read -r -d '' -u 9 console_command; do\n"
    "  console_return $console_status\n"
    "  eval \"$console_command\" 8>&- 9<&-\n"
    "  console_status=$?\n"
    "  echo $console_status >&8\n"
    "done\n";

std::set<std::string> words_of(const std::string& text) {
  std::set<std::string> words;
  std::string word;
  for (char byte : text + " ") {
    if (std::isalnum(static_cast<unsigned char>(byte)) != 0 || byte == '-' || byte == '_' || byte == '.') {
      word += byte;
    } else {
      words.insert(std::exchange(word, ""));
    }
  }
  words.erase("");
  return words;
}

std::set<std::string> interfaces_of(pid_t pid) {
  std::set<std::string> names;
  for (const std::string& line : lines(read_file("/proc/" + std::to_string(pid) + "/net/dev"))) {
    const size_t end = line.find(':'), begin = line.find_first_not_of(' ');
    if (end != std::string::npos) names.insert(line.substr(begin, end - begin));
  }
  return names;
}

// The living ones.
std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid > 0 && parent_of(pid) == parent && process_exists(pid)) found.push_back(pid);
  }
  return found;
}

std::string describe_process(pid_t pid) {
  std::string words = read_file("/proc/" + std::to_string(pid) + "/cmdline");
  std::replace(words.begin(), words.end(), '\0', ' ');
  return "process " + std::to_string(pid) + " " + words;
}

void append_new(std::vector<std::string>& found, const std::string& kind, const std::set<std::string>& before,
                const std::set<std::string>& after) {
  for (const std::string& thing : after)
    if (before.count(thing) == 0) found.push_back(kind + " " + thing);
}

std::string indented(const std::vector<std::string>& text) {
  std::string result;
  for (const std::string& line : text) result += "\n    " + line;
  return result.empty() ? "\n    (nothing)" : result;
}

}  // namespace

struct ConsoleSession::Shell {
  Fd output{memfd_create("console", MFD_CLOEXEC)};
  Pipe commands = make_pipe(), answers = make_pipe();
  std::unique_ptr<Child> process;
  off_t seen = 0;

  /// `place`: words that bring a program to where it is to run.
  Shell(std::vector<std::string> place, const Path& directory, std::vector<std::string> environment) {
    fcntl(output.get(), F_SETFL, O_APPEND);
    RunOptions options;
    options.fds = {
        {1, output.get()}, {2, output.get()}, {8, answers.write_end.get()}, {9, commands.read_end.get()}};
    options.env = std::move(environment);
    // An orphan that nobody reaps keeps its pid namespace from ending.
    options.subreaper = true;
    place.insert(place.begin(), "setsid");
    for (const char* word : {"bash", "--norc", "--noprofile", "-c", read_and_run, "bash"})
      place.push_back(word);
    place.push_back(directory);
    process = std::make_unique<Child>(place, options);
    // The commands' other end stays open: to a shell that has ended a write would be SIGPIPE.
    answers.write_end.close();
    std::string printed;
    const std::string problem = run(":", default_timeout, printed);
    if (!problem.empty()) FAIL("no shell: " << problem << " after printing: " << printed);
  }
  ~Shell() {
    const std::vector<pid_t> children = children_of(process->pid());
    ::kill(-process->pid(), SIGKILL);
    for (const pid_t pid : children) ::kill(pid, SIGKILL);
  }

  /// What went wrong, if anything; `printed` gets the output.
  std::string run(const std::string& command, Seconds timeout, std::string& printed) {
    REQUIRE(write(commands.write_end.get(), command.c_str(), command.size() + 1) ==
            static_cast<ssize_t>(command.size() + 1));
    const std::string problem = await_answer(timeout);
    printed = new_output();
    return problem;
  }
  std::string await_answer(Seconds timeout) {
    const auto end = std::chrono::steady_clock::now() + timeout;
    for (char byte = 0; byte != '\n';) {
      pollfd entry{answers.read_end.get(), POLLIN, 0};
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now())
              .count();
      if (left <= 0 || poll(&entry, 1, static_cast<int>(left)) <= 0)
        return "still running after " + std::to_string(static_cast<int>(timeout.count())) + " s";
      if (read(answers.read_end.get(), &byte, 1) <= 0) return "the shell has ended";
    }
    return {};
  }
  std::string new_output() {
    std::string text;
    char buffer[65536];
    for (ssize_t count; (count = pread(output.get(), buffer, sizeof buffer, seen)) > 0; seen += count)
      text.append(buffer, static_cast<size_t>(count));
    return text;
  }
};

ConsoleSession::ConsoleSession(Path directory) : directory_(std::move(directory)) {
  fs::create_directory(scratch_.path() / "bin");
  fs::create_symlink(runtime_path(), scratch_.path() / "bin/ocx");
  fs::create_symlink(Path(runtime_path()).parent_path() / "ocx-cni", scratch_.path() / "bin/ocx-cni");
  for (const char* name : {"home", "run"}) {
    const Path path = scratch_.path() / name;
    fs::create_directory(path);
    REQUIRE(chown(path.c_str(), user, user) == 0);
    REQUIRE(chmod(path.c_str(), 0700) == 0);
  }
  root_ = std::make_unique<Shell>(
      std::vector<std::string>{"unshare", "--mount", "--net", "sh", "-c", prepare, "sh"}, directory_,
      environment(true));
  before_ = look();
}

ConsoleSession::~ConsoleSession() {
  for (const bool as_root : {false, true}) end_containers(as_root);
  user_.reset();
  root_.reset();
}

std::vector<std::string> ConsoleSession::environment(bool as_root) const {
  const std::string scratch = scratch_.path();
  std::vector<std::string> variables{
      "PATH=" + scratch + "/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
      "TERM=dumb", "HOME=" + (as_root ? "/root" : scratch + "/home")};
  if (!as_root) variables.push_back("XDG_RUNTIME_DIR=" + scratch + "/run");
  return variables;
}

std::vector<std::string> ConsoleSession::inside(bool as_root) const {
  std::vector<std::string> words{"nsenter", "--target=" + std::to_string(root_->process->pid()), "--mount",
                                 "--net"};
  if (!as_root)
    for (const char* word : {"setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"})
      words.push_back(word);
  return words;
}

ConsoleSession::Shell& ConsoleSession::shell(bool as_root) {
  if (as_root) return *root_;
  if (!user_) user_ = std::make_unique<Shell>(inside(false), directory_, environment(false));
  return *user_;
}

std::string ConsoleSession::run(const ConsoleStep& step, Seconds timeout) {
  words_.merge(words_of(step.command));
  std::string printed;
  const std::string problem = shell(step.as_root).run(step.command, timeout, printed);
  if (!problem.empty())
    FAIL("line " << step.line << ": " << step.typed() << "\n  " << problem << ", after printing"
                 << indented(lines(printed)));
  return printed;
}

ConsoleSession::Host ConsoleSession::look() const {
  Host host;
  const pid_t pid = root_->process->pid();
  for (const std::string& line : lines(read_file("/proc/" + std::to_string(pid) + "/mountinfo")))
    host.mounts.insert(line);
  host.interfaces = interfaces_of(pid);
  for (const std::string& path : cgroups_with("")) host.cgroups.insert(path);
  for (const auto& entry : fs::directory_iterator("/tmp")) host.temporary.insert(entry.path());
  return host;
}

std::vector<std::string> ConsoleSession::containers(bool as_root) const {
  if (!as_root && !user_) return {};
  std::vector<std::string> words = inside(as_root);
  for (const char* word : {"ocx", "list", "--quiet"}) words.push_back(word);
  RunOptions options;
  options.env = environment(as_root);
  // The root directory need not be there.
  return lines(test::run(words, options).out);
}

void ConsoleSession::end_containers(bool as_root) {
  for (const std::string& id : containers(as_root)) {
    std::vector<std::string> words = inside(as_root);
    for (const std::string& word : {std::string("ocx"), std::string("delete"), std::string("--force"), id})
      words.push_back(word);
    RunOptions options;
    options.env = environment(as_root);
    test::run(words, options);
  }
}

std::vector<std::string> ConsoleSession::leftovers() {
  std::vector<std::string> found;
  for (const bool as_root : {true, false})
    for (const std::string& id : containers(as_root)) found.push_back("container " + id);
  for (const Shell* shell : {root_.get(), user_.get()}) {
    if (shell == nullptr) continue;
    for (const pid_t pid : children_of(shell->process->pid())) found.push_back(describe_process(pid));
  }
  Host now = look();
  // Others make cgroups and temporary files, too.
  const auto unnamed = [this](const std::string& path) { return words_.count(Path(path).filename()) == 0; };
  std::erase_if(now.cgroups, unnamed);
  std::erase_if(now.temporary, unnamed);
  append_new(found, "mount", before_.mounts, now.mounts);
  append_new(found, "interface", before_.interfaces, now.interfaces);
  append_new(found, "cgroup", before_.cgroups, now.cgroups);
  append_new(found, "file", before_.temporary, now.temporary);
  return found;
}

namespace {

std::set<std::string> files_below(const Path& directory) {
  std::set<std::string> paths;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) paths.insert(entry.path());
  return paths;
}

void check_step(ConsoleSession& session, const std::string& document, const ConsoleStep& step) {
  const std::string place = document + ":" + std::to_string(step.line) + ": ";
  const std::vector<std::string> got = lines(session.run(step));
  if (!output_matches(step.wanted, got))
    FAIL_CHECK(place << step.typed() << "\n  wanted" << indented(step.wanted) << "\n  got" << indented(got));
}

}  // namespace

void run_console_document(const Path& document, const Path& directory) {
  const std::vector<ConsoleStep> steps = parse_console(read_file(document));
  const std::string name = fs::relative(document, directory);
  INFO(name);
  if (steps.empty()) FAIL("no ```console block in it");
  const std::set<std::string> files = files_below(document.parent_path());
  ConsoleSession session(directory);
  for (const ConsoleStep& step : steps) check_step(session, name, step);
  std::vector<std::string> left = session.leftovers();
  append_new(left, "file", files, files_below(document.parent_path()));
  if (!left.empty()) FAIL_CHECK(name << " leaves behind" << indented(left));
}

}  // namespace ocx::test
