// Options of an overlay that name directories (Documentation/filesystems/overlayfs.rst, "Multiple lower
// layers"): ':' stands between lower layers, '::' before those that only give data, and a backslash takes the
// meaning of what follows it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ocx::spec {

/// A lower layer; `path` is plain, without backslashes.
struct OverlayLayer {
  std::string path;
  bool data = false;  // behind "::": its files are found by metadata of the layers above alone
  bool operator==(const OverlayLayer&) const = default;
};

/// The value of `lowerdir=`, taken apart. Empty names are kept: the kernel refuses them.
std::vector<OverlayLayer> overlay_layers(std::string_view value);
/// The contrary, with ':' and ',' and '\' escaped.
std::string join_overlay_layers(const std::vector<OverlayLayer>& layers);

/// An option as it is in config.json, "lowerdir=a:b": relative directories become absolute ones below
/// `bundle`. mount(2) ends an option at a comma, an array of JSON does not: commas come out escaped. Options
/// that name no directories are returned as they are.
std::string absolute_overlay_option(const std::string& option, const std::string& bundle);

}  // namespace ocx::spec
