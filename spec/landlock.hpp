// Landlock rules by annotation (landlock(7)): the specification has no property for them. The annotations are
// explained in docs/annotations.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sys/landlock.hpp"

namespace ocx::spec {

/// What the process may still do, once these are in force; access rights are bits of sys::landlock.
struct LandlockRules {
  struct Path {
    std::string path;  // absolute in the container
    std::uint64_t access = 0;
  };
  struct Port {
    std::uint16_t port = 0;
    std::uint64_t access = 0;
  };
  sys::landlock::Handled handled;  // what is denied unless a rule allows it
  std::vector<Path> paths;
  std::vector<Port> ports;
  bool best_effort = false;  // go without what the kernel lacks
};

/// `org.ocx.landlock.` and the last words of its annotations.
inline constexpr std::string_view landlock_prefix = "org.ocx.landlock.";
inline constexpr std::string_view landlock_annotations[] = {"fs", "tcp", "scope", "compat"};
/// "/annotations/org.ocx.landlock.fs" for "fs": where an error of these rules belongs.
std::string landlock_origin(std::string_view annotation);

bool has_landlock(const std::map<std::string, std::string>& annotations);
/// The rules the annotations ask for; nothing when there are none. Throws Error (invalid_config) at the
/// annotation: unknown names, words and ports, with the nearest known word.
std::optional<LandlockRules> parse_landlock(const std::map<std::string, std::string>& annotations);

/// What `rules` need and version `abi` of the kernel's Landlock lacks, as the annotations call it.
struct LandlockLack {
  std::string_view annotation;  // "fs", "tcp", "scope"
  std::string_view word;
  int abi = 0;             // the first that has it
  std::string_view linux;  // and the first kernel
};
std::vector<LandlockLack> landlock_lacks(const LandlockRules& rules, int abi);
/// Without what that version lacks; rules that allow nothing any more are gone.
LandlockRules fit_landlock(LandlockRules rules, int abi);

/// In words: "read, execute beneath /usr; …".
std::string describe_landlock(const LandlockRules& rules);

}  // namespace ocx::spec
