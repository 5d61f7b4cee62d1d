// config-linux.md, "Memory policy": the rules of set_mempolicy(2).
#include "spec/names.hpp"
#include "spec/validate_parts.hpp"
#include "sys/text.hpp"

namespace ocx::spec {
namespace {

constexpr std::uint32_t numa_balancing = 1U << 13, relative_nodes = 1U << 14, static_nodes = 1U << 15;

enum class Nodes { refused, optional, required };

struct ModeRules {
  std::string_view mode;
  Nodes nodes;
  bool balancing;
};

constexpr ModeRules rules[] = {
    {"MPOL_DEFAULT", Nodes::refused, false},        {"MPOL_LOCAL", Nodes::refused, false},
    {"MPOL_PREFERRED", Nodes::optional, false},     {"MPOL_BIND", Nodes::required, true},
    {"MPOL_INTERLEAVE", Nodes::required, false},    {"MPOL_WEIGHTED_INTERLEAVE", Nodes::required, false},
    {"MPOL_PREFERRED_MANY", Nodes::required, true},
};

void check_nodes(const MemoryPolicy& policy, const ModeRules& rule) {
  const std::string origin = "/linux/memoryPolicy/nodes";
  if (rule.nodes == Nodes::required && policy.nodes.empty())
    throw broken(std::string(rule.mode) + " needs nodes", origin).hint("such as \"0-1\"");
  if (rule.nodes == Nodes::refused && !policy.nodes.empty())
    throw broken(std::string(rule.mode) + " takes no nodes", origin).hint("remove them");
  if (!policy.nodes.empty() && !is_number_list(policy.nodes))
    throw broken(sys::quote(policy.nodes) + " is no list of nodes", origin)
        .hint("such as \"0-1,3\"; numbers go up to 65535");
}

void check_flags(const MemoryPolicy& policy, const ModeRules& rule) {
  const std::string origin = "/linux/memoryPolicy/flags";
  const std::uint32_t about_nodes = policy.flags & (static_nodes | relative_nodes);
  if (about_nodes == (static_nodes | relative_nodes))
    throw broken("MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other", origin);
  if (about_nodes != 0 && policy.nodes.empty())
    throw broken(std::string(rule.mode) + " without nodes takes no flag about nodes", origin);
  if ((policy.flags & numa_balancing) != 0 && !rule.balancing)
    throw broken("MPOL_F_NUMA_BALANCING does not go with " + std::string(rule.mode), origin);
}

}  // namespace

void validate_memory_policy(const MemoryPolicy& policy) {
  for (const ModeRules& rule : rules) {
    if (rule.mode != name_of(memory_policy_modes, policy.mode)) continue;
    check_nodes(policy, rule);
    check_flags(policy, rule);
  }
}

}  // namespace ocx::spec
