// The one exception type of ocx and how it is worded.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace ocx {

/// What a caller may branch on. Everything that needs no branch is `failed`.
enum class ErrorKind {
  failed,          // a system call or an internal rule failed
  usage,           // the command line is wrong
  invalid_config,  // config.json breaks a rule
  unsupported,     // a valid setting that this build or kernel can't provide
  does_not_exist,  // no container with that id
  already_exists,  // the id is taken
  wrong_state,     // the operation is not allowed in the container's state
};

/// errno in the field's words: lower case, as Go prints them ("no such file or directory"); engines match on
/// these.
std::string errno_text(int error_number);

/// An error is one line: `<contexts>: <what was done>: <errno in words> (<origin>); <hint>`.
class Error : public std::exception {
 public:
  explicit Error(std::string message, ErrorKind kind = ErrorKind::failed, int error_number = 0);
  /// `call` is the system call with its arguments, as a person would write it: `openat "/x"`.
  static Error from_errno(std::string call, int error_number);

  /// JSON pointer of the setting that asked for the failed step. The first (innermost) origin stays.
  Error& at(std::string_view origin);
  /// What the reader can do about it. The first hint stays.
  Error& hint(std::string_view remedy);
  /// Prepends "context: " while unwinding.
  Error& in(std::string_view context);

  ErrorKind kind() const { return kind_; }
  int error_number() const { return error_number_; }
  const std::string& message() const { return message_; }
  const std::string& origin() const { return origin_; }
  const std::string& hint() const { return hint_; }
  const char* what() const noexcept override { return line_.c_str(); }

 private:
  void compose();

  ErrorKind kind_;
  int error_number_ = 0;
  std::string message_, origin_, hint_, line_;
};

/// Throws Error::from_errno(call, errno).
[[noreturn]] void throw_errno(std::string call);
[[noreturn]] void throw_errno(std::string call, int error_number);

}  // namespace ocx
