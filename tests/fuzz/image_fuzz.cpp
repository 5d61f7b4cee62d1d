// What `ocx bundle` reads of images: their documents, digests, platforms, names in archives, users. The first
// byte chooses.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "spec/archive_name.hpp"
#include "spec/bundle_config.hpp"
#include "spec/digest.hpp"
#include "spec/image.hpp"
#include "spec/passwd.hpp"
#include "sys/error.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace ocx;
using namespace ocx::fuzz;

/// It becomes the name of a file.
void check_digest(const spec::Digest& digest) {
  const std::size_t length = digest.algorithm == spec::DigestAlgorithm::sha256 ? 64 : 128;
  require(digest.hex.size() == length);
  require(digest.hex.find_first_not_of("0123456789abcdef") == std::string::npos);
}

void digest_or_platform(std::string_view text) {
  if (const auto digest = spec::parse_digest(text)) {
    check_digest(*digest);
    require(digest->text() == text);
    return;
  }
  const spec::Platform platform = spec::parse_platform(text);
  require(platform.text() == text && spec::fits(platform, platform));
}

/// No part of a name leads anywhere else, and a name that was taken is taken as it is.
void check_name(const std::string& name) {
  const std::string inside = "/" + name + "/";
  require(inside == "//" || inside.find("//") == std::string::npos);
  require(inside.find("/../") == std::string::npos && inside.find("/./") == std::string::npos);
  require(name.find('\0') == std::string::npos);
}

void name(std::string_view text) {
  const std::string name = spec::archive_name(text);
  check_name(name);
  if (name.empty()) return;
  require(spec::archive_name(name) == name);
  const spec::Whiteout whiteout = spec::whiteout_of(name);
  check_name(whiteout.directory);
  check_name(whiteout.name);
  require((whiteout.kind == spec::Whiteout::Kind::entry) == !whiteout.name.empty());
}

void layout(std::string_view text) {
  spec::check_layout(text);
}

void index(std::string_view text) {
  for (const spec::Descriptor& descriptor : spec::parse_image_index(text)) {
    check_digest(descriptor.digest);
    spec::document_of(descriptor.media_type);
  }
}

void manifest(std::string_view text) {
  const spec::ImageManifest manifest = spec::parse_image_manifest(text);
  check_digest(manifest.config.digest);
  for (const spec::Descriptor& layer : manifest.layers) check_digest(layer.digest);
}

/// It is written into a configuration, or refused.
void config(std::string_view text) {
  const spec::ImageConfig config = spec::parse_image_config(text);
  for (const spec::Digest& diff_id : config.diff_ids) check_digest(diff_id);
  require(!spec::write_bundle_config(config, {}).empty());
}

void docker(std::string_view text) {
  spec::parse_docker_manifest(text);
}

/// USER, a line feed, passwd, a zero byte, group.
void user(std::string_view text) {
  const std::size_t line = text.find('\n');
  if (line == std::string_view::npos) return;
  const std::string_view files = text.substr(line + 1);
  const std::size_t zero = files.find('\0');
  const std::string_view group = zero == std::string_view::npos ? "" : files.substr(zero + 1);
  const spec::UserIds ids = spec::find_user(text.substr(0, line), files.substr(0, zero), group);
  constexpr std::uint32_t none = 0xffffffff;  // of chown(2) and setresuid(2)
  require(ids.uid != none && ids.gid != none);
  for (const std::uint32_t gid : ids.additional_gids) require(gid != none);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr void (*parsers[])(std::string_view) = {digest_or_platform, name,   layout, index,
                                                   manifest,           config, docker, user};
  return parse_one(parsers, data, size);
}
