#include "sys/error.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

namespace ocx {

std::string errno_text(int error_number) {
  const char* words = ::strerrordesc_np(error_number);
  if (words == nullptr) return "error " + std::to_string(error_number);
  std::string text = words;
  // "RPC struct is bad" keeps its capitals, "No such file" does not.
  if (text.size() > 1 && text[1] >= 'a' && text[1] <= 'z' && text[0] >= 'A' && text[0] <= 'Z')
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

Error::Error(std::string message, ErrorKind kind, int error_number)
    : kind_(kind), error_number_(error_number), message_(std::move(message)) {
  compose();
}

Error Error::from_errno(std::string call, int error_number) {
  return Error(std::move(call), ErrorKind::failed, error_number);
}

Error& Error::at(std::string_view origin) {
  if (origin_.empty()) origin_ = origin;
  compose();
  return *this;
}

Error& Error::hint(std::string_view remedy) {
  if (hint_.empty()) hint_ = remedy;
  compose();
  return *this;
}

Error& Error::in(std::string_view context) {
  message_.insert(0, ": ").insert(0, context);
  compose();
  return *this;
}

void Error::compose() {
  line_ = message_;
  if (error_number_ != 0) line_ += ": " + errno_text(error_number_);
  if (!origin_.empty()) line_ += " (" + origin_ + ")";
  if (!hint_.empty()) line_ += "; " + hint_;
}

void throw_errno(std::string call) {
  throw_errno(std::move(call), errno);
}

void throw_errno(std::string call, int error_number) {
  throw Error::from_errno(std::move(call), error_number);
}

}  // namespace ocx
