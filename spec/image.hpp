// The documents of an image: layout, index, manifest and configuration of the OCI image specification, and
// manifest.json of `docker save`. They are untrusted: any byte sequence gives a value or an Error.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spec/digest.hpp"

namespace ocx::spec {

/// image-index.md, "platform": words of Go's GOOS and GOARCH.
struct Platform {
  std::string os, architecture, variant;
  /// "linux/arm64/v8"
  std::string text() const;
};

/// "linux/arm64", "linux/arm/v7". Error (usage): anything else.
Platform parse_platform(std::string_view text);
/// The platform of a `machine` as uname(2) has it.
Platform platform_of(std::string_view machine);
/// One can run what is for the other; a variant that either leaves open fits.
bool fits(const Platform& wanted, const Platform& offered);

struct Descriptor {
  std::string media_type;
  Digest digest;
  std::uint64_t size = 0;  // bytes
  std::map<std::string, std::string> annotations;
  std::optional<Platform> platform;
};

/// What a descriptor leads to, by its media type.
enum class Document { index, manifest, config, layer };
/// Nothing: a media type of something else.
std::optional<Document> document_of(std::string_view media_type);

struct ImageManifest {
  Descriptor config;
  std::vector<Descriptor> layers;  // from the lowest up
};

struct ImageConfig {
  Platform platform;
  std::string os_version, author, created, user, working_dir, stop_signal;
  std::vector<std::string> os_features, env, entrypoint, cmd;
  std::vector<std::string> exposed_ports, volumes;  // sorted
  std::map<std::string, std::string> labels;
  std::vector<Digest> diff_ids;
};

/// One image of `docker save`: names of files in the archive.
struct DockerImage {
  std::string config;
  std::vector<std::string> repo_tags, layers;
};

/// The file oci-layout. Error: another version than 1.x.
void check_layout(std::string_view document);
/// Errors carry a JSON pointer: a wrong type, a bad digest, a document that claims to be another than it was
/// announced as (CVE-2021-41190).
std::vector<Descriptor> parse_image_index(std::string_view document);
ImageManifest parse_image_manifest(std::string_view document);
ImageConfig parse_image_config(std::string_view document);
std::vector<DockerImage> parse_docker_manifest(std::string_view document);

}  // namespace ocx::spec
