// The value of crun's mount options idmap= and ridmap=: "uids=C-H-N#C-H-N;gids=@C-H-N".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "spec/linux.hpp"

namespace ocx::spec {

/// `size` ids of the file system from `file_id` on are seen as those from `seen_as` on: ids of the host, or,
/// when `relative` (written "@"), ids of the container's user namespace.
struct IdmapRange {
  std::uint32_t file_id = 0, seen_as = 0, size = 0;
  bool relative = false;
  bool operator==(const IdmapRange&) const = default;
};

struct IdmapOption {
  std::vector<IdmapRange> uids, gids;
  bool relative() const;  // any of them
};

/// Strict: both keys, each once, with one range or more. Throws Error (invalid_config) at `origin`.
IdmapOption parse_idmap_option(std::string_view text, const std::string& origin);

/// The ranges as a user namespace takes them, the file system's ids in the place of container ids. A relative
/// range that is several ranges of `container` becomes as many. Throws Error (invalid_config) at `origin`: an
/// id that `container` lacks, or a map the kernel would refuse.
std::vector<IdMapping> absolute_id_map(const std::vector<IdmapRange>& ranges,
                                       const std::vector<IdMapping>& container, const std::string& origin);

}  // namespace ocx::spec
