#include "cmd/ocx-bundle/hash.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace ocx::bundle {
namespace {

std::string hex(std::span<const std::uint8_t> bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

const std::uint8_t* bytes_of(std::string_view data) {
  return reinterpret_cast<const std::uint8_t*>(data.data());
}

}  // namespace

Hash::Hash(spec::DigestAlgorithm algorithm) {
  if (algorithm == spec::DigestAlgorithm::sha256)
    nettle_sha256_init(&state_.emplace<sha256_ctx>());
  else
    nettle_sha512_init(&state_.emplace<sha512_ctx>());
}

void Hash::update(std::string_view data) {
  if (auto* sha256 = std::get_if<sha256_ctx>(&state_))
    nettle_sha256_update(sha256, data.size(), bytes_of(data));
  else
    nettle_sha512_update(&std::get<sha512_ctx>(state_), data.size(), bytes_of(data));
}

spec::Digest Hash::finish() {
  std::array<std::uint8_t, SHA512_DIGEST_SIZE> bytes{};
  if (auto* sha256 = std::get_if<sha256_ctx>(&state_)) {
    nettle_sha256_digest(sha256, SHA256_DIGEST_SIZE, bytes.data());
    return {spec::DigestAlgorithm::sha256, hex({bytes.data(), SHA256_DIGEST_SIZE})};
  }
  nettle_sha512_digest(&std::get<sha512_ctx>(state_), SHA512_DIGEST_SIZE, bytes.data());
  return {spec::DigestAlgorithm::sha512, hex(bytes)};
}

spec::Digest digest_of(std::string_view data, spec::DigestAlgorithm algorithm) {
  Hash hash(algorithm);
  hash.update(data);
  return hash.finish();
}

}  // namespace ocx::bundle
