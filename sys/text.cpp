#include "sys/text.hpp"

#include <charconv>
#include <chrono>

namespace ocx::sys {
namespace {

constexpr char hex_digits[] = "0123456789abcdef";
constexpr std::size_t quote_limit = 256;

template <typename Integer>
std::optional<Integer> parse_number(std::string_view text) {
  Integer value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

/// Bytes of the sequence that a lead byte announces (RFC 3629), 0 for bytes that can't lead.
std::size_t announced_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

/// Overlong forms, surrogates and code points above U+10FFFF show in the second byte.
bool second_byte_fits(unsigned char lead, unsigned char second) {
  switch (lead) {
    case 0xE0:
      return second >= 0xA0;
    case 0xED:
      return second <= 0x9F;
    case 0xF0:
      return second >= 0x90;
    case 0xF4:
      return second <= 0x8F;
    default:
      return true;
  }
}

const char* short_escape(char c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return nullptr;
  }
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

void append_hex(std::string& out, std::string_view prefix, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out.append(prefix);
  out += hex_digits[byte >> 4U];
  out += hex_digits[byte & 15U];
}

enum class Escapes { c, json };

/// `control` precedes two hexadecimal digits. An invalid byte is shown in C escapes and replaced in JSON.
std::string escaped(std::string_view text, Escapes kind) {
  const std::string_view control = kind == Escapes::json ? "\\u00" : "\\x";
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    if (const char* escape = short_escape(text[0]))
      out += escape;
    else if (length == 0 && kind == Escapes::json)
      out += "\xEF\xBF\xBD";
    else if (length == 0 || is_control(text[0]))
      append_hex(out, control, text[0]);
    else
      out.append(text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out += '"';
}

/// At most `limit` bytes, not cut inside a UTF-8 sequence.
std::string_view cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && is_continuation(text[limit])) --limit;
  return text.substr(0, limit);
}

/// Linux has at most 8192 CPUs (CONFIG_NR_CPUS) and 1024 memory nodes; the bound keeps "0-4294967295" from
/// eating memory.
constexpr std::uint64_t cpu_bound = 65536;

bool append_range(std::vector<unsigned>& cpus, std::string_view range) {
  const std::size_t dash = range.find('-');
  const auto first = parse_uint(range.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_uint(range.substr(dash + 1));
  if (!first || !last || *first > *last || *last >= cpu_bound) return false;
  for (std::uint64_t cpu = *first; cpu <= *last; ++cpu) cpus.push_back(static_cast<unsigned>(cpu));
  return cpus.size() <= cpu_bound;
}

std::string padded(std::int64_t number, std::size_t width) {
  const std::string digits = std::to_string(number);
  return digits.size() < width ? std::string(width - digits.size(), '0') + digits : digits;
}

}  // namespace

std::size_t utf8_sequence(std::string_view text) {
  if (text.empty()) return 0;
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = announced_length(lead);
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if (!is_continuation(text[i])) return 0;
  return length == 1 || second_byte_fits(lead, static_cast<unsigned char>(text[1])) ? length : 0;
}

std::string quote(std::string_view text) {
  const std::string_view shown = cut(text, quote_limit);
  return shown.size() == text.size() ? escaped(text, Escapes::c) : escaped(shown, Escapes::c) + "...";
}

std::string quote_all(std::string_view text) {
  return escaped(text, Escapes::c);
}

std::string json_string(std::string_view text) {
  return escaped(text, Escapes::json);
}

std::optional<std::int64_t> parse_int(std::string_view text) {
  return parse_number<std::int64_t>(text);
}

std::optional<std::uint64_t> parse_uint(std::string_view text) {
  return parse_number<std::uint64_t>(text);
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (const std::string& part : parts) {
    if (&part != &parts.front()) out.append(separator);
    out += part;
  }
  return out;
}

std::optional<std::vector<unsigned>> parse_cpu_list(std::string_view text) {
  std::vector<unsigned> cpus;
  for (const std::string& range : split(text, ','))
    if (!append_range(cpus, range)) return std::nullopt;
  return cpus;
}

std::string clean_path(std::string_view path) {
  std::string clean;
  while (!path.empty()) {
    const std::size_t end = path.find('/');
    const std::string_view part = path.substr(0, end);
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
    if (part.empty() || part == ".") continue;
    if (part != "..")
      clean.append("/").append(part);
    else if (!clean.empty())
      clean.erase(clean.rfind('/'));
  }
  return clean.empty() ? "/" : clean;
}

std::string timestamp() {
  using namespace std::chrono;
  // Not gmtime_r: glibc's reads the time zone file at its first call.
  const auto now = time_point_cast<nanoseconds>(system_clock::now());
  const auto day = floor<days>(now);
  const year_month_day date{day};
  const hh_mm_ss time{now - day};
  return padded(static_cast<int>(date.year()), 4) + "-" + padded(static_cast<unsigned>(date.month()), 2) +
         "-" + padded(static_cast<unsigned>(date.day()), 2) + "T" + padded(time.hours().count(), 2) + ":" +
         padded(time.minutes().count(), 2) + ":" + padded(time.seconds().count(), 2) + "." +
         padded(time.subseconds().count(), 9) + "Z";
}

}  // namespace ocx::sys
