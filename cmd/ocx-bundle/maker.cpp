#include "cmd/ocx-bundle/maker.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "cmd/ocx-bundle/blob.hpp"
#include "cmd/ocx-bundle/directory_reader.hpp"
#include "cmd/ocx-bundle/tar_reader.hpp"
#include "sys/beneath.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/inode.hpp"
#include "sys/remove_tree.hpp"
#include "sys/root_path.hpp"
#include "sys/size.hpp"
#include "sys/text.hpp"

namespace ocx::bundle {
namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY;

sys::UniqueFd make_directory(sys::FdRef parent, const std::string& name) {
  sys::mkdirat(parent, name, 0700);
  return sys::openat(parent, name, directory_flags | O_NOFOLLOW);
}

std::string real_path(sys::FdRef directory) {
  return sys::readlinkat(sys::FdRef::cwd(), sys::descriptor_path(directory));
}

bool is_inside(const std::string& path, const std::string& of) {
  return path == of || of == "/" || path.starts_with(of + "/");
}

void check_target(const std::string& bundle) {
  const sys::FdResult there = sys::try_openat(sys::FdRef::cwd(), bundle, directory_flags);
  if (there.error_number == ENOENT) return;
  if (!there) throw_errno("the bundle " + sys::quote(bundle), there.error_number);
  if (!sys::list_directory(there.fd).empty())
    throw Error("the bundle " + sys::quote(bundle) + " exists and is not empty")
        .hint("choose another name, or remove it first");
  if (real_path(there.fd) == sys::current_directory())
    throw Error("the bundle " + sys::quote(bundle) + " is the current directory, which would be replaced")
        .hint("call ocx bundle from outside of it");
}

bool keeps_owners() {
  return ::geteuid() == 0;
}

/// A word for a shell.
std::string shell_word(const std::string& text) {
  constexpr const char* plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+:@%";
  if (text.find_first_not_of(plain) == std::string::npos) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::string text_in_root(sys::FdRef root, const std::string& path) {
  const auto file = find_file(root, path);
  return file ? sys::read_all(*file) : "";
}

}  // namespace

Maker::Maker(const Request& request, Meter& meter)
    : request_(request), meter_(meter), settings_(request.settings) {
  const std::size_t slash = request.bundle.rfind('/');
  parent_ = slash == 0 ? "/" : request.bundle.substr(0, slash);
  name_ = request.bundle.substr(slash + 1);
  if (name_.empty()) throw Error("\"/\" can't be a bundle", ErrorKind::usage);
  check_target(request.bundle);
  if (request.images) store_ = std::make_unique<ImageStore>(*request.images);
  sys::remove_abandoned(parent_, name_);
  bundle_ = std::make_unique<sys::TemporaryDirectory>(parent_, name_);
}

std::string Maker::make() {
  config_.cmd = {"sh"};  // unless an image says otherwise
  if (request_.source == "-") {
    take_archive(sys::standard_input);
  } else {
    sys::UniqueFd source = sys::openat(sys::FdRef::cwd(), request_.source, O_RDONLY);
    if (S_ISDIR(sys::fstat(source).st_mode))
      take_directory(std::move(source));
    else
      take_archive(source);
  }
  find_user();
  add_volumes();
  if (store_) add_overlay();
  return publish();
}

void Maker::take_directory(sys::UniqueFd directory) {
  const Form form = request_.form.value_or(form_of(directory));
  if (form != Form::rootfs) return take_image(directory, form);
  const std::string path = real_path(directory);
  if (store_) {
    if (path.find_first_of(":,\\") != std::string::npos)
      throw Error(sys::quote(path) +
                  " has a colon, comma or backslash in its name, and can't be part of an overlay");
    return use_lower(path);
  }
  if (is_inside(real_path(bundle_->fd()), path))
    throw Error("the bundle would be inside of the directory that it is a copy of");
  meter_.set_phase("copying");
  root_ = fill(bundle_->fd(), "rootfs", [&](Tree& tree) {
    DirectoryReader reader(directory, meter_);
    tree.add(reader, Whiteouts::are_names);
  });
}

void Maker::take_archive(sys::FdRef file) {
  if (store_ && take_known(file)) return;
  const auto incoming = store_ ? store_->incoming() : nullptr;
  const sys::FdRef work = incoming ? incoming->fd() : bundle_->fd();
  sys::UniqueFd rootfs = make_directory(work, "rootfs");
  meter_.set_phase("unpacking");
  const spec::Digest digest = unpack_archive(file, rootfs);
  take_unpacked(work, std::move(rootfs), digest, incoming.get());
}

/// What was unpacked before is known by the digest of its archive, if that can be read twice.
bool Maker::take_known(sys::FdRef file) {
  if (!S_ISREG(sys::fstat(file).st_mode)) return false;
  meter_.set_phase("reading");
  FileStream stream(file, meter_);
  HashedStream hashed(stream, spec::DigestAlgorithm::sha256);
  const auto found = store_->find(hashed.finish());
  if (found) use_lower(*found);
  sys::rewind(file);
  return found.has_value();
}

spec::Digest Maker::unpack_archive(sys::FdRef file, sys::FdRef rootfs) {
  FileStream stream(file, meter_);
  HashedStream packed(stream, spec::DigestAlgorithm::sha256);
  Decompressor decompressor(packed, meter_);
  Tree tree(rootfs, meter_, keeps_owners());
  {
    TarReader reader(decompressor);
    tree.add(reader, Whiteouts::are_names);
  }
  while (!decompressor.read().empty()) {  // what is behind the end mark belongs to the limits, too
  }
  tree.finish();
  return store_ ? packed.finish() : spec::Digest{};
}

void Maker::take_unpacked(sys::FdRef work, sys::UniqueFd rootfs, const spec::Digest& digest,
                          sys::TemporaryDirectory* incoming) {
  const Form form = request_.form.value_or(form_of(rootfs));
  if (form == Form::rootfs) {
    root_ = std::move(rootfs);
    if (incoming != nullptr) use_lower(store_->publish(*incoming, digest));
    return;
  }
  if (const int error = sys::try_renameat(work, "rootfs", work, "image"); error != 0)
    throw_errno("rename the unpacked image", error);
  take_image(rootfs, form);
  sys::remove_tree(work, "image");
}

void Maker::take_image(sys::FdRef directory, Form form) {
  const Image image = read_image(directory, form, request_.selection);
  config_ = image.config;
  image_name_ = image.name;
  if (store_)
    if (const auto found = store_->find(image.id)) return use_lower(*found);
  meter_.restart();
  const auto unpack = [&](Tree& tree) { unpack_layers(directory, image, tree, meter_); };
  if (!store_) {
    root_ = fill(bundle_->fd(), "rootfs", unpack);
    return;
  }
  const auto incoming = store_->incoming();
  fill(incoming->fd(), "rootfs", unpack);
  use_lower(store_->publish(*incoming, image.id));
}

sys::UniqueFd Maker::fill(sys::FdRef parent, const std::string& name, const Fill& content) {
  sys::UniqueFd directory = make_directory(parent, name);
  Tree tree(directory, meter_, keeps_owners());
  content(tree);
  tree.finish();
  return directory;
}

void Maker::use_lower(const std::string& path) {
  lower_ = path;
  root_ = sys::openat(sys::FdRef::cwd(), path, O_PATH | O_DIRECTORY);
}

void Maker::find_user() {
  const std::string& user = request_.user ? *request_.user : config_.user;
  settings_.user = spec::find_user(user, text_in_root(root_, "etc/passwd"), text_in_root(root_, "etc/group"));
}

/// conversion.md, "Volumes": what is written there goes beside the root file system; it begins with what the
/// image has there.
void Maker::add_volumes() {
  if (config_.volumes.empty()) return;
  const sys::UniqueFd volumes = make_directory(bundle_->fd(), "volumes");
  for (const std::string& path : config_.volumes) {
    const std::string destination = sys::clean_path("/" + path);
    if (destination == "/") throw Error("the image wants a volume instead of its root");
    const std::string name = std::to_string(settings_.volumes.size());
    const sys::FdResult there = sys::try_open_in_root(root_, destination, O_PATH | O_DIRECTORY);
    fill(volumes, name, [&](Tree& tree) {
      if (!there) return;
      DirectoryReader reader(there.fd, meter_);
      tree.add(reader, Whiteouts::are_names);
    });
    settings_.volumes.push_back({destination, "volumes/" + name});
  }
}

void Maker::add_overlay() {
  if (request_.bundle.find_first_of(":,\\") != std::string::npos)
    throw Error("the bundle " + sys::quote(request_.bundle) +
                " has a colon, comma or backslash in its name, and can't be part of an overlay");
  for (const char* name : {"rootfs", "upper", "work"}) make_directory(bundle_->fd(), name);
  // The root directory is the upper one: it has to look as that of the image.
  const struct ::stat info = sys::fstat(root_);
  const sys::UniqueFd upper = sys::openat(bundle_->fd(), "upper", directory_flags);
  if (keeps_owners()) sys::chown_descriptor(upper, info.st_uid, info.st_gid);
  sys::chmod_descriptor(upper, info.st_mode & 07777);
  settings_.overlay = spec::OverlayRoot{lower_, request_.bundle + "/upper", request_.bundle + "/work",
                                        settings_.host.rootless};
}

std::string Maker::publish() {
  const std::string document = spec::write_bundle_config(config_, settings_);
  const sys::UniqueFd file = sys::openat(bundle_->fd(), "config.json", O_WRONLY | O_CREAT | O_EXCL, 0644);
  sys::write_all(file, document);
  const std::uint64_t entries = meter_.entries(), bytes = meter_.bytes();
  if (const int error = bundle_->try_publish(name_); error != 0)
    throw_errno("rename to " + sys::quote(request_.bundle), error);
  std::string text = "bundle " + shell_word(request_.bundle);
  if (!image_name_.empty()) text += " of " + sys::quote(image_name_);
  if (lower_.empty())
    text += ": " + std::to_string(entries) + " entries, " + sys::size_text(bytes);
  else
    text += ": an overlay on " + shell_word(lower_);
  return text + "; to run it: ocx run -b " + shell_word(request_.bundle) + " NAME\n";
}

}  // namespace ocx::bundle
