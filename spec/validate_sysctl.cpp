#include "spec/validate_sysctl.hpp"

#include <algorithm>
#include <set>

#include "spec/names.hpp"
#include "spec/validate_parts.hpp"
#include "sys/text.hpp"

namespace ocx::spec {
namespace {

struct Scope {
  std::string_view path;  // below /proc/sys; with a final slash, everything under it
  std::uint64_t flag;
};

// namespaces(7), ipc_namespaces(7), network_namespaces(7), uts_namespaces(7), user_namespaces(7).
constexpr Scope scopes[] = {
    {"kernel/msgmax", CLONE_NEWIPC},     {"kernel/msgmnb", CLONE_NEWIPC},
    {"kernel/msgmni", CLONE_NEWIPC},     {"kernel/sem", CLONE_NEWIPC},
    {"kernel/shmall", CLONE_NEWIPC},     {"kernel/shmmax", CLONE_NEWIPC},
    {"kernel/shmmni", CLONE_NEWIPC},     {"kernel/shm_rmid_forced", CLONE_NEWIPC},
    {"fs/mqueue/", CLONE_NEWIPC},        {"net/", CLONE_NEWNET},
    {"kernel/domainname", CLONE_NEWUTS}, {"user/", CLONE_NEWUSER},
};

const Scope* scope_of(std::string_view path) {
  for (const Scope& scope : scopes)
    if (scope.path.ends_with('/') ? path.starts_with(scope.path) : path == scope.path) return &scope;
  return nullptr;
}

void validate_parameter(const Linux& linux, const std::string& name, const std::string& path,
                        const std::string& origin) {
  const std::string sysctl = "sysctl " + sys::quote(name);
  if (path == "kernel/hostname")
    throw broken(sysctl + " is not for config.json to set", origin).hint("use the property /hostname");
  const Scope* scope = scope_of(path);
  if (scope == nullptr)
    throw broken(sysctl + " is not in a separate kernel namespace", origin)
        .hint("it would change the host; set it there");
  if (linux.find(scope->flag) == nullptr) {
    const std::string type(name_of(namespace_types, scope->flag));
    throw broken(sysctl + " needs the container's own " + type + " namespace", origin)
        .hint("add {\"type\": \"" + type + "\"} to /linux/namespaces");
  }
}

}  // namespace

std::optional<std::string> sysctl_path(std::string_view name) {
  std::string path(name);
  const std::size_t separator = path.find_first_of("./");
  if (separator == std::string::npos) return std::nullopt;
  if (path[separator] == '.')
    for (char& c : path) c = c == '.' ? '/' : c == '/' ? '.' : c;
  for (const std::string& component : sys::split(path, '/'))
    if (component.empty() || component == "." || component == "..") return std::nullopt;
  return path;
}

void validate_sysctl(const Linux& linux) {
  std::set<std::string> seen;
  for (const auto& [name, value] : linux.sysctl) {
    const std::string origin = pointer("/linux/sysctl", {name});
    const auto path = sysctl_path(name);
    if (!path)
      throw broken(sys::quote(name) + " is no name of a kernel parameter", origin)
          .hint("such as \"net.ipv4.ip_forward\"");
    if (!seen.insert(*path).second)
      throw broken("sysctl " + sys::quote(name) + " is set twice, with \".\" and with \"/\"", origin);
    validate_parameter(linux, name, *path, origin);
  }
}

}  // namespace ocx::spec
