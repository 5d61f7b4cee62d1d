// Runs the steps of a document (console_document.hpp) as somebody would type them, and looks for what they
// leave.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/harness/bundle.hpp"
#include "tests/harness/console_document.hpp"
#include "tests/harness/process.hpp"

namespace ocx::test {

/// One shell for root and one for uid 1000, each with its variables and its $?. Their host is this one but
/// for the mounts, the network (only lo), /run/ocx and /run/ocx-cni, which are their own: nobody else's
/// containers are among theirs. `ocx` is the runtime under test, and it and ocx-cni are all of
/// /usr/local/sbin; the user has a home and an XDG_RUNTIME_DIR of its own.
class ConsoleSession {
 public:
  /// `directory`: where the commands are typed.
  explicit ConsoleSession(Path directory);
  ConsoleSession(const ConsoleSession&) = delete;
  ConsoleSession& operator=(const ConsoleSession&) = delete;
  /// Ends what still runs of it.
  ~ConsoleSession();

  /// Both outputs in the order in which they were written. Fails the test when the command takes too long.
  std::string run(const ConsoleStep& step, Seconds timeout = default_timeout);
  /// Containers, processes, mounts, network interfaces, and of cgroups and files in /tmp those that a
  /// command has named: one line each.
  std::vector<std::string> leftovers();

 private:
  struct Shell;
  struct Host {
    std::set<std::string> mounts, interfaces, cgroups, temporary;
  };
  std::vector<std::string> environment(bool as_root) const;
  /// argv that runs more words where the shells are.
  std::vector<std::string> inside(bool as_root) const;
  Shell& shell(bool as_root);
  Host look() const;
  std::vector<std::string> containers(bool as_root) const;
  void end_containers(bool as_root);

  TempDir scratch_;
  Path directory_;
  std::unique_ptr<Shell> root_, user_;
  Host before_;
  std::set<std::string> words_;  // of all commands
};

/// Runs all blocks of a document and checks what they print, and that they leave nothing. Fails the test with
/// each command that prints something else, and for a document without blocks.
void run_console_document(const Path& document, const Path& directory);

}  // namespace ocx::test
