#include "sys/log.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sys/mman.h>

#include <cstdlib>

#include "sys/fd.hpp"
#include "sys/file.hpp"

using namespace ocx;

namespace {

/// Runs `body` with stderr going to memory; returns what was written there. The sink goes back to its
/// default.
template <typename Body>
std::string captured_stderr(Body body) {
  const sys::UniqueFd memory(::memfd_create("stderr", MFD_CLOEXEC));
  const sys::UniqueFd saved(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
  REQUIRE(::dup2(memory.ref().raw(), STDERR_FILENO) == STDERR_FILENO);
  body();
  ::dup2(saved.ref().raw(), STDERR_FILENO);
  if (sys::log_descriptor() >= 0) ::close(sys::log_descriptor());
  sys::log_open({});
  ::lseek(memory.ref().raw(), 0, SEEK_SET);
  return sys::read_all(memory);
}

struct LogFile {
  std::string path = "/tmp/ocx-log-test." + std::to_string(::getpid());
  ~LogFile() { ::unlink(path.c_str()); }
  std::string content() const { return sys::read_file(sys::FdRef::cwd(), path); }
};

}  // namespace

TEST_CASE("without a file, warnings go to stderr as logrus text", "[log]") {
  const std::string text = captured_stderr([] {
    sys::log_warning("a \"b\"\nc, ignoring");
    sys::log_debug("not at this level");
  });
  CHECK(text.starts_with("time=\"2"));
  CHECK(text.ends_with("Z\" level=warning msg=\"a \\\"b\\\"\\nc, ignoring\"\n"));
}

TEST_CASE("levels hide what is below them", "[log]") {
  for (const auto level :
       {sys::LogLevel::error, sys::LogLevel::warning, sys::LogLevel::info, sys::LogLevel::debug}) {
    captured_stderr([level] {
      sys::log_open({.file = "", .level = level});
      CHECK(sys::log_enabled(sys::LogLevel::error));
      CHECK(sys::log_enabled(sys::LogLevel::warning) == (level >= sys::LogLevel::warning));
      CHECK(sys::log_enabled(sys::LogLevel::debug) == (level == sys::LogLevel::debug));
    });
  }
}

TEST_CASE("a JSON log has one object a line with exactly level, msg, time", "[log]") {
  const LogFile file;
  const std::string text = captured_stderr([&file] {
    sys::log_open({.file = file.path, .format = sys::LogFormat::json});
    sys::log_final_error("exec: \"x\": not found\n\xff");
  });
  CHECK(text == "ocx: exec: \"x\": not found\n\xff\n");  // the same text, plain, on stderr
  const std::string content = file.content();
  CHECK(std::count(content.begin(), content.end(), '\n') == 1);
  const auto object = nlohmann::json::parse(content);
  CHECK(object.size() == 3);
  CHECK(object.at("level") == "error");
  CHECK(object.at("msg") == "exec: \"x\": not found\n\xEF\xBF\xBD");
  CHECK(object.at("time").get<std::string>().ends_with("Z"));
}

TEST_CASE("a log file is appended to, made 0644, and takes the warnings away from stderr", "[log]") {
  const LogFile file;
  const mode_t mask = ::umask(022);
  for (const std::string prefix : {"", "file:"}) {
    const std::string text = captured_stderr([&] {
      sys::log_open({.file = prefix + file.path});
      CHECK((::fcntl(sys::log_descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
      sys::log_warning("w");
    });
    CHECK(text.empty());
  }
  ::umask(mask);
  const std::string content = file.content();
  CHECK(std::count(content.begin(), content.end(), '\n') == 2);
  CHECK(content.ends_with(" level=warning msg=\"w\"\n"));
  CHECK((sys::fstatat(sys::FdRef::cwd(), file.path)->st_mode & 07777U) == 0644);
}

TEST_CASE("a log file that can't be opened is not fatal", "[log]") {
  const std::string text = captured_stderr([] {
    sys::log_open({.file = "/nowhere/at/all.log"});
    CHECK(sys::log_descriptor() == -1);
    sys::log_final_error("m");
  });
  CHECK(text == "ocx: m\n");
}

TEST_CASE("a message that begins with the name gets no second one", "[log]") {
  CHECK(captured_stderr([] { sys::log_final_error("ocx run failed: m"); }) == "ocx run failed: m\n");
}

TEST_CASE("JSON without a file: stderr is JSON lines, the final error too", "[log]") {
  const std::string text = captured_stderr([] {
    sys::log_open({.file = "", .format = sys::LogFormat::json});
    sys::log_final_error("m");
  });
  CHECK(nlohmann::json::parse(text).at("msg") == "m");
}

TEST_CASE("journald: and syslog: without a daemon fall back to stderr and say so", "[log]") {
  if (::access("/dev/log", F_OK) == 0 || ::access("/run/systemd/journal/socket", F_OK) == 0) return;
  for (const char* destination : {"journald:x", "syslog:x"}) {
    const std::string text = captured_stderr([destination] {
      sys::log_open({.file = destination});
      sys::log_final_error("m");
    });
    CHECK(text.find("logging to stderr") != std::string::npos);
    CHECK(text.ends_with("\nocx: m\n"));
  }
}
