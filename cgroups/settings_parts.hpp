// The parts of settings_of(), by version and topic.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cgroups/settings.hpp"

namespace ocx::cgroups {

using Settings = std::vector<Setting>;

/// "/linux/resources/" and this, with an escaped name at the end (RFC 6901).
std::string origin_of(std::string_view path);
std::string origin_of(std::string_view path, std::string_view name);

/// "8:16": a device as blkio and io name it.
template <typename Device>
std::string device_key(const Device& device) {
  return std::to_string(device.major) + ":" + std::to_string(device.minor);
}

/// Engines of the first years write 0 for what was not asked for.
bool is_given(const auto& value) {
  return value && *value != 0;
}

/// A file that is missing is no error where the value is what the kernel does without it.
inline Setting::Missing unless_default(bool is_default) {
  return is_default ? Setting::Missing::skip : Setting::Missing::error;
}

void append_v1_memory(Settings& out, const spec::MemoryLimits& memory);
void append_v1_cpu(Settings& out, const spec::CpuLimits& cpu);
void append_v1_block_io(Settings& out, const spec::BlockIo& io);
void append_v1_hugepages(Settings& out, const std::vector<spec::HugepageLimit>& limits);
void append_v1_classes(Settings& out, const spec::NetworkLimits& network);
void append_v1_priorities(Settings& out, const spec::NetworkLimits& network);

void append_v2_memory(Settings& out, const spec::MemoryLimits& memory);
void append_v2_cpu(Settings& out, const spec::CpuLimits& cpu);
void append_v2_block_io(Settings& out, const spec::BlockIo& io);
void append_v2_hugepages(Settings& out, const std::vector<spec::HugepageLimit>& limits);
void append_unified(Settings& out, const std::map<std::string, std::string>& unified,
                    const Versions& versions);
/// Throw for what only v1 has.
void refuse_v1_classes(const spec::NetworkLimits& network);
void refuse_v1_priorities(const spec::NetworkLimits& network);

}  // namespace ocx::cgroups
