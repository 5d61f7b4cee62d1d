// The config.json that `ocx spec` writes: a shell in a rootfs, with the defaults a person edits from there.
#pragma once

#include <cstdint>
#include <string>

namespace ocx::spec {

struct TemplateOptions {
  bool rootless = false;             // a user namespace with one id, nothing only root could do
  std::uint32_t euid = 0, egid = 0;  // mapped to 0 when rootless
  bool cgroup2 = false;              // adds a cgroup namespace: the mount then shows the container's own tree
};

/// A valid document for parse_config, tab-indented, with a final newline.
std::string write_template(const TemplateOptions& options);

}  // namespace ocx::spec
