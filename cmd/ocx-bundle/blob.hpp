// Files of an image's directory.
#pragma once

#include <optional>
#include <string>

#include "spec/image.hpp"
#include "sys/fd.hpp"

namespace ocx::bundle {

/// Opens a regular file; links are followed inside of the directory. Nothing when there is none of that name.
std::optional<sys::UniqueFd> find_file(sys::FdRef directory, const std::string& path);
/// The same. Error: there is none.
sys::UniqueFd open_file(sys::FdRef directory, const std::string& path);
/// A document of at most 8 MiB.
std::string read_document(sys::FdRef directory, const std::string& path);

/// "blobs/sha256/…"
std::string blob_path(const spec::Digest& digest);
/// Opens the blob. Error: its size is another.
sys::UniqueFd open_blob(sys::FdRef directory, const spec::Descriptor& descriptor);
/// Its content, checked against size and digest.
std::string read_blob(sys::FdRef directory, const spec::Descriptor& descriptor);
/// Error: not the same; `what` is in the message.
void check_digest(const spec::Digest& wanted, const spec::Digest& got, const std::string& what);

}  // namespace ocx::bundle
