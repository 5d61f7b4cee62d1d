// A container that waits, for tests of `exec`.
#pragma once

#include <catch2/catch.hpp>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/harness/container.hpp"
#include "tests/harness/descriptor_socket.hpp"

namespace ocx::test {

using Words = std::vector<std::string>;

/// Started by the constructor; `probe pause` unless the bundle says otherwise.
class Running {
 public:
  explicit Running(Bundle& bundle) : container(bundle) {
    REQUIRE_OK(container.create());
    REQUIRE_OK(container.start());
  }
  /// `flags` come before the id, `command` after it.
  Result exec(const Words& flags, const Words& command, const RunOptions& options = {}) {
    return container.command(words(flags, command), options);
  }
  Result shell(const std::string& script, const Words& flags = {}) {
    return exec(flags, {"/bin/sh", "-c", script});
  }
  Child spawn(const Words& flags, const Words& command, const RunOptions& options = {}) {
    return container.spawn(words(flags, command), options);
  }
  json facts(const Words& flags = {}, const RunOptions& options = {}) {
    const Result result = exec(flags, {"/bin/probe", "facts"}, options);
    REQUIRE_OK(result);
    return parse_json(result.out);
  }

  Container container;

 private:
  Words words(const Words& flags, const Words& command) const {
    Words all{"exec"};
    all.insert(all.end(), flags.begin(), flags.end());
    all.push_back(container.id());
    all.insert(all.end(), command.begin(), command.end());
    return all;
  }
};

}  // namespace ocx::test
