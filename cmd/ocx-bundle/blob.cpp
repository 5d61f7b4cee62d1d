#include "cmd/ocx-bundle/blob.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "cmd/ocx-bundle/hash.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/root_path.hpp"
#include "sys/text.hpp"

namespace ocx::bundle {
namespace {

constexpr std::size_t largest_document = 8U << 20U;

}  // namespace

std::optional<sys::UniqueFd> find_file(sys::FdRef directory, const std::string& path) {
  const sys::FdResult found = sys::try_open_in_root(directory, path, O_PATH);
  if (found.error_number == ENOENT || found.error_number == ENOTDIR) return std::nullopt;
  if (!found) throw_errno("open " + sys::quote(path), found.error_number);
  // Devices and pipes are not opened to see what they are.
  if (!S_ISREG(sys::fstat(found.fd).st_mode)) return std::nullopt;
  return sys::openat(sys::FdRef::cwd(), sys::descriptor_path(found.fd), O_RDONLY);
}

sys::UniqueFd open_file(sys::FdRef directory, const std::string& path) {
  std::optional<sys::UniqueFd> file = find_file(directory, path);
  if (!file) throw Error("the image has no file " + sys::quote(path));
  return std::move(*file);
}

std::string read_document(sys::FdRef directory, const std::string& path) {
  try {
    return sys::read_all(open_file(directory, path), largest_document);
  } catch (Error& error) {
    throw error.in(sys::quote(path));
  }
}

std::string blob_path(const spec::Digest& digest) {
  return "blobs/" + std::string(digest.name()) + "/" + digest.hex;
}

sys::UniqueFd open_blob(sys::FdRef directory, const spec::Descriptor& descriptor) {
  const std::string path = blob_path(descriptor.digest);
  sys::UniqueFd file = open_file(directory, path);
  const auto size = static_cast<std::uint64_t>(sys::fstat(file).st_size);
  if (size != descriptor.size)
    throw Error(sys::quote(path) + " has " + std::to_string(size) + " bytes, and should have " +
                std::to_string(descriptor.size));
  return file;
}

std::string read_blob(sys::FdRef directory, const spec::Descriptor& descriptor) {
  std::string text = sys::read_all(open_blob(directory, descriptor), largest_document);
  check_digest(descriptor.digest, digest_of(text, descriptor.digest.algorithm),
               sys::quote(blob_path(descriptor.digest)));
  return text;
}

void check_digest(const spec::Digest& wanted, const spec::Digest& got, const std::string& what) {
  if (wanted == got) return;
  throw Error(what + " is damaged: its digest is " + got.text() + ", and should be " + wanted.text());
}

}  // namespace ocx::bundle
