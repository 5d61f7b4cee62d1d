#include "runtime/criu.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "sys/capture.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/keyring.hpp"
#include "sys/log.hpp"
#include "sys/procfs.hpp"
#include "sys/signal_fd.hpp"
#include "sys/signals.hpp"
#include "sys/socket.hpp"
#include "sys/spawn.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

constexpr std::size_t answer_limit = 65536;
constexpr int exec_failed = 127;
constexpr int socket_number = CriuProcess::first_passed - 1;

struct Requirement {
  const char* what;
  int version;
  bool wanted;
};

bool has_external(const CriuOptions& options, std::string_view kind) {
  for (const std::string& name : options.external)
    if (name.starts_with(kind)) return true;
  return false;
}

std::string dotted(int version) {
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100);
}

std::string find_criu() {
  std::string path = sys::find_program("criu");
  if (!path.empty()) return path;
  throw Error("criu is not in PATH; checkpoint and restore are done by it", ErrorKind::unsupported)
      .hint("install the package criu");
}

/// criu does not know keyrings: what it restores gets its own.
void join_keyring(const std::string& name) {
  const int key = sys::try_join_session_keyring(name);
  std::uint32_t permissions = 0;
  constexpr std::uint32_t user_search = 0x00080000;  // for exec, which joins it by name
  if (key < 0 || sys::try_key_permissions(key, permissions) != 0 ||
      sys::try_set_key_permissions(key, permissions | user_search) != 0)
    sys::log_debug("no session keyring " + sys::quote(name) + ", ignoring");
}

/// In the child: becomes criu.
void become_criu(const std::string& program, const CriuSetup& setup, sys::FdRef socket, sys::FdRef output) {
  const sys::Procfs proc = sys::Procfs::open_host();
  if (setup.ends_with_us) sys::try_prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (setup.own_session) sys::setsid();
  if (!setup.keyring.empty()) join_keyring(setup.keyring);
  const sys::UniqueFd null = sys::openat(sys::FdRef::cwd(), "/dev/null", O_RDWR | O_CLOEXEC);
  std::vector<sys::FdRef> descriptors{null, null, output, socket};
  descriptors.insert(descriptors.end(), setup.passed.begin(), setup.passed.end());
  const std::vector<std::string> words{"criu", "swrk", std::to_string(socket_number)},
      variables = sys::own_environment();
  const sys::Argv argv(words), env(variables);
  sys::reset_signals(proc);
  sys::clear_signal_mask();
  sys::place_descriptors(descriptors);
  throw_errno("execve " + sys::quote(program), sys::execve(program, argv, env));
}

[[noreturn]] void criu_main(const std::string& program, const CriuSetup& setup, sys::FdRef socket,
                            sys::FdRef output) noexcept {
  try {
    become_criu(program, setup, socket, output);
  } catch (const Error& error) {
    const std::string text = error.what();
    // Once the descriptors are in place, the output is number 2.
    if (sys::write_some(output, text) < 0) sys::write_some(sys::standard_error, text);
  }
  ::_exit(exec_failed);
}

/// On one line.
std::string first_line(const std::string& text) {
  for (const std::string& line : sys::split(text, '\n'))
    if (!line.empty()) return line;
  return {};
}

std::string describe_end(const sys::ExitStatus& status) {
  return status.signal != 0 ? "signal " + std::to_string(status.signal)
                            : "status " + std::to_string(status.code);
}

const char* verb_of(CriuCall call) {
  switch (call) {
    case CriuCall::dump:
      return "criu failed to dump";
    case CriuCall::pre_dump:
      return "criu failed to dump the memory";
    case CriuCall::restore:
      return "criu failed to restore";
    default:
      return "criu failed";
  }
}

/// A verbose log can be large: it is read piece by piece. Empty, too, when there is no log.
std::string first_error_in(const std::string& log_path) {
  const sys::FdResult log = sys::try_openat(sys::FdRef::cwd(), log_path, O_RDONLY | O_CLOEXEC);
  std::string text, found;
  while (log && found.empty() && sys::read_some(log.fd, text, 4096) == sys::ReadOutcome::data) {
    const std::size_t end = text.rfind('\n');
    if (end == std::string::npos) continue;
    found = first_criu_error(std::string_view(text).substr(0, end));
    text.erase(0, end + 1);
  }
  return found.empty() ? first_criu_error(text) : found;
}

Error failure(const CriuRequest& request, const CriuResponse& response, const std::string& log_path) {
  std::string cause = first_error_in(log_path);
  if (cause.empty()) cause = response.error_message;
  if (cause.empty() && response.error_number != 0) cause = errno_text(response.error_number);
  Error error(std::string(verb_of(request.call)) + (cause.empty() ? "" : ": " + first_line(cause)));
  return error.hint("the whole log is " + sys::quote(log_path));
}

}  // namespace

