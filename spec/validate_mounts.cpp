// config.md, "Mounts", but the option strings, which spec/mount_options reads.
#include <linux/sched.h>

#include <algorithm>

#include "spec/validate_parts.hpp"
#include "sys/text.hpp"

namespace ocx::spec {
namespace {

bool has_option(const Mount& mount, std::string_view option) {
  return std::find(mount.options.begin(), mount.options.end(), option) != mount.options.end();
}

// config.md: uidMappings and gidMappings come together; "idmap" without any needs those of the user
// namespace.
void validate_mappings(const Mount& mount, const Linux& linux, const std::string& base) {
  if (mount.uid_mappings.empty() != mount.gid_mappings.empty()) {
    const char* missing = mount.uid_mappings.empty() ? "uidMappings" : "gidMappings";
    throw broken("an id-mapped mount needs both uidMappings and gidMappings", pointer(base, {missing}));
  }
  check_id_map(mount.uid_mappings, pointer(base, {"uidMappings"}));
  check_id_map(mount.gid_mappings, pointer(base, {"gidMappings"}));
  const bool wanted = has_option(mount, "idmap") || has_option(mount, "ridmap");
  if (wanted && mount.uid_mappings.empty() && linux.find(CLONE_NEWUSER) == nullptr)
    throw broken("the mount is to be id-mapped, but neither it nor a user namespace has mappings",
                 pointer(base, {"options"}))
        .hint("add uidMappings and gidMappings to the mount");
}

void validate_mount(const Mount& mount, const Linux& linux, const std::string& base, Warnings& warnings) {
  const std::string destination = pointer(base, {"destination"});
  if (mount.destination.empty()) throw broken("the destination is empty", destination);
  if (!mount.destination.starts_with('/'))
    warnings.push_back("relative mount destination " + sys::quote(mount.destination) + " (" + destination +
                       ") is deprecated, taking it from /");
  if (mount.source.empty() && (has_option(mount, "bind") || has_option(mount, "rbind")))
    throw broken("a bind mount needs a source", pointer(base, {"source"}));
  validate_mappings(mount, linux, base);
}

}  // namespace

void validate_mounts(const Config& config, Warnings& warnings) {
  for (std::size_t i = 0; i < config.mounts.size(); ++i)
    validate_mount(config.mounts[i], config.linux, pointer("/mounts", i), warnings);
}

}  // namespace ocx::spec
