#include "spec/digest.hpp"

#include <utility>

namespace ocx::spec {

std::optional<Digest> parse_digest(std::string_view text) {
  constexpr std::pair<std::string_view, DigestAlgorithm> algorithms[] = {
      {"sha256:", DigestAlgorithm::sha256}, {"sha512:", DigestAlgorithm::sha512}};
  for (const auto& [prefix, algorithm] : algorithms) {
    if (!text.starts_with(prefix)) continue;
    const std::string_view hex = text.substr(prefix.size());
    if (hex.size() != (algorithm == DigestAlgorithm::sha256 ? 64U : 128U)) return std::nullopt;
    if (hex.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
    return Digest{algorithm, std::string(hex)};
  }
  return std::nullopt;
}

}  // namespace ocx::spec
