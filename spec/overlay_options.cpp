#include "spec/overlay_options.hpp"

#include <algorithm>
#include <array>

namespace ocx::spec {
namespace {

// Directories of which a value has one. The kernel takes "lowerdir+" and "datadir+" by fsconfig(2) alone, and
// without escapes.
constexpr std::array<std::string_view, 2> kEscaped{"upperdir", "workdir"};
constexpr std::array<std::string_view, 2> kPlain{"lowerdir+", "datadir+"};

template <std::size_t N>
bool has(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

std::string escape(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (c == ':' || c == ',' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string absolute(std::string path, const std::string& bundle) {
  return path.empty() || path.front() == '/' ? std::move(path) : bundle + "/" + path;
}

/// Where the name that begins at `from` ends: at a ':' that no backslash precedes.
std::size_t end_of_name(std::string_view value, std::size_t from) {
  while (from < value.size() && value[from] != ':') from += value[from] == '\\' ? 2 : 1;
  return std::min(from, value.size());
}

}  // namespace

std::vector<OverlayLayer> overlay_layers(std::string_view value) {
  std::vector<OverlayLayer> layers;
  bool data = false;
  for (std::size_t at = 0;;) {
    const std::size_t end = end_of_name(value, at);
    layers.push_back({unescape(value.substr(at, end - at)), data});
    if (end == value.size()) return layers;
    at = end + 1;
    data = at < value.size() && value[at] == ':';
    if (data) ++at;
  }
}

std::string join_overlay_layers(const std::vector<OverlayLayer>& layers) {
  std::string out;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (i != 0) out += layers[i].data ? "::" : ":";
    out += escape(layers[i].path);
  }
  return out;
}

std::string absolute_overlay_option(const std::string& option, const std::string& bundle) {
  const std::size_t equals = option.find('=');
  if (equals == std::string::npos) return option;
  const std::string name = option.substr(0, equals), value = option.substr(equals + 1);
  if (has(kPlain, name)) return name + "=" + absolute(value, bundle);
  if (has(kEscaped, name)) return name + "=" + escape(absolute(unescape(value), bundle));
  if (name != "lowerdir") return option;
  std::vector<OverlayLayer> layers = overlay_layers(value);
  for (OverlayLayer& layer : layers) layer.path = absolute(std::move(layer.path), bundle);
  return name + "=" + join_overlay_layers(layers);
}

}  // namespace ocx::spec
