// Names in archives: what they may be, and which of them are whiteouts.
#pragma once

#include <string>
#include <string_view>

namespace ocx::spec {

/// "./a//b/" -> "a/b", "./" -> "": the root directory. Errors: an absolute name, "..", an empty one, what is
/// longer than the kernel takes (PATH_MAX, NAME_MAX).
std::string archive_name(std::string_view name);

/// layer.md of the image specification, "Whiteouts".
struct Whiteout {
  enum class Kind {
    none,
    entry,   // ".wh.NAME": hides NAME of the layers below
    opaque,  // ".wh..wh..opq": hides all that its directory has in the layers below
    aufs,    // ".wh..wh.…": bookkeeping of AUFS, no part of the image
  };
  Kind kind = Kind::none;
  std::string directory, name;  // of Kind::entry and Kind::opaque (without a name)
};

/// `name` as archive_name gives it. Error: a whiteout for no name, "." or "..".
Whiteout whiteout_of(const std::string& name);

}  // namespace ocx::spec
