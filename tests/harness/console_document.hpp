// The ```console blocks of a document: what to type, and what is printed then. Pure: running them is
// console_session.hpp.
//
//     # ocx run -b bundles/uts-hostname uts      as root; "$ " is an ordinary user
//     > more of the command                      right below it, as a shell asks for more
//     lesson                                     what it prints, to stdout and stderr
//     pid …                                      anything within a line
//     …                                          any lines, or none
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ocx::test {

struct ConsoleStep {
  bool as_root = true;
  std::string command;
  std::vector<std::string> wanted;
  std::size_t line = 0;  // of the command, counted from 1

  /// As it stands in the document.
  std::string typed() const { return (as_root ? "# " : "$ ") + command; }
};

/// All steps of all blocks, in order. Throws std::runtime_error, which names the line, for output that no
/// command stands before, and for a block without an end.
std::vector<ConsoleStep> parse_console(std::string_view document);

/// One line of output. How much blank is between two words does not count, nor what is around all.
bool line_matches(std::string_view wanted, std::string_view got);
/// All of a command's output. Empty lines at the end do not count.
bool output_matches(std::vector<std::string> wanted, std::vector<std::string> got);

}  // namespace ocx::test
