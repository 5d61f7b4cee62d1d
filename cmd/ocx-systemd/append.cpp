#include "cmd/ocx-systemd/append.hpp"

#include <charconv>
#include <string>
#include <string_view>

#include "cmd/ocx-systemd/bus.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::helper {
namespace {

using cgroups::UnitProperty;

/// Length of the one complete type that the signature begins with, 0 when there is none.
std::size_t complete_type(std::string_view signature) {
  if (signature.empty()) return 0;
  if (signature[0] == 'a') {
    const std::size_t element = complete_type(signature.substr(1));
    return element == 0 ? 0 : element + 1;
  }
  if (signature[0] != '(') return signature[0] == ')' ? 0 : 1;
  std::size_t at = 1;
  while (at < signature.size() && signature[at] != ')') {
    const std::size_t field = complete_type(signature.substr(at));
    if (field == 0) return 0;
    at += field;
  }
  return at < signature.size() ? at + 1 : 0;
}

class Appender {
 public:
  Appender(sd_bus_message* message, const UnitProperty& property) : message_(message), property_(property) {}

  void run() {
    check("open a property", sd_bus_message_open_container(message_, 'r', "sv"));
    append("append a name", 's', property_.name.c_str());
    check("open a value", sd_bus_message_open_container(message_, 'v', property_.signature.c_str()));
    values(property_.signature);
    if (next_ != property_.tokens.size()) throw malformed();
    check("close a value", sd_bus_message_close_container(message_));
    check("close a property", sd_bus_message_close_container(message_));
  }

 private:
  Error malformed() const {
    return Error("value of the property " + sys::quote(property_.name) + " does not fit its type " +
                 sys::quote(property_.signature));
  }

  const std::string& take() {
    if (next_ == property_.tokens.size()) throw malformed();
    return property_.tokens[next_++];
  }

  void append(const char* call, char type, const void* value) {
    check(call, sd_bus_message_append_basic(message_, type, value));
  }

  template <class Number>
  void number(char type) {
    const std::string& text = take();
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) throw malformed();
    append("append a number", type, &value);
  }

  void boolean() {
    const std::string& text = take();
    if (text != "true" && text != "false") throw malformed();
    const int value = text == "true" ? 1 : 0;
    append("append a boolean", 'b', &value);
  }

  void values(std::string_view signature) {
    while (!signature.empty()) {
      const std::size_t length = complete_type(signature);
      if (length == 0) throw malformed();
      value(signature.substr(0, length));
      signature.remove_prefix(length);
    }
  }

  void array(std::string_view element) {
    const auto count = sys::parse_uint(take());
    if (!count) throw malformed();
    check("open an array", sd_bus_message_open_container(message_, 'a', std::string(element).c_str()));
    for (std::uint64_t i = 0; i < *count; ++i) value(element);
    check("close an array", sd_bus_message_close_container(message_));
  }

  void structure(std::string_view fields) {
    check("open a struct", sd_bus_message_open_container(message_, 'r', std::string(fields).c_str()));
    values(fields);
    check("close a struct", sd_bus_message_close_container(message_));
  }

  void value(std::string_view type) {
    switch (type[0]) {
      case 'a':
        return array(type.substr(1));
      case '(':
        return structure(type.substr(1, type.size() - 2));
      case 's':
      case 'o':
      case 'g':
        return append("append a string", type[0], take().c_str());
      case 'b':
        return boolean();
      case 'y':
        return number<std::uint8_t>('y');
      case 'n':
        return number<std::int16_t>('n');
      case 'q':
        return number<std::uint16_t>('q');
      case 'i':
        return number<std::int32_t>('i');
      case 'u':
        return number<std::uint32_t>('u');
      case 'x':
        return number<std::int64_t>('x');
      case 't':
        return number<std::uint64_t>('t');
      case 'd':
        return number<double>('d');
      default:
        throw malformed();
    }
  }

  sd_bus_message* message_;
  const UnitProperty& property_;
  std::size_t next_ = 0;
};

}  // namespace

void append_properties(sd_bus_message* message, const std::vector<UnitProperty>& properties) {
  check("open the properties", sd_bus_message_open_container(message, 'a', "(sv)"));
  for (const UnitProperty& property : properties) Appender(message, property).run();
  check("close the properties", sd_bus_message_close_container(message));
}

}  // namespace ocx::helper
