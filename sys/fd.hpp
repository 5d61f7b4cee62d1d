// Owned and borrowed file descriptors. By value = the callee takes it; FdRef = it only looks.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace ocx::sys {

/// A descriptor somebody else owns. Never outlives its owner.
class FdRef {
 public:
  constexpr explicit FdRef(int fd) : fd_(fd) {}
  /// The current directory, for the *at calls.
  static constexpr FdRef cwd() { return FdRef(AT_FDCWD); }
  constexpr int raw() const { return fd_; }

 private:
  int fd_;
};

inline constexpr FdRef standard_input{0}, standard_output{1}, standard_error{2};

/// Owns one descriptor and closes it once; close is never retried (on Linux the number is gone even after
/// EINTR).
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  explicit operator bool() const { return fd_ >= 0; }
  operator FdRef() const { return FdRef(fd_); }  // NOLINT: borrowing is meant to be effortless
  FdRef ref() const { return FdRef(fd_); }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace ocx::sys
