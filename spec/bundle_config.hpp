// The config.json that `ocx bundle` writes: that of `ocx spec`, with what the image says and the caller
// chooses (conversion.md of the image specification).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spec/image.hpp"
#include "spec/passwd.hpp"
#include "spec/template.hpp"

namespace ocx::spec {

/// A root that is mounted in the container's own mount namespace: absolute paths.
struct OverlayRoot {
  std::string lower, upper, work;
  bool in_user_namespace = false;
};

struct BundleVolume {
  std::string destination;
  std::string source;  // relative to the bundle
};

struct BundleSettings {
  TemplateOptions host;
  std::optional<std::vector<std::string>> entrypoint;  // instead of the image's; its arguments go, too
  std::vector<std::string> command;                    // instead of the image's Cmd; empty: that
  std::vector<std::string> env;                        // NAME=VALUE, beside or instead of the image's
  std::string hostname;                                // empty: that of `ocx spec`
  bool terminal = false;
  UserIds user;
  std::optional<OverlayRoot> overlay;
  std::vector<BundleVolume> volumes;
};

/// Error: no command, an environment without "=", what is no UTF-8, or else makes no valid configuration.
std::string write_bundle_config(const ImageConfig& image, const BundleSettings& settings);

}  // namespace ocx::spec
