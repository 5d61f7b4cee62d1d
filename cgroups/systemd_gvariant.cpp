#include "cgroups/systemd_gvariant.hpp"

#include <charconv>
#include <cstdint>
#include <optional>

#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

constexpr unsigned deepest = 16;

struct TypeWord {
  std::string_view word;
  char type;
};
constexpr TypeWord type_words[] = {{"boolean", 'b'},  {"byte", 'y'},   {"int16", 'n'},  {"uint16", 'q'},
                                   {"int32", 'i'},    {"uint32", 'u'}, {"int64", 'x'},  {"uint64", 't'},
                                   {"double", 'd'},   {"string", 's'}, {"handle", 'i'}, {"objectpath", 'o'},
                                   {"signature", 'g'}};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Sign and digits of a number with its base: "-0x10", "010" as C has it.
struct Literal {
  bool negative = false;
  int base = 10;
  std::string digits;
};

Literal literal_of(std::string_view text) {
  Literal literal;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    literal.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    literal.base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0' && text.find_first_of(".eE") == std::string_view::npos) {
    literal.base = 8;
    text.remove_prefix(1);
  }
  literal.digits = text;
  return literal;
}

template <class Number>
std::optional<std::string> integer(std::string_view text) {
  const Literal literal = literal_of(text);
  const std::string signed_digits = (literal.negative ? "-" : "") + literal.digits;
  Number value{};
  const char* end = signed_digits.data() + signed_digits.size();
  const auto [stop, error] = std::from_chars(signed_digits.data(), end, value, literal.base);
  if (literal.digits.empty() || error != std::errc() || stop != end) return std::nullopt;
  return std::to_string(value);
}

std::optional<std::string> real(std::string_view text) {
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return std::string(text);
}

std::optional<std::string> number_token(std::string_view text, char type) {
  switch (type) {
    case 'y':
      return integer<std::uint8_t>(text);
    case 'n':
      return integer<std::int16_t>(text);
    case 'q':
      return integer<std::uint16_t>(text);
    case 'i':
      return integer<std::int32_t>(text);
    case 'u':
      return integer<std::uint32_t>(text);
    case 'x':
      return integer<std::int64_t>(text);
    case 't':
      return integer<std::uint64_t>(text);
    case 'd':
      return real(text);
    default:
      return std::nullopt;
  }
}

