// Landlock rules by annotation (landlock(7)): the specification has no property for them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ocx::spec {

/// What the process may still do, once these are in force; access rights are LANDLOCK_ACCESS_*.
struct LandlockRules {
  struct Path {
    std::string path;  // absolute in the container
    std::uint64_t access = 0;
  };
  struct Port {
    std::uint16_t port = 0;
    std::uint64_t access = 0;
  };
  std::uint64_t handled_fs = 0, handled_net = 0, scoped = 0;  // what is denied unless a rule allows it
  std::vector<Path> paths;
  std::vector<Port> ports;
};

}  // namespace ocx::spec