CriuProcess::CriuProcess(const CriuSetup& setup, const CriuOptions& options) {
  const std::string program = find_criu();
  auto [ours, theirs] = sys::socketpair_seqpacket();
  output_ = sys::output_file();
  child_ = sys::clone3(0);
  if (child_.pid == 0) criu_main(program, setup, theirs, output_);
  socket_ = std::move(ours);
  theirs.reset();
  check_version(options);
}

CriuProcess::~CriuProcess() {
  socket_.reset();
  try {
    if (child_.pidfd) sys::wait_for_child(child_.pidfd);
  } catch (const Error& error) {
    sys::log_debug(std::string("criu: ") + error.what());
  }
}

void CriuProcess::check_version(const CriuOptions& options) {
  CriuRequest request;
  request.call = CriuCall::version;
  request.keep_open = true;
  const CriuResponse answer = ask(request, {}, "");
  check_criu_version(answer.version, options);
}

void CriuProcess::fail_without_answer() {
  const sys::ExitStatus status = sys::wait_for_child(child_.pidfd);
  child_.pidfd.reset();
  const std::string said = first_line(sys::output_of(output_));
  throw Error("criu ended without an answer, with " + describe_end(status) +
              (said.empty() ? "" : ": " + said));
}

void CriuProcess::say(const CriuRequest& request) {
  try {
    sys::send_packet(socket_, write_criu_request(request));
  } catch (const Error& error) {
    if (error.error_number() == EPIPE) fail_without_answer();
    throw;
  }
}

CriuResponse CriuProcess::receive(std::vector<sys::UniqueFd>& fds) {
  sys::Packet packet = sys::receive_packet(socket_, answer_limit);
  if (packet.closed) fail_without_answer();
  fds = std::move(packet.fds);
  return parse_criu_response(packet.data);
}

CriuResponse CriuProcess::ask(const CriuRequest& request, const Listener& listener,
                              const std::string& log_path) {
  std::optional<Error> refused;
  say(request);
  while (true) {
    std::vector<sys::UniqueFd> fds;
    CriuResponse response = receive(fds);
    if (response.call != static_cast<int>(CriuCall::notify)) {
      if (refused) throw Error(*refused);
      if (!response.success) throw failure(request, response, log_path);
      return response;
    }
    try {
      if (listener && !refused) listener(response.script, response.notify_pid, std::move(fds));
    } catch (const Error& error) {
      refused = error;
    }
    CriuRequest answer;
    answer.call = CriuCall::notify;
    answer.notify_success = !refused;
    say(answer);
  }
}

void check_criu_version(const CriuVersion& version, const CriuOptions& options) {
  const Requirement requirements[] = {
      {"checkpoint and restore", 31100, true},
      {"a pid namespace joined by path", 31500, has_external(options, "pid[")},
      {"--lsm-profile", 31600, !options.lsm_profile.empty()},
      {"--lsm-mount-context", 31600, !options.lsm_mount_context.empty()},
      {"--network-lock", 31700, options.settings.network_lock.has_value()},
  };
  for (const Requirement& requirement : requirements) {
    if (!requirement.wanted || version.number() >= requirement.version) continue;
    throw Error("criu " + dotted(version.number()) + "." + std::to_string(version.sublevel) +
                    " is too old for " + requirement.what + ": " + dotted(requirement.version) +
                    " or newer is needed",
                ErrorKind::unsupported);
  }
}

std::string first_criu_error(std::string_view log) {
  constexpr std::string_view mark = "Error (";
  for (const std::string& line : sys::split(log, '\n')) {
    const std::size_t begin = line.find(mark);
    const std::size_t end = line.find("): ", begin);
    if (begin == std::string::npos || end == std::string::npos) continue;
    if (line.find("rlimit: ", end) == end + 3) continue;  // without CAP_SYS_RESOURCE; it goes on
    const std::size_t place = begin + mark.size();
    std::string text;
    for (const char c : line.substr(end + 3))
      if (static_cast<unsigned char>(c) >= ' ' && c != 0x7f) text += c;
    return text + " (" + line.substr(place, end - place) + ")";
  }
  return {};
}

std::string criu_config_file(const std::map<std::string, std::string>& annotations) {
  const auto named = annotations.find("org.criu.config");
  if (named != annotations.end()) return named->second;
  for (const char* path : {"/etc/criu/ocx.conf", "/etc/criu/runc.conf"})
    if (sys::fstatat(sys::FdRef::cwd(), path)) return path;
  return {};
}

}  // namespace ocx::runtime
