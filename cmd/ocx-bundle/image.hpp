// An image in a directory: an OCI layout, or what `docker save` packs. All of it is checked against its
// digests and sizes before anything believes it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cmd/ocx-bundle/meter.hpp"
#include "cmd/ocx-bundle/tree.hpp"
#include "spec/image.hpp"
#include "sys/fd.hpp"

namespace ocx::bundle {

enum class Form { rootfs, oci, docker };

/// What the directory has in it, by its content.
Form form_of(sys::FdRef directory);

/// Which image of several.
struct Selection {
  std::string ref;              // --ref; empty: the only one
  spec::Platform platform;      // of an index
  bool platform_given = false;  // by --platform
};

struct Layer {
  std::string path;                      // in the directory
  std::optional<spec::Descriptor> blob;  // digest and size of the file, where something tells them
  spec::Digest diff_id;                  // of its content, not compressed
};

struct Image {
  std::string name;  // as it is called there, perhaps empty
  spec::Digest id;   // of the configuration, and so of all layers
  spec::ImageConfig config;
  std::vector<Layer> layers;  // from the lowest up
};

/// Error: none or several images are meant (the message lists them); a document that breaks a rule, is
/// damaged, or not there.
Image read_image(sys::FdRef directory, Form form, const Selection& selection);

/// Error: a layer that is damaged, or not the one that the image names.
void unpack_layers(sys::FdRef directory, const Image& image, Tree& tree, Meter& meter);

}  // namespace ocx::bundle
