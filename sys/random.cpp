#include "sys/random.hpp"

#include <sys/random.h>

#include "sys/error.hpp"

namespace ocx::sys {

std::string random_digits(std::size_t count) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text(count, '\0');
  // Up to 256 bytes come at once, and uninterrupted.
  if (::getrandom(text.data(), count, 0) != static_cast<ssize_t>(count)) throw_errno("getrandom");
  for (char& c : text) c = digits[static_cast<unsigned char>(c) & 15U];
  return text;
}

}  // namespace ocx::sys
