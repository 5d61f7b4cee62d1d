#include "cgroups/systemd_limits.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>

#include "cgroups/setting_writer.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t default_period_us = 100'000;  // the kernel's
constexpr std::uint64_t second_us = 1'000'000, percent_us = 10'000;
constexpr unsigned largest_cpu = 8191;  // CONFIG_NR_CPUS

enum class Form { number, weight, set, devices };
struct Mapping {
  const char* file;
  const char* property;
  Form form;
};

constexpr Mapping mappings[] = {
    {"memory.min", "MemoryMin", Form::number},
    {"memory.low", "MemoryLow", Form::number},
    {"memory.high", "MemoryHigh", Form::number},
    {"memory.max", "MemoryMax", Form::number},
    {"memory.swap.max", "MemorySwapMax", Form::number},
    {"memory.zswap.max", "MemoryZSwapMax", Form::number},
    {"memory.limit_in_bytes", "MemoryMax", Form::number},
    {"cpu.weight", "CPUWeight", Form::number},
    {"cpu.shares", "CPUShares", Form::number},
    {"pids.max", "TasksMax", Form::number},
    {"cpuset.cpus", "AllowedCPUs", Form::set},
    {"cpuset.mems", "AllowedMemoryNodes", Form::set},
    {"io.weight", "IOWeight", Form::weight},
    {"io.bfq.weight", "IOWeight", Form::weight},
    {"blkio.weight", "BlockIOWeight", Form::weight},
    {"blkio.bfq.weight", "BlockIOWeight", Form::weight},
    {"blkio.throttle.read_bps_device", "BlockIOReadBandwidth", Form::devices},
    {"blkio.throttle.write_bps_device", "BlockIOWriteBandwidth", Form::devices},
};
struct IoKey {
  const char* key;
  const char* property;
};
constexpr IoKey io_keys[] = {{"rbps", "IOReadBandwidthMax"},
                             {"wbps", "IOWriteBandwidthMax"},
                             {"riops", "IOReadIOPSMax"},
                             {"wiops", "IOWriteIOPSMax"}};

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (const std::string& line : sys::split(text, '\n'))
    for (std::string& word : sys::split(line, ' '))
      if (!word.empty()) words.push_back(std::move(word));
  return words;
}

/// "max" and -1 are no limit. Nothing for what is no number: that is for the kernel to refuse.
std::optional<std::uint64_t> number(const std::string& word) {
  if (word == "max" || word == "-1") return unlimited;
  return sys::parse_uint(word);
}

/// A set of CPUs or nodes as bytes, lowest first.
std::optional<std::vector<std::string>> bit_bytes(const std::string& list) {
  const auto members = sys::parse_cpu_list(list);
  if (!members) return std::nullopt;
  std::vector<unsigned> bytes;
  for (const unsigned member : *members) {
    if (member > largest_cpu) return std::nullopt;
    if (bytes.size() <= member / 8) bytes.resize(member / 8 + 1);
    bytes[member / 8] |= 1U << (member % 8);
  }
  std::vector<std::string> tokens{std::to_string(bytes.size())};
  for (const unsigned byte : bytes) tokens.push_back(std::to_string(byte));
  return tokens;
}

class Builder {
 public:
  explicit Builder(const ReadFile& current) : current_(current) {}

  void add(const Setting& setting);
  std::vector<UnitProperty> finish();

 private:
  UnitProperty& property(const std::string& name, const std::string& signature, const Setting& setting);
  void set_number(const std::string& name, std::uint64_t value, const Setting& setting);
  void add_mapped(const Mapping& mapping, const Setting& setting);
  void add_weight(const Mapping& mapping, const Setting& setting);
  void add_devices(const std::string& name, const std::string& device, const std::string& value,
                   const Setting& setting);
  void add_io_max(const Setting& setting);
  void note_bandwidth(const Setting& setting);
  void add_bandwidth();

  const ReadFile& current_;
  std::vector<UnitProperty> properties_;
  std::optional<Setting> bandwidth_;             // the last that spoke of it
  bool malformed_ = false;                       // it is for the kernel to say so
  std::optional<std::uint64_t> quota_, period_;  // microseconds
};

/// One property comes once: the last value counts, as in the file; devices add up.
UnitProperty& Builder::property(const std::string& name, const std::string& signature,
                                const Setting& setting) {
  for (UnitProperty& known : properties_)
    if (known.name == name) return known;
  properties_.push_back({name, signature, {}, true, setting.origin});
  return properties_.back();
}

void Builder::set_number(const std::string& name, std::uint64_t value, const Setting& setting) {
  property(name, "t", setting).tokens = {std::to_string(value)};
}

void Builder::add(const Setting& setting) {
  if (setting.file == "cpu.max" || setting.file == "cpu.cfs_quota_us" || setting.file == "cpu.cfs_period_us")
    return note_bandwidth(setting);
  if (setting.file == "io.max") return add_io_max(setting);
  // 0 is systemd's "idle"; the weight that comes with it has no effect.
  if (setting.file == "cpu.idle") {
    if (setting.value == "1") set_number("CPUWeight", 0, setting);
    return;
  }
  for (const Mapping& mapping : mappings)
    if (setting.file == mapping.file) return add_mapped(mapping, setting);
}

