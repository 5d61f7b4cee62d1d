// The wire format of Protocol Buffers (protobuf.dev, "Encoding"), as far as criu's messages use it: varints
// and length-delimited fields.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ocx::runtime::protobuf {

/// Appends fields in the order of the calls.
class Writer {
 public:
  /// int32 (negative ones sign-extended), uint32, bool and enumerations.
  void number(unsigned field, std::int64_t value);
  void text(unsigned field, std::string_view value);
  void message(unsigned field, const Writer& nested) { text(field, nested.bytes()); }
  const std::string& bytes() const { return bytes_; }

 private:
  void varint(std::uint64_t value);
  std::string bytes_;
};

struct Field {
  enum class Kind { number, bytes, other };  // other: fixed-width, which no message here has; skipped
  unsigned number = 0;
  Kind kind = Kind::other;
  std::uint64_t value = 0;      // of a number
  std::string_view bytes = {};  // of a text or nested message; points into the message
};

/// All fields of one message, in order. Error: cut short, a varint of more than 64 bits, a group (which is
/// deprecated), field number 0.
std::vector<Field> parse(std::string_view message);

}  // namespace ocx::runtime::protobuf
