#include "cmd/ocx-bundle/image.hpp"

#include <algorithm>
#include <utility>

#include "cmd/ocx-bundle/blob.hpp"
#include "cmd/ocx-bundle/stream.hpp"
#include "cmd/ocx-bundle/tar_reader.hpp"
#include "sys/error.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

namespace ocx::bundle {
namespace {

constexpr int deepest_index = 3;
constexpr const char* ref_annotations[] = {"org.opencontainers.image.ref.name", "io.containerd.image.name"};

std::vector<std::string> names_of(const spec::Descriptor& descriptor) {
  std::vector<std::string> names;
  for (const char* key : ref_annotations)
    if (const auto found = descriptor.annotations.find(key); found != descriptor.annotations.end())
      names.push_back(found->second);
  return names;
}

bool is_called(const std::vector<std::string>& names, const std::string& ref) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return name == ref || name == ref + ":latest"; });
}

[[noreturn]] void refuse_choice(const std::vector<std::string>& names, const std::string& ref) {
  std::string list = sys::join(names, ", ");
  if (list.size() > 1000) list = list.substr(0, 1000) + "…";
  const std::string what =
      ref.empty() ? std::to_string(names.size()) + " images in it" : "no image " + sys::quote(ref) + " in it";
  throw Error("there are " + what).hint(list.empty() ? "it is empty" : "choose by --ref: " + list);
}

/// Each image once, though it may have several names.
void drop_repeated(std::vector<spec::Descriptor>& images) {
  for (auto it = images.begin(); it != images.end(); ++it)
    images.erase(
        std::remove_if(it + 1, images.end(), [&](const auto& other) { return other.digest == it->digest; }),
        images.end());
}

spec::Descriptor choose_named(std::vector<spec::Descriptor> images, const Selection& selection) {
  std::vector<std::string> names;
  for (const spec::Descriptor& image : images) {
    const std::vector<std::string> own = names_of(image);
    names.push_back(own.empty() ? image.digest.text() : own.front());
  }
  if (!selection.ref.empty())
    std::erase_if(images, [&](const auto& image) {
      return image.digest.text() != selection.ref && !is_called(names_of(image), selection.ref);
    });
  drop_repeated(images);
  if (images.size() > 1)
    std::erase_if(images, [&](const auto& image) {
      return image.platform && !fits(selection.platform, *image.platform);
    });
  if (images.size() != 1) refuse_choice(names, selection.ref);
  return images.front();
}

spec::Descriptor choose_platform(const std::vector<spec::Descriptor>& images, const Selection& selection) {
  std::vector<std::string> offered;
  const spec::Descriptor* found = nullptr;
  for (const spec::Descriptor& image : images) {
    const spec::Platform platform = image.platform.value_or(selection.platform);
    offered.push_back(platform.text());
    const bool exact = platform.variant == selection.platform.variant;
    if (fits(selection.platform, platform) && (found == nullptr || exact)) found = &image;
  }
  if (found == nullptr)
    throw Error("the image is not for " + selection.platform.text())
        .hint("choose by --platform: " + sys::join(offered, ", "));
  return *found;
}

spec::ImageManifest read_manifest(sys::FdRef directory, spec::Descriptor descriptor,
                                  const Selection& selection) {
  for (int depth = 0; depth < deepest_index; ++depth) {
    const auto document = spec::document_of(descriptor.media_type);
    if (document == spec::Document::manifest)
      return spec::parse_image_manifest(read_blob(directory, descriptor));
    if (document != spec::Document::index)
      throw Error("it is no image: its media type is " + sys::quote(descriptor.media_type));
    descriptor = choose_platform(spec::parse_image_index(read_blob(directory, descriptor)), selection);
  }
  throw Error("its indexes lead to indexes, deeper than any image needs");
}

void check_platform(const spec::Platform& platform, const Selection& selection) {
  if (!platform.os.empty() && platform.os != "linux")
    throw Error("the image is for " + sys::quote(platform.os) + ", and ocx is for Linux");
  if (platform.architecture.empty() || fits(selection.platform, platform)) return;
  if (selection.platform_given)
    throw Error("the image is for " + platform.text() + ", not for " + selection.platform.text());
  sys::log_warning("the image is for " + platform.text() + ", and this machine is " +
                   selection.platform.text() + ", ignoring");
}

void add_diff_ids(Image& image) {
  if (image.config.diff_ids.size() != image.layers.size())
    throw Error("the image has " + std::to_string(image.layers.size()) + " layers, and names " +
                std::to_string(image.config.diff_ids.size()))
        .at("/rootfs/diff_ids");
  for (std::size_t i = 0; i < image.layers.size(); ++i) image.layers[i].diff_id = image.config.diff_ids[i];
}

