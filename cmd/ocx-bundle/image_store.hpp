// Unpacked images that bundles share: DIR/sha256-HEX/rootfs. What is there is complete, and is never changed.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "spec/digest.hpp"
#include "sys/fd.hpp"
#include "sys/temporary_directory.hpp"

namespace ocx::bundle {

class ImageStore {
 public:
  /// Makes the directory (0700) where it is missing.
  explicit ImageStore(const std::string& path);

  /// The path of the root file system; nothing when it is not there.
  std::optional<std::string> find(const spec::Digest& digest) const;
  /// A place to unpack something that has no digest yet.
  std::unique_ptr<sys::TemporaryDirectory> incoming() const;
  /// Puts `incoming`, which has a rootfs, under its digest. If somebody was faster, his stays. Returns the
  /// path.
  std::string publish(sys::TemporaryDirectory& incoming, const spec::Digest& digest) const;

 private:
  std::string path_;
};

}  // namespace ocx::bundle
