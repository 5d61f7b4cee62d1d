// One container of the runtime under test, with a state root of its own; its end proves that nothing is left.
#pragma once

#include <string>
#include <vector>

#include "tests/harness/bundle.hpp"
#include "tests/harness/cgroup.hpp"
#include "tests/harness/process.hpp"
#include "tests/harness/skip.hpp"

namespace ocx::test {

/// $OCX_RUNTIME, or the ocx that was built with the tests.
std::string runtime_path();
/// Runs the runtime with these arguments and nothing else.
Result runtime(const std::vector<std::string>& args, const RunOptions& options = {});
/// An id no other test, process or machine run uses.
std::string unique_id();

class Container {
 public:
  /// The bundle has to outlive the container.
  explicit Container(Bundle& bundle, std::string id = unique_id());
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;
  /// delete --force, then checks (failing the test) that no process, mount, cgroup, unit or state is
  /// left.
  ~Container();

  /// Each saves the bundle's config first. `flags` come between the verb and the id.
  Result create(const std::vector<std::string>& flags = {}, const RunOptions& options = {});
  Result run(const std::vector<std::string>& flags = {}, const RunOptions& options = {});
  Result start();
  Result kill(const std::string& signal = {}, const std::vector<std::string>& flags = {});
  Result remove(const std::vector<std::string>& flags = {});  // delete
  Result force_delete() { return remove({"--force"}); }
  /// Any command: --root and the cgroup manager come first, the id is not added.
  Result command(const std::vector<std::string>& args, const RunOptions& options = {});
  Child spawn(const std::vector<std::string>& args, const RunOptions& options = {});
  /// argv of `RUNTIME --root R [--cgroup-manager M] create --bundle B flags… ID`, for tests that start it in
  /// their own way.
  std::vector<std::string> create_argv(const std::vector<std::string>& flags = {}) const;

  Result state();
  json state_json();     // fails the test when `state` fails
  std::string status();  // "created", …
  /// Of init, as `state` says; remembered, so that the destructor can look for it.
  pid_t pid();
  /// Waits for the end of init and reaps it; its exit code or 128 + signal.
  int wait_exit();
  /// create, start, wait: fails the test when a step fails. Returns what the payload has written to stdout.
  std::string output();

  const std::string& id() const { return id_; }
  Bundle& bundle() { return bundle_; }
  Path root() const { return root_.path() / "state"; }
  Path state_directory() const { return root() / id_; }
  /// The checks of the destructor, for the middle of a test: nothing of this container is there. Lists what
  /// is.
  std::vector<std::string> leftovers() const;

 private:
  std::vector<std::string> command_argv() const;

  Bundle& bundle_;
  std::string id_;
  TempDir root_;
  pid_t pid_ = -1;
  std::vector<std::string> mounts_before_;  // ids of the test's own mounts
};

/// `probe facts` as the payload of this bundle: a parsed object. Fails the test when the container fails.
json payload_facts(Bundle& bundle);
/// The same from any JSON text.
json parse_json(const std::string& text);

/// The error is one line in the runtime's usual form (logrus text or plain); returns the message without its
/// decoration. Fails the test when there is none, or more than one.
std::string error_message(const Result& result);

bool contains(std::string_view text, std::string_view part);

}  // namespace ocx::test
