// What linux.resources becomes: values for files of the container's cgroup. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "spec/resources.hpp"

namespace ocx::cgroups {

/// Which version of cgroups each controller has: the kernel gives a controller to one hierarchy only.
struct Versions {
  std::vector<std::string> v1;  // the controllers that are mounted as v1
  bool v2 = false;              // a v2 hierarchy is mounted
  bool on_v2(std::string_view controller) const;
  bool pure_v2() const { return v2 && v1.empty(); }
};

/// One value for one file.
struct Setting {
  /// What it means when the host has no such file, or no controller that would have it.
  enum class Missing {
    error,
    skip,  // nothing: the value is what the kernel does without the file
    warn   // nothing can be done, and the specification allows that; the same for EOPNOTSUPP
  };

  std::string controller;  // "memory"; empty for the core's files (cgroup.*)
  std::string file;        // its name in the container's directory
  std::string value;
  std::string origin;  // JSON pointer
  bool v2 = false;     // the file is in the v2 hierarchy
  Missing missing = Missing::error;
  std::string other_file = {}, other_value = {};  // in its place, where `file` does not exist
  /// Settings of one group follow each other, and what the kernel takes of one depends on the others
  /// (EINVAL): it is then written after them.
  std::string group = {};
  std::string usage_file = {};   // a value below the number in this file is refused
  bool keyed = false;            // the file has a line for each first word of a value (a device)
  bool keep_first_word = false;  // `value` follows the first word that the file has now
  bool in_parents = false;  // goes to the parent directories first, those that were made for the container
};

/// The writes in their order. Throws Error, kind unsupported, with its origin for a setting that this version
/// of cgroups can't express (config-linux.md, "Unified").
std::vector<Setting> settings_of(const spec::Resources& resources, const Versions& versions);

/// settings_of() and the device rules, for their errors alone: made before anything exists, so that nothing
/// is half applied. Returns warnings about what has no effect and may be ignored.
std::vector<std::string> check_resources(const spec::Resources& resources, const Versions& versions);

/// For a container without a cgroup: throws Error, kind unsupported, at the first limit.
void refuse_limits(const spec::Resources& resources);

}  // namespace ocx::cgroups
