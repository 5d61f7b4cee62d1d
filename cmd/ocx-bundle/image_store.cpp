#include "cmd/ocx-bundle/image_store.hpp"

#include <cerrno>
#include <memory>

#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::bundle {
namespace {

constexpr const char* incoming_name = "incoming";

std::string directory_name(const spec::Digest& digest) {
  return std::string(digest.name()) + "-" + digest.hex;
}

}  // namespace

ImageStore::ImageStore(const std::string& path) : path_(path) {
  // overlayfs.rst: these characters mean something in its options.
  if (path.find_first_of(":,\\") != std::string::npos)
    throw Error("the directory of images " + sys::quote(path) +
                " has a colon, comma or backslash in its name")
        .hint("choose another with --images");
  sys::make_directories(path, 0700);
  sys::remove_abandoned(path, incoming_name);
}

std::optional<std::string> ImageStore::find(const spec::Digest& digest) const {
  std::string path = path_ + "/" + directory_name(digest) + "/rootfs";
  if (!sys::try_openat(sys::FdRef::cwd(), path, O_PATH | O_DIRECTORY)) return std::nullopt;
  return path;
}

std::unique_ptr<sys::TemporaryDirectory> ImageStore::incoming() const {
  return std::make_unique<sys::TemporaryDirectory>(path_, incoming_name);
}

std::string ImageStore::publish(sys::TemporaryDirectory& incoming, const spec::Digest& digest) const {
  const std::string name = directory_name(digest);
  const int error = incoming.try_publish(name);
  if (error != 0 && error != ENOTEMPTY && error != EEXIST)
    throw_errno("rename " + sys::quote(incoming.path()) + " to " + sys::quote(name), error);
  return path_ + "/" + name + "/rootfs";
}

}  // namespace ocx::bundle
