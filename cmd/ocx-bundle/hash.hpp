// SHA-256 and SHA-512 by nettle, which libarchive brings along in any case.
#pragma once

#include <nettle/sha2.h>

#include <string>
#include <string_view>
#include <variant>

#include "spec/digest.hpp"

namespace ocx::bundle {

class Hash {
 public:
  explicit Hash(spec::DigestAlgorithm algorithm);
  void update(std::string_view data);
  /// Of all that came so far; the object is at its beginning again.
  spec::Digest finish();

 private:
  std::variant<sha256_ctx, sha512_ctx> state_;
};

spec::Digest digest_of(std::string_view data, spec::DigestAlgorithm algorithm);

}  // namespace ocx::bundle