Image read_oci(sys::FdRef directory, const Selection& selection) {
  spec::check_layout(read_document(directory, "oci-layout"));
  const spec::Descriptor chosen =
      choose_named(spec::parse_image_index(read_document(directory, "index.json")), selection);
  const spec::ImageManifest manifest = read_manifest(directory, chosen, selection);
  Image image;
  const std::vector<std::string> names = names_of(chosen);
  if (!names.empty()) image.name = names.back();
  image.id = manifest.config.digest;
  image.config = spec::parse_image_config(read_blob(directory, manifest.config));
  for (const spec::Descriptor& layer : manifest.layers)
    image.layers.push_back({blob_path(layer.digest), layer, {}});
  return image;
}

const spec::DockerImage& choose_docker(const std::vector<spec::DockerImage>& images, const std::string& ref) {
  std::vector<std::string> names;
  const spec::DockerImage* found = nullptr;
  for (const spec::DockerImage& image : images) {
    names.push_back(image.repo_tags.empty() ? image.config : image.repo_tags.front());
    if (ref == image.config || is_called(image.repo_tags, ref)) found = &image;
  }
  if (ref.empty() && images.size() == 1) return images.front();
  if (found == nullptr) refuse_choice(names, ref);
  return *found;
}

Image read_docker(sys::FdRef directory, const Selection& selection) {
  const std::vector<spec::DockerImage> images =
      spec::parse_docker_manifest(read_document(directory, "manifest.json"));
  const spec::DockerImage& chosen = choose_docker(images, selection.ref);
  const std::string config = read_document(directory, chosen.config);
  Image image;
  if (!chosen.repo_tags.empty()) image.name = chosen.repo_tags.front();
  image.id = digest_of(config, spec::DigestAlgorithm::sha256);
  // The file is called by its digest: HEX.json, or blobs/sha256/HEX.
  std::string hex = chosen.config.substr(chosen.config.rfind('/') + 1);
  if (hex.ends_with(".json")) hex.resize(hex.size() - 5);
  if (const auto named = spec::parse_digest("sha256:" + hex))
    check_digest(*named, image.id, sys::quote(chosen.config));
  image.config = spec::parse_image_config(config);
  for (const std::string& layer : chosen.layers) image.layers.push_back({layer, std::nullopt, {}});
  return image;
}

void unpack_layer(sys::FdRef file, const Layer& layer, Tree& tree, Meter& meter) {
  FileStream stream(file, meter);
  const spec::DigestAlgorithm algorithm =
      layer.blob ? layer.blob->digest.algorithm : spec::DigestAlgorithm::sha256;
  HashedStream packed(stream, algorithm);
  Decompressor decompressor(packed, meter);
  HashedStream content(decompressor, layer.diff_id.algorithm);
  TarReader reader(content);
  tree.add(reader, Whiteouts::hide);
  check_digest(layer.diff_id, content.finish(), "its content");
  if (layer.blob) check_digest(layer.blob->digest, packed.finish(), sys::quote(layer.path));
}

bool is_docker_archive(sys::FdRef directory) {
  try {
    const std::vector<spec::DockerImage> images =
        spec::parse_docker_manifest(read_document(directory, "manifest.json"));
    return !images.empty() && find_file(directory, images.front().config).has_value();
  } catch (const Error&) {
    return false;  // some program's own manifest.json
  }
}

}  // namespace

Form form_of(sys::FdRef directory) {
  if (find_file(directory, "oci-layout") && find_file(directory, "index.json")) return Form::oci;
  return find_file(directory, "manifest.json") && is_docker_archive(directory) ? Form::docker : Form::rootfs;
}

Image read_image(sys::FdRef directory, Form form, const Selection& selection) {
  Image image = form == Form::oci ? read_oci(directory, selection) : read_docker(directory, selection);
  check_platform(image.config.platform, selection);
  add_diff_ids(image);
  return image;
}

void unpack_layers(sys::FdRef directory, const Image& image, Tree& tree, Meter& meter) {
  for (std::size_t i = 0; i < image.layers.size(); ++i) {
    const Layer& layer = image.layers[i];
    const std::string name = "layer " + std::to_string(i + 1) + " of " + std::to_string(image.layers.size());
    meter.set_phase(name);
    try {
      unpack_layer(layer.blob ? open_blob(directory, *layer.blob) : open_file(directory, layer.path), layer,
                   tree, meter);
    } catch (Error& error) {
      throw error.in(name);
    }
  }
}

}  // namespace ocx::bundle
