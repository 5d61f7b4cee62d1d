// `ocx info`: what a bug report has to say of ocx, the kernel and the caller.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "runtime/request.hpp"

namespace ocx::runtime {

struct InfoSection {
  std::string name;
  std::vector<std::pair<std::string, std::string>> facts;  // name, value; "" is "not there"

  void add(std::string fact, std::string value) { facts.emplace_back(std::move(fact), std::move(value)); }
};

/// Looks only, and at nothing that is the host's secret: no names of hosts, users or containers, no
/// environment.
std::vector<InfoSection> info(const Globals& globals);

}  // namespace ocx::runtime