/// Recursive descent. A type that is asked for ("" is none) guides the values that have none of their own.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  UnitProperty run() {
    UnitProperty property;
    property.optional = false;
    property.signature = value("", property.tokens);
    skip_blanks();
    if (at_ != text_.size()) fail("something follows the value");
    return property;
  }

 private:
  using Tokens = std::vector<std::string>;

  [[noreturn]] void fail(const std::string& why) const {
    throw Error("GVariant text " + sys::quote(text_) + ": " + why + " at byte " + std::to_string(at_),
                ErrorKind::invalid_config);
  }
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
  }
  char peek() {
    skip_blanks();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  std::string_view take_while(bool (*wanted)(char)) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && wanted(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  std::string value(const std::string& type, Tokens& out);
  std::string word(const std::string& type, Tokens& out);
  std::string number(const std::string& type, Tokens& out);
  std::string quoted(const std::string& type, Tokens& out);
  std::string byte_string(Tokens& out);
  std::string array(const std::string& type, Tokens& out);
  std::string tuple(const std::string& type, Tokens& out);
  std::string annotated(Tokens& out);
  std::string complete_type(std::string_view& rest) const;
  std::string literal();
  void escape(std::string& into);
  void append_code_point(std::string& into, std::size_t digits);
  std::string agreed(const std::string& wanted, const std::string& found) const {
    if (!wanted.empty() && wanted != found) fail("a value of type " + found + " where " + wanted + " is due");
    return found;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  unsigned depth_ = 0;
};

std::string Parser::value(const std::string& type, Tokens& out) {
  if (++depth_ > deepest) fail("nested too deep");
  const char next = peek();
  std::string found;
  if (next == '\'' || next == '"')
    found = quoted(type, out);
  else if (next == '[')
    found = array(type, out);
  else if (next == '(')
    found = tuple(type, out);
  else if (next == '@')
    found = agreed(type, annotated(out));
  else if (next == 'b' && at_ + 1 < text_.size() && (text_[at_ + 1] == '\'' || text_[at_ + 1] == '"'))
    found = agreed(type, byte_string(out));
  else if (is_digit(next) || next == '-' || next == '+' || next == '.')
    found = number(type, out);
  else if (is_letter(next))
    found = word(type, out);
  else
    fail(next == '\0' ? "a value is missing" : "no value of a type that units have");
  --depth_;
  return found;
}

/// true, false, inf, nan, or a type's name before its value.
std::string Parser::word(const std::string& type, Tokens& out) {
  const std::size_t begin = at_;
  const std::string_view name = take_while([](char c) { return is_letter(c) || is_digit(c); });
  if (name == "true" || name == "false") {
    out.emplace_back(name);
    return agreed(type, "b");
  }
  for (const TypeWord& known : type_words)
    if (name == known.word) return agreed(type, value(std::string(1, known.type), out));
  at_ = begin;
  fail("no value of a type that units have");
}

std::string Parser::number(const std::string& type, Tokens& out) {
  const std::string_view text =
      take_while([](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '+'; });
  const bool hexadecimal = text.find_first_of("xX") != std::string_view::npos;
  const bool fraction = !hexadecimal && text.find_first_of(".eE") != std::string_view::npos;
  const std::string found = !type.empty() ? type : fraction ? "d" : "i";
  const auto token = found.size() == 1 ? number_token(text, found[0]) : std::nullopt;
  if (!token) fail(sys::quote(text) + " is no number of type " + found);
  out.push_back(*token);
  return found;
}

void Parser::append_code_point(std::string& into, std::size_t digits) {
  unsigned long code = 0;
  const std::string_view text = text_.substr(at_, digits);
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), code, 16);
  if (text.size() != digits || error != std::errc() || stop != text.data() + digits || code == 0 ||
      code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
    fail("no character");
  at_ += digits;
  if (code < 0x80) {
    into += static_cast<char>(code);
    return;
  }
  const unsigned bytes = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  const unsigned lead = 0xf00U >> bytes & 0xffU;
  into += static_cast<char>(lead | code >> (6 * (bytes - 1)));
  for (unsigned i = bytes - 1; i > 0; --i) into += static_cast<char>(0x80U | (code >> (6 * (i - 1)) & 0x3fU));
}

void Parser::escape(std::string& into) {
  constexpr std::string_view letters = "abfnrtv", meaning = "\a\b\f\n\r\t\v";
  if (at_ == text_.size()) fail("a string is cut short");
  const char c = text_[at_++];
  if (c == 'u') return append_code_point(into, 4);
  if (c == 'U') return append_code_point(into, 8);
  const std::size_t known = letters.find(c);
  if (known != std::string_view::npos)
    into += meaning[known];
  else
    into += c;
}

/// A string between quotes of either kind; at_ is on the first.
std::string Parser::literal() {
  const char quote = text_[at_++];
  std::string result;
  while (at_ < text_.size() && text_[at_] != quote) {
    const char c = text_[at_++];
    if (c == '\0') fail("a NUL byte in a string");
    if (c == '\\')
      escape(result);
    else
      result += c;
  }
  if (at_ == text_.size()) fail("a string is cut short");
  ++at_;
  return result;
}

std::string Parser::quoted(const std::string& type, Tokens& out) {
  if (!type.empty() && type != "s" && type != "o" && type != "g") fail("a string where " + type + " is due");
  out.push_back(literal());
  return type.empty() ? "s" : type;
}

/// b'…' is an array of bytes with a zero at its end.
std::string Parser::byte_string(Tokens& out) {
  ++at_;
  const std::string bytes = literal();
  out.push_back(std::to_string(bytes.size() + 1));
  for (const char c : bytes) out.push_back(std::to_string(static_cast<unsigned char>(c)));
  out.emplace_back("0");
  return "ay";
}

std::string Parser::array(const std::string& type, Tokens& out) {
  if (!type.empty() && type[0] != 'a') fail("an array where " + type + " is due");
  std::string element = type.empty() ? "" : type.substr(1);
  ++at_;
  const std::size_t count_at = out.size();
  out.emplace_back();
  std::size_t count = 0;
  while (!take(']')) {
    if (count > 0 && !take(',')) fail("\",\" or \"]\" is due");
    element = value(element, out);
    ++count;
  }
  if (element.empty()) fail("an empty array needs a type: @as []");
  out[count_at] = std::to_string(count);
  return "a" + element;
}

std::string Parser::tuple(const std::string& type, Tokens& out) {
  if (!type.empty() && type[0] != '(') fail("a tuple where " + type + " is due");
  std::string_view wanted = type;
  if (!wanted.empty()) wanted = wanted.substr(1, wanted.size() - 2);
  ++at_;
  std::string found = "(";
  bool first = true;
  while (!take(')')) {
    if (!first && !take(',')) fail("\",\" or \")\" is due");
    if (!first && take(')')) break;  // "(1,)"
    found += value(type.empty() ? "" : complete_type(wanted), out);
    first = false;
  }
  if (first) fail("an empty tuple is of no use in D-Bus");
  return agreed(type, found + ")");
}

/// Takes the first complete type off a signature.
std::string Parser::complete_type(std::string_view& rest) const {
  constexpr std::string_view basic = "bynqiuxtdsog";
  std::size_t length = 0;
  while (length < rest.size() && rest[length] == 'a') ++length;
  if (length == rest.size()) fail("the type is cut short");
  if (rest[length] == '(') {
    std::string_view inner = rest.substr(length + 1);
    while (!inner.empty() && inner[0] != ')') complete_type(inner);
    if (inner.empty()) fail("the type is cut short");
    length = rest.size() - inner.size();
  } else if (basic.find(rest[length]) == std::string_view::npos) {
    fail("no type that units have");
  }
  std::string type(rest.substr(0, length + 1));
  rest.remove_prefix(length + 1);
  return type;
}

std::string Parser::annotated(Tokens& out) {
  ++at_;
  std::string_view written =
      take_while([](char c) { return is_letter(c) || c == '(' || c == ')' || c == '{' || c == '}'; });
  if (written.size() > deepest * 4) fail("the type is too long");
  const std::string type = complete_type(written);
  if (!written.empty()) fail("more than one type");
  return value(type, out);
}

}  // namespace

UnitProperty parse_gvariant(std::string_view text) {
  return Parser(text).run();
}

}  // namespace ocx::cgroups
