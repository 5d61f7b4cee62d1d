// Digests as the image specification writes them (descriptor.md, "Digests").
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ocx::spec {

enum class DigestAlgorithm { sha256, sha512 };

struct Digest {
  DigestAlgorithm algorithm = DigestAlgorithm::sha256;
  std::string hex;  // 64 or 128 of 0-9a-f: safe as a file name

  /// "sha256"
  std::string_view name() const { return algorithm == DigestAlgorithm::sha256 ? "sha256" : "sha512"; }
  /// "sha256:…"
  std::string text() const { return std::string(name()) + ":" + hex; }
  bool operator==(const Digest&) const = default;
};

/// Nothing for another algorithm, another length, any other character.
std::optional<Digest> parse_digest(std::string_view text);

}  // namespace ocx::spec
