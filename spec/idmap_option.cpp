#include "spec/idmap_option.hpp"

#include <algorithm>
#include <limits>

#include "spec/validate_parts.hpp"
#include "sys/text.hpp"

namespace ocx::spec {
namespace {

constexpr std::uint32_t highest_id = std::numeric_limits<std::uint32_t>::max();

Error malformed(std::string_view text, const std::string& why, const std::string& origin) {
  return broken("id mapping " + sys::quote(text) + ": " + why, origin)
      .hint("it looks like uids=0-1000-1#1-100000-65536;gids=0-1000-1");
}

IdmapRange parse_range(std::string_view text, const std::string& origin) {
  IdmapRange range;
  range.relative = text.starts_with('@');
  const std::vector<std::string> words = sys::split(text.substr(range.relative ? 1 : 0), '-');
  if (words.size() != 3) throw malformed(text, "a range is three numbers", origin);
  std::uint32_t* const fields[] = {&range.file_id, &range.seen_as, &range.size};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto number = sys::parse_uint(words[i]);
    if (!number || *number > highest_id)
      throw malformed(text, sys::quote(words[i]) + " is no id or number of ids", origin);
    *fields[i] = static_cast<std::uint32_t>(*number);
  }
  if (range.size == 0) throw malformed(text, "a range has at least one id", origin);
  return range;
}

std::vector<IdmapRange> parse_ranges(std::string_view text, const std::string& origin) {
  std::vector<IdmapRange> ranges;
  for (const std::string& range : sys::split(text, '#')) ranges.push_back(parse_range(range, origin));
  return ranges;
}

/// The range of the map that has this id, or null.
const IdMapping* range_with(const std::vector<IdMapping>& map, std::uint64_t id) {
  for (const IdMapping& range : map)
    if (id >= range.container_id && id - range.container_id < range.size) return &range;
  return nullptr;
}

void append_relative(std::vector<IdMapping>& map, IdmapRange range, const std::vector<IdMapping>& container,
                     const std::string& origin) {
  while (range.size > 0) {
    const IdMapping* const within = range_with(container, range.seen_as);
    if (within == nullptr)
      throw broken("id " + std::to_string(range.seen_as) + " of a mount's id mapping is not mapped in the " +
                       "container's user namespace",
                   origin);
    const std::uint32_t offset = range.seen_as - within->container_id;
    const std::uint32_t size = std::min(range.size, within->size - offset);
    map.push_back({range.file_id, within->host_id + offset, size});
    range.file_id += size;
    range.seen_as += size;
    range.size -= size;
  }
}

}  // namespace

bool IdmapOption::relative() const {
  const auto is_relative = [](const IdmapRange& range) { return range.relative; };
  return std::any_of(uids.begin(), uids.end(), is_relative) ||
         std::any_of(gids.begin(), gids.end(), is_relative);
}

IdmapOption parse_idmap_option(std::string_view text, const std::string& origin) {
  IdmapOption option;
  for (const std::string& part : sys::split(text, ';')) {
    const bool uids = part.starts_with("uids=");
    if (!uids && !part.starts_with("gids=")) throw malformed(part, "uids= or gids= is expected", origin);
    std::vector<IdmapRange>& ranges = uids ? option.uids : option.gids;
    if (!ranges.empty()) throw malformed(text, "the same key twice", origin);
    ranges = parse_ranges(std::string_view(part).substr(5), origin);
  }
  if (option.uids.empty() || option.gids.empty())
    throw malformed(text, "both uids= and gids= are needed", origin);
  return option;
}

std::vector<IdMapping> absolute_id_map(const std::vector<IdmapRange>& ranges,
                                       const std::vector<IdMapping>& container, const std::string& origin) {
  std::vector<IdMapping> map;
  for (const IdmapRange& range : ranges) {
    if (range.relative)
      append_relative(map, range, container, origin);
    else
      map.push_back({range.file_id, range.seen_as, range.size});
  }
  try {
    check_id_map(map, origin);
  } catch (const Error& error) {
    throw broken(error.message(), origin).hint(error.hint());
  }
  return map;
}

}  // namespace ocx::spec
