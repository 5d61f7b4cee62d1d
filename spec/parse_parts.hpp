// The parts of the parser, one a section of the specification. Internal to spec/parse*.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "spec/json_reader.hpp"
#include "spec/names.hpp"
#include "spec/parse.hpp"

namespace ocx::spec {

/// config.md, "Specification version": SemVer 2.0.0 of major 1, with a warning for a minor that is newer than
/// ocx.
void check_version(const Json& version, Warnings& warnings);

Process read_process(const Json& process, Warnings& warnings);
/// The six arrays of `hooks`.
Hooks read_hooks(const Json& hooks);
Linux read_linux(const Json& linux);
Resources read_resources(const Json& resources);
Seccomp read_seccomp(const Json& seccomp);
/// config-linux.md, "User namespace mappings"; also of mounts.
std::vector<IdMapping> read_id_mappings(const Json& mappings);

/// `unknown <what> "<text>"`, with the likely spelling or the list of known names as hint.
Error unknown_name(const Json& json, std::string_view what, const std::vector<std::string_view>& known);

/// The value that the string stands for in the table.
template <class Value, std::size_t N>
Value read_name(const Json& json, const Named<Value> (&table)[N], std::string_view what) {
  if (const auto value = value_of(table, json.string())) return *value;
  throw unknown_name(json, what, names_of(table));
}

/// An array of names, or-ed together.
template <class Value, std::size_t N>
Value read_flags(const Json& json, const Named<Value> (&table)[N], std::string_view what) {
  Value flags = 0;
  for (const Json& flag : json.elements()) flags |= read_name(flag, table, what);
  return flags;
}

/// Strings for which the engines write "" where they mean absent.
std::optional<std::string> read_nonempty(const Json& json);

}  // namespace ocx::spec
