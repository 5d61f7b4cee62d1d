// Undo what was acquired, unless committed.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "sys/log.hpp"

namespace ocx::sys {

/// Runs its actions, newest first, when destroyed without commit(). An action that throws is logged and the
/// rest still run: a rollback has nobody to report to.
class Rollback {
 public:
  Rollback() = default;
  Rollback(const Rollback&) = delete;
  Rollback& operator=(const Rollback&) = delete;
  ~Rollback() { run(); }

  void arm(std::function<void()> undo) { actions_.push_back(std::move(undo)); }
  void commit() { actions_.clear(); }
  /// Undoes now what is armed.
  void run() noexcept {
    while (!actions_.empty()) {
      try {
        actions_.back()();
      } catch (const std::exception& error) {
        log_warning(std::string("while undoing: ") + error.what() + ", ignoring");
      }
      actions_.pop_back();
    }
  }

 private:
  std::vector<std::function<void()>> actions_;
};

}  // namespace ocx::sys