void Builder::add_mapped(const Mapping& mapping, const Setting& setting) {
  const std::vector<std::string> words = words_of(setting.value);
  if (mapping.form == Form::weight) return add_weight(mapping, setting);
  if (mapping.form == Form::devices) {
    if (words.size() == 2) add_devices(mapping.property, words[0], words[1], setting);
    return;
  }
  if (mapping.form == Form::set) {
    const auto tokens = words.empty() ? std::vector<std::string>{"0"} : bit_bytes(words[0]);
    if (tokens) property(mapping.property, "ay", setting).tokens = *tokens;
    return;
  }
  if (words.size() != 1) return;
  auto value = number(words[0]);
  // systemd refuses 0 tasks. 1 is the same for a container that has its init.
  if (value == 0U && setting.file == "pids.max") value = 1;
  if (value) set_number(mapping.property, *value, setting);
}

/// "100", "default 100", or "8:16 100". systemd has one scale, and keeps BFQ's file in step with it.
void Builder::add_weight(const Mapping& mapping, const Setting& setting) {
  const bool own_scale = setting.file == "io.bfq.weight" && !setting.other_value.empty();
  std::vector<std::string> words = words_of(own_scale ? setting.other_value : setting.value);
  if (words.size() == 2 && words[0] == "default") words.erase(words.begin());
  if (words.size() == 1) {
    if (const auto value = number(words[0])) set_number(mapping.property, *value, setting);
  } else if (words.size() == 2) {
    const std::string property = std::string(mapping.property) == "IOWeight" ? "IODeviceWeight" : "";
    if (!property.empty()) add_devices(property, words[0], words[1], setting);
  }
}

void Builder::add_devices(const std::string& name, const std::string& device, const std::string& value,
                          const Setting& setting) {
  const auto rate = number(value);
  if (!rate) return;
  UnitProperty& list = property(name, "a(st)", setting);
  list.tokens.push_back("/dev/block/" + device);
  // v1 takes a limit away with 0.
  list.tokens.push_back(std::to_string(*rate == 0 ? unlimited : *rate));
}

/// "8:16 rbps=1048576 wiops=max".
void Builder::add_io_max(const Setting& setting) {
  std::vector<std::string> words = words_of(setting.value);
  for (std::size_t i = 1; i < words.size(); ++i)
    for (const IoKey& io : io_keys) {
      const std::string prefix = std::string(io.key) + "=";
      if (words[i].rfind(prefix, 0) == 0)
        add_devices(io.property, words[0], words[i].substr(prefix.size()), setting);
    }
}

/// v2 has both in one file, "50000 100000", and keeps what is not given; v1 has two files.
void Builder::note_bandwidth(const Setting& setting) {
  const std::vector<std::string> words = words_of(setting.value);
  bandwidth_ = setting;
  if (words.empty()) return;
  const bool period_only = setting.file == "cpu.cfs_period_us" || setting.keep_first_word;
  for (std::size_t i = 0; i < words.size() && i < 2; ++i) {
    const auto value = number(words[i]);
    if (!value) malformed_ = true;
    (period_only || i > 0 ? period_ : quota_) = value;
  }
}

void Builder::add_bandwidth() {
  if (!bandwidth_ || malformed_) return;
  const bool v2 = bandwidth_->file == "cpu.max";
  const std::vector<std::string> now = words_of(current_(v2 ? "cpu.max" : "cpu.cfs_quota_us"));
  const std::vector<std::string> now_period = v2 ? now : words_of(current_("cpu.cfs_period_us"));
  if (!quota_) quota_ = now.empty() ? unlimited : number(now[0]);
  if (!period_ && !now_period.empty()) period_ = number(now_period.back());
  const std::uint64_t period = period_.value_or(default_period_us);
  if (!quota_ || period == 0 || period > second_us) return;
  std::uint64_t per_second = unlimited;
  if (*quota_ < unlimited / second_us) {
    per_second = *quota_ * second_us / period + (*quota_ * second_us % period != 0 ? 1 : 0);
    per_second = (per_second + percent_us - 1) / percent_us * percent_us;
  }
  set_number("CPUQuotaPerSecUSec", per_second, *bandwidth_);
  set_number("CPUQuotaPeriodUSec", period, *bandwidth_);
}

std::vector<UnitProperty> Builder::finish() {
  add_bandwidth();
  for (UnitProperty& list : properties_)
    if (list.signature == "a(st)")
      list.tokens.insert(list.tokens.begin(), std::to_string(list.tokens.size() / 2));
  return std::move(properties_);
}

}  // namespace

std::vector<UnitProperty> limit_properties(const std::vector<Setting>& settings, const ReadFile& current) {
  Builder builder(current);
  for (const Setting& setting : settings) builder.add(setting);
  return builder.finish();
}

std::vector<Setting> settings_in_force(const std::vector<Setting>& settings, const ReadFile& current) {
  std::vector<Setting> result;
  for (const Setting& setting : settings) {
    Setting old = setting;
    std::string content = current(old.file);
    if (content.empty() && !old.other_file.empty()) content = current(old.file = old.other_file);
    if (content.empty()) continue;
    auto value = former_value(old.file, content, setting.value, setting.keyed);
    if (!value) continue;
    old.value = std::move(*value);
    result.push_back(std::move(old));
  }
  return result;
}

}  // namespace ocx::cgroups
