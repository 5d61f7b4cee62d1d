// SOURCE -> bundle.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cmd/ocx-bundle/image.hpp"
#include "cmd/ocx-bundle/image_store.hpp"
#include "cmd/ocx-bundle/meter.hpp"
#include "cmd/ocx-bundle/stream.hpp"
#include "spec/bundle_config.hpp"
#include "sys/temporary_directory.hpp"

namespace ocx::bundle {

struct Request {
  std::string source;        // "-": standard input
  std::string bundle;        // absolute
  std::optional<Form> form;  // nothing: by content
  Selection selection;
  spec::BundleSettings settings;      // but user, overlay and volumes
  std::optional<std::string> user;    // instead of the image's
  std::optional<std::string> images;  // with --overlay: the absolute path of the store
  Limits limits;
};

class Maker {
 public:
  /// Makes the directory beside the bundle in which it grows. Error: the bundle is there already.
  Maker(const Request& request, Meter& meter);
  /// Everything; afterwards the bundle is there. Returns a line for people.
  std::string make();

 private:
  using Fill = std::function<void(Tree&)>;

  void take_directory(sys::UniqueFd directory);
  void take_archive(sys::FdRef file);
  bool take_known(sys::FdRef file);
  void take_image(sys::FdRef directory, Form form);
  spec::Digest unpack_archive(sys::FdRef file, sys::FdRef rootfs);
  void take_unpacked(sys::FdRef work, sys::UniqueFd rootfs, const spec::Digest& digest,
                     sys::TemporaryDirectory* incoming);
  sys::UniqueFd fill(sys::FdRef parent, const std::string& name, const Fill& content);
  void use_lower(const std::string& path);

  void find_user();
  void add_volumes();
  void add_overlay();
  std::string publish();

  const Request& request_;
  Meter& meter_;
  std::string parent_, name_;
  std::unique_ptr<sys::TemporaryDirectory> bundle_;
  std::unique_ptr<ImageStore> store_;  // with --overlay
  spec::ImageConfig config_;
  spec::BundleSettings settings_;
  std::string image_name_, lower_;
  sys::UniqueFd root_;  // the image's files
};

}  // namespace ocx::bundle
