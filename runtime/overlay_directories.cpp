#include <utility>

#include "runtime/classic_mount.hpp"
#include "runtime/mount_kinds.hpp"
#include "spec/overlay_options.hpp"
#include "sys/mount.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

constexpr std::string_view kLower = "lowerdir=", kUpper = "upperdir=", kWork = "workdir=";

std::string above(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

/// The last directory above both.
std::string common_directory(const std::string& one, const std::string& other) {
  std::string directory = above(one);
  while (directory != "/" && !other.starts_with(directory + "/")) directory = above(directory);
  return directory;
}

class Directories {
 public:
  Directories(InitContext& context, std::vector<sys::UniqueFd>& held) : context_(context), held_(held) {}

  std::string name(const std::string& path) {
    held_.push_back(context_.channel.request_tree(path, false));
    return name_in_procfs(context_, held_.back());
  }

  std::string lower(const std::string& value) {
    std::vector<spec::OverlayLayer> layers = spec::overlay_layers(value);
    for (spec::OverlayLayer& layer : layers) layer.path = name(layer.path);
    return spec::join_overlay_layers(layers);
  }

 private:
  InitContext& context_;
  std::vector<sys::UniqueFd>& held_;
};

/// The plain name in an option of one directory; empty: it is not there.
std::string named(const step::Mount& overlay, std::string_view key) {
  for (const auto& option : overlay.options.data)
    if (option.text.starts_with(key))
      return sys::clean_path(spec::overlay_layers(option.text.substr(key.size())).front().path);
  return {};
}

}  // namespace

step::Mount through_parent(InitContext& context, const step::Mount& overlay, const RootPlace& place,
                           std::vector<sys::UniqueFd>& held) {
  Directories directories(context, held);
  step::Mount out = overlay;
  const std::string upper = named(overlay, kUpper), work = named(overlay, kWork);
  // Both have to be on one mount, so it is that of a directory above.
  const std::string common = upper.empty() || work.empty() ? "" : common_directory(upper, work);
  const std::string base = common.empty() ? "" : directories.name(common);
  const auto below = [&](const std::string& path) {
    return base + path.substr(common == "/" ? 0 : common.size());
  };
  const auto escaped = [](const std::string& path) { return spec::join_overlay_layers({{path}}); };
  for (auto& option : out.options.data) {
    if (option.text.starts_with(kLower))
      option.text = std::string(kLower) + directories.lower(option.text.substr(kLower.size()));
    else if (!base.empty() && option.text.starts_with(kUpper))
      option.text = std::string(kUpper) + escaped(below(upper));
    else if (!base.empty() && option.text.starts_with(kWork))
      option.text = std::string(kWork) + escaped(below(work));
  }
  // The kernel takes layers from mounts of its caller's namespace alone (before Linux 6.15). Below the
  // overlay nobody sees them, and they go with the pivot. Last: on "/" they are in the way of the parent's
  // look-ups.
  for (const sys::UniqueFd& tree : held) sys::move_mount(tree, place.target);
  return out;
}

}  // namespace ocx::runtime
