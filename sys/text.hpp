// Small text work: numbers, lists, quoting for messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ocx::sys {

/// `"x"` with control characters, quotes and backslashes escaped, cut at 256 bytes: for error messages.
std::string quote(std::string_view text);
/// The same, uncut: the msg="…" of a text log line.
std::string quote_all(std::string_view text);
/// A JSON string with its quotes; bytes that are no UTF-8 become U+FFFD, so the result is always valid.
std::string json_string(std::string_view text);
/// Length of the valid UTF-8 sequence the text begins with (1 to 4), 0 when there is none.
std::size_t utf8_sequence(std::string_view text);
/// The whole text as a decimal number, nothing else (no sign for unsigned, no blanks).
std::optional<std::int64_t> parse_int(std::string_view text);
std::optional<std::uint64_t> parse_uint(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
/// "0-3,7" -> {0,1,2,3,7}; nothing when malformed (kernel list format).
std::optional<std::vector<unsigned>> parse_cpu_list(std::string_view text);
/// Lexically cleaned absolute path: one slash, no "." and "..", never above "/".
std::string clean_path(std::string_view path);
/// Now, RFC 3339 in UTC with nanoseconds, without reading /etc/localtime.
std::string timestamp();

}  // namespace ocx::sys
