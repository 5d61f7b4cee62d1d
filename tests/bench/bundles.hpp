// The configurations that are measured.
#pragma once

#include <filesystem>

namespace ocx::bench {

inline constexpr const char* pause_bundle = "pause";      // its program waits
inline constexpr const char* seccomp_bundle = "seccomp";  // with a profile as large as the engines' default

/// `directory` becomes the bundle of config.json, whose root file system is at `directory`/rootfs, and gets
/// these two below it.
void write_bundles(const std::filesystem::path& directory);

}  // namespace ocx::bench
