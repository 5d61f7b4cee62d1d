#include "cmd/limit_options.hpp"

#include <limits>

#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

using spec::Resources;

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

/// What an option was given, to be read as its property wants it.
class Value {
 public:
  Value(std::string_view option, const std::string& text) : option_(option), text_(text) {}

  /// Bytes, or -1.
  std::int64_t size() const {
    if (text_ == "-1") return -1;
    const auto bytes = parse_size(text_);
    if (!bytes || *bytes == 0) throw wrong("a number of bytes, with k, m, g or t if you like, or -1");
    return *bytes;
  }
  std::int64_t number(std::int64_t low, std::int64_t high) const {
    const auto number = sys::parse_int(text_);
    if (!number || *number < low || *number > high)
      throw wrong("a number from " + std::to_string(low) +
                  (high == largest ? " on" : " to " + std::to_string(high)));
    return *number;
  }
  std::uint64_t positive() const { return static_cast<std::uint64_t>(number(1, largest)); }
  /// Above 0, or -1.
  std::int64_t limit() const { return text_ == "-1" ? -1 : number(1, largest); }
  const std::string& list() const {
    if (text_.empty()) throw wrong("a list such as 0-3,7");
    return text_;
  }

 private:
  Error wrong(const std::string& wanted) const {
    return Error("invalid value " + sys::quote(text_) + " for --" + std::string(option_) + ": use " + wanted,
                 ErrorKind::usage);
  }

  std::string_view option_;
  const std::string& text_;
};

spec::MemoryLimits& memory(Resources& resources) {
  return resources.memory ? *resources.memory : resources.memory.emplace();
}

spec::CpuLimits& cpu(Resources& resources) {
  return resources.cpu ? *resources.cpu : resources.cpu.emplace();
}

void set_weight(Resources& resources, const Value& value) {
  resources.block_io.emplace().weight = static_cast<std::uint16_t>(value.number(10, 1000));
}

struct Limit {
  const char *option, *pointer;
  void (*set)(Resources& resources, const Value& value);  // null: no property of linux.resources
};

constexpr Limit table[] = {
    {"memory", "/memory/limit", [](Resources& r, const Value& v) { memory(r).limit = v.size(); }},
    {"memory-reservation", "/memory/reservation",
     [](Resources& r, const Value& v) { memory(r).reservation = v.size(); }},
    {"memory-swap", "/memory/swap", [](Resources& r, const Value& v) { memory(r).swap = v.size(); }},
    {"kernel-memory", "/memory/kernel", [](Resources& r, const Value& v) { memory(r).kernel = v.size(); }},
    {"kernel-memory-tcp", "/memory/kernelTCP",
     [](Resources& r, const Value& v) { memory(r).kernel_tcp = v.size(); }},
    {"cpu-share", "/cpu/shares", [](Resources& r, const Value& v) { cpu(r).shares = v.positive(); }},
    {"cpu-quota", "/cpu/quota", [](Resources& r, const Value& v) { cpu(r).quota = v.limit(); }},
    {"cpu-period", "/cpu/period", [](Resources& r, const Value& v) { cpu(r).period = v.positive(); }},
    {"cpu-burst", "/cpu/burst",
     [](Resources& r, const Value& v) { cpu(r).burst = static_cast<std::uint64_t>(v.number(0, largest)); }},
    {"cpu-idle", "/cpu/idle", [](Resources& r, const Value& v) { cpu(r).idle = v.number(0, 1); }},
    {"cpu-rt-runtime", "/cpu/realtimeRuntime",
     [](Resources& r, const Value& v) { cpu(r).realtime_runtime = v.limit(); }},
    {"cpu-rt-period", "/cpu/realtimePeriod",
     [](Resources& r, const Value& v) { cpu(r).realtime_period = v.positive(); }},
    {"cpuset-cpus", "/cpu/cpus", [](Resources& r, const Value& v) { cpu(r).cpus = v.list(); }},
    {"cpuset-mems", "/cpu/mems", [](Resources& r, const Value& v) { cpu(r).mems = v.list(); }},
    {"pids-limit", "/pids/limit", [](Resources& r, const Value& v) { r.pids_limit = v.number(-1, largest); }},
    {"blkio-weight", "/blockIO/weight", set_weight},
    {"l3-cache-schema", "/linux/intelRdt/l3CacheSchema", nullptr},
    {"mem-bw-schema", "/linux/intelRdt/memBwSchema", nullptr},
};

/// Powers of 1024, by the letter: nothing for another letter.
std::optional<unsigned> unit_shift(char letter) {
  constexpr std::string_view letters = "kmgtp";
  const auto lower = static_cast<char>(letter | 0x20);
  const auto place = letters.find(lower);
  if (place == std::string_view::npos) return std::nullopt;
  return 10 * (static_cast<unsigned>(place) + 1);
}

/// Takes "k", "kb", "KiB", "b" from the end of the text; the rest is the number. Returns the shift.
unsigned take_unit(std::string_view& text) {
  std::string_view rest = text;
  const auto ends_with = [&](char c) { return !rest.empty() && (rest.back() | 0x20) == c; };
  if (ends_with('b')) rest.remove_suffix(1);
  const bool binary = rest.size() < text.size() && ends_with('i');
  if (binary) rest.remove_suffix(1);
  const auto shift = rest.empty() ? std::nullopt : unit_shift(rest.back());
  if (binary && !shift) return 0;
  if (shift) rest.remove_suffix(1);
  text = rest;
  return shift.value_or(0);
}

}  // namespace

std::optional<std::int64_t> parse_size(std::string_view text) {
  const unsigned shift = take_unit(text);
  const std::size_t point = text.find('.');
  const auto whole = sys::parse_uint(text.substr(0, point));
  if (!whole || *whole > static_cast<std::uint64_t>(largest) >> shift) return std::nullopt;
  std::uint64_t bytes = *whole << shift;
  if (point != std::string_view::npos) {
    const std::string_view digits = text.substr(point + 1);
    const auto fraction = digits.size() > 3 || shift == 0 ? std::nullopt : sys::parse_uint(digits);
    if (!fraction) return std::nullopt;
    std::uint64_t scale = 1;
    for (std::size_t i = 0; i < digits.size(); ++i) scale *= 10;
    // At most 999 << 50: no overflow.
    bytes += (*fraction << shift) / scale;
  }
  if (bytes > static_cast<std::uint64_t>(largest)) return std::nullopt;
  return static_cast<std::int64_t>(bytes);
}

std::vector<std::string> given_limits(const Arguments& arguments) {
  std::vector<std::string> names;
  for (const Limit& limit : table)
    if (arguments.value(limit.option)) names.emplace_back(limit.option);
  return names;
}

Resources limits(const Arguments& arguments) {
  Resources resources;
  for (const Limit& limit : table)
    if (const auto text = arguments.value(limit.option); text && limit.set != nullptr)
      limit.set(resources, Value(limit.option, *text));
  return resources;
}

std::optional<std::string> schema_option(const Arguments& arguments, const char* option,
                                         std::string_view start) {
  auto text = arguments.value(option);
  if (!text || (text->starts_with(start) && text->find('\n') == std::string::npos)) return text;
  throw Error("invalid value " + sys::quote(*text) + " for --" + option + ": use one line that starts with " +
                  std::string(start),
              ErrorKind::usage);
}

std::map<std::string, std::string> limit_origins() {
  std::map<std::string, std::string> origins;
  for (const Limit& limit : table) origins[limit.pointer] = std::string("--") + limit.option;
  return origins;
}

}  // namespace ocx::cmd
