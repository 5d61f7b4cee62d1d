// A first mount over "/", which makes the container's root, and what all overlays have in common.
#include <linux/mount.h>
#include <sched.h>

#include <algorithm>
#include <array>

#include "runtime/plan_parts.hpp"
#include "spec/overlay_options.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

using Data = spec::MountOptions::Data;

// Views of the kernel: nobody can make a directory there, so neither a mount point.
constexpr std::array<std::string_view, 6> kKernelTypes{"proc",    "sysfs",  "cgroup",
                                                       "cgroup2", "devpts", "mqueue"};

Error refusal(const std::string& what, std::string origin) {
  return Error("a mount over \"/\" " + what, ErrorKind::invalid_config).at(std::move(origin));
}

void check_root_options(const step::Mount& mount) {
  const std::string origin = mount.origin + "/options";
  if (!mount.options.propagation.empty())
    throw refusal("takes no propagation of its own", origin).hint("linux.rootfsPropagation is the root's");
  if (mount.options.copy_symlink) throw refusal("is no place for copy-symlink", origin);
  if (mount.options.dest_nofollow) throw refusal("is no place for dest-nofollow", origin);
}

bool in_user_namespace(const PlanInput& in) {
  return in.own(CLONE_NEWUSER) || in.host.in_user_namespace;
}

}  // namespace

void check_root_mount(const PlanInput& in, std::size_t index, const step::Mount& mount) {
  const std::string place = mount.origin + "/destination";
  if (mount.kind == step::Mount::Kind::remount)
    throw refusal("can't be a remount", place)
        .hint("give the options to the mount that makes the root, or use root.readonly");
  if (index != 0)
    throw refusal("has to be the first of all mounts: it makes the container's root", place)
        .hint("put it at /mounts/0, or name what it mounts in root.path");
  if (!in.makes(CLONE_NEWNS))
    throw refusal("needs a new mount namespace, or others would see it", place)
        .hint("add {\"type\": \"mount\"} to linux.namespaces");
  if (std::find(kKernelTypes.begin(), kKernelTypes.end(), mount.type) != kKernelTypes.end() &&
      mount.kind != step::Mount::Kind::bind)
    throw refusal("can't be of type " + sys::quote(mount.type) + ": no container could live in it", place)
        .hint("overlay, tmpfs, the file systems of disks, and binds can be a root");
  check_root_options(mount);
}

void plan_overlay(const PlanInput& in, step::Mount& mount) {
  if (mount.type != "overlay" || mount.kind != step::Mount::Kind::filesystem) return;
  bool chosen = false;
  for (Data& option : mount.options.data) {
    option.text = spec::absolute_overlay_option(option.text, in.request.bundle);
    chosen = chosen || option.text == "userxattr" || option.text == "nouserxattr";
  }
  // Init mounts it, and may write none of the attributes trusted.overlay.* there.
  if (in_user_namespace(in) && !chosen) mount.options.data.push_back({"userxattr", Data::of_plan});
}

}  // namespace ocx::runtime
