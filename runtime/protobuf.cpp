#include "runtime/protobuf.hpp"

#include "sys/error.hpp"

namespace ocx::runtime::protobuf {
namespace {

enum WireType : unsigned { varint_type = 0, fixed64 = 1, delimited = 2, fixed32 = 5 };

constexpr unsigned type_bits = 3;
constexpr std::uint64_t largest_field = (1U << 29U) - 1;

/// Takes what it reads from the front of the message.
class Cursor {
 public:
  explicit Cursor(std::string_view rest) : rest_(rest) {}
  bool at_end() const { return rest_.empty(); }

  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) throw Error("protobuf: message cut short");
    const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1).front());
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if ((byte & 0x80U) == 0) return value;
    }
    throw Error("protobuf: number of more than 64 bits");
  }

 private:
  std::string_view rest_;
};

Field take_field(Cursor& cursor) {
  const std::uint64_t key = cursor.varint();
  const std::uint64_t number = key >> type_bits;
  if (number == 0 || number > largest_field) throw Error("protobuf: field number out of range");
  Field field;
  field.number = static_cast<unsigned>(number);
  switch (key & 7U) {
    case varint_type:
      field.kind = Field::Kind::number;
      field.value = cursor.varint();
      return field;
    case delimited:
      field.kind = Field::Kind::bytes;
      field.bytes = cursor.take(cursor.varint());
      return field;
    case fixed64:
      cursor.take(8);
      return field;
    case fixed32:
      cursor.take(4);
      return field;
    default:
      throw Error("protobuf: unknown wire type " + std::to_string(key & 7U));
  }
}

}  // namespace

void Writer::varint(std::uint64_t value) {
  while (value > 0x7f) {
    bytes_ += static_cast<char>((value & 0x7fU) | 0x80U);
    value >>= 7U;
  }
  bytes_ += static_cast<char>(value);
}

void Writer::number(unsigned field, std::int64_t value) {
  varint((std::uint64_t{field} << type_bits) | varint_type);
  varint(static_cast<std::uint64_t>(value));
}

void Writer::text(unsigned field, std::string_view value) {
  varint((std::uint64_t{field} << type_bits) | delimited);
  varint(value.size());
  bytes_ += value;
}

std::vector<Field> parse(std::string_view message) {
  std::vector<Field> fields;
  for (Cursor cursor(message); !cursor.at_end();) fields.push_back(take_field(cursor));
  return fields;
}

}  // namespace ocx::runtime::protobuf
