#include "cmd/ocx-cni/record.hpp"

#include <linux/magic.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/lock.hpp"
#include "sys/mount.hpp"
#include "sys/remove_tree.hpp"
#include "sys/text.hpp"

namespace ocx::cni {
namespace {

constexpr int lock_timeout_ms = 60'000;  // plug-ins that wait for a DHCP server take their time
constexpr const char* record_file = "record.json";

json to_json(const Attachment& attachment) {
  const Network& network = attachment.network;
  return {{"network", network.name},        {"cniVersion", network.version},
          {"check", network.check},         {"plugins", network.plugins},
          {"ifname", attachment.interface}, {"capabilities", attachment.capabilities},
          {"result", attachment.result}};
}

Attachment to_attachment(const json& object) {
  Attachment attachment;
  attachment.network.name = object.at("network");
  attachment.network.version = object.at("cniVersion");
  attachment.network.check = object.at("check");
  for (const json& plugin : object.at("plugins")) {
    plugin.at("type").get_ref<const std::string&>();
    attachment.network.plugins.push_back(plugin);
  }
  attachment.interface = object.at("ifname");
  attachment.capabilities = object.at("capabilities");
  attachment.result = object.at("result");
  return attachment;
}

bool is_namespace(const std::string& path) {
  const sys::FdResult file = sys::try_openat(sys::FdRef::cwd(), path, O_RDONLY);
  return file && sys::filesystem_type(file.fd) == NSFS_MAGIC;
}

void lock(sys::FdRef directory, const std::string& id) {
  if (!sys::lock_exclusive(directory, lock_timeout_ms))
    throw Error("the networks of container " + sys::quote(id) + " are being changed by another ocx-cni");
}

}  // namespace

std::string write_record(const Record& record) {
  json list = json::array();
  for (const Attachment& attachment : record.attachments) list.push_back(to_json(attachment));
  const json object = {{"bundle", record.bundle},
                       {"args", record.arguments},
                       {"pluginPath", record.plugin_path},
                       {"attachments", list}};
  return object.dump() + "\n";
}

Record parse_record(std::string_view text) {
  const json object = parse_object(text, "record of networks");
  try {
    Record record{object.at("bundle"), object.at("args"), object.at("pluginPath"), {}};
    for (const json& attachment : object.at("attachments"))
      record.attachments.push_back(to_attachment(attachment));
    return record;
  } catch (const json::exception& error) {
    throw Error("record of networks: it is not as ocx-cni writes it");
  }
}

Store::Store(std::string directory, std::string id, sys::UniqueFd fd)
    : directory_(std::move(directory)), id_(std::move(id)), fd_(std::move(fd)) {
  lock(fd_, id_);
}

Store Store::create(const std::string& directory, const std::string& id) {
  sys::make_directories(directory, 0700);
  const std::string path = directory + "/" + id;
  const int error_number = sys::try_mkdirat(sys::FdRef::cwd(), path, 0700);
  if (error_number == EEXIST)
    throw Error("container " + sys::quote(id) + " has networks already", ErrorKind::already_exists)
        .hint("if it is one that has gone: `ocx-cni del " + id + "`");
  if (error_number != 0) throw Error::from_errno("mkdir " + sys::quote(path), error_number);
  return {directory, id, sys::openat(sys::FdRef::cwd(), path, O_RDONLY | O_DIRECTORY)};
}

std::optional<Store> Store::open(const std::string& directory, const std::string& id) {
  const std::string path = directory + "/" + id;
  sys::FdResult opened = sys::try_openat(sys::FdRef::cwd(), path, O_RDONLY | O_DIRECTORY);
  if (opened.error_number == ENOENT) return std::nullopt;
  if (!opened) throw Error::from_errno("open " + sys::quote(path), opened.error_number);
  Store store(directory, id, std::move(opened.fd));
  // While we waited for the lock, its holder may have removed it.
  if (sys::fstat(store.fd_).st_nlink == 0) return std::nullopt;
  return store;
}

void Store::keep_namespace(int pid) {
  const std::string source = "/proc/" + std::to_string(pid) + "/ns/net";
  const auto theirs = sys::fstatat(sys::FdRef::cwd(), source);
  if (!theirs) throw Error("process " + std::to_string(pid) + " of the container has gone");
  const auto ours = sys::fstatat(sys::FdRef::cwd(), "/proc/self/ns/net");
  if (ours && ours->st_ino == theirs->st_ino && ours->st_dev == theirs->st_dev)
    throw Error("the container has no network namespace of its own", ErrorKind::invalid_config)
        .hint(R"(add { "type": "network" } to linux.namespaces)");
  sys::openat(fd_, "netns", O_WRONLY | O_CREAT | O_EXCL, 0);
  if (const int error_number = sys::try_mount(source, namespace_path(), "", MS_BIND, ""); error_number != 0)
    throw Error::from_errno("bind " + sys::quote(source) + " to " + sys::quote(namespace_path()),
                            error_number);
}

std::string Store::network_namespace() const {
  return is_namespace(namespace_path()) ? namespace_path() : std::string();
}

void Store::save(const Record& record) {
  sys::replace_file(fd_, record_file, write_record(record), 0600);
}

std::optional<Record> Store::load() const {
  const auto text = sys::read_file_if_any(fd_, record_file);
  if (!text) return std::nullopt;
  return parse_record(*text);
}

void Store::erase() {
  const int error_number = sys::try_umount2(namespace_path(), MNT_DETACH | UMOUNT_NOFOLLOW);
  // It is no mount any more, or never was a file.
  if (error_number != 0 && error_number != EINVAL && error_number != ENOENT)
    throw Error::from_errno("umount " + sys::quote(namespace_path()), error_number);
  const sys::UniqueFd parent = sys::openat(sys::FdRef::cwd(), directory_, O_RDONLY | O_DIRECTORY);
  sys::remove_tree(parent, id_);
}

std::vector<std::string> recorded_containers(const std::string& directory) {
  const sys::FdResult opened = sys::try_openat(sys::FdRef::cwd(), directory, O_RDONLY | O_DIRECTORY);
  if (opened.error_number == ENOENT) return {};
  if (!opened) throw Error::from_errno("open " + sys::quote(directory), opened.error_number);
  std::vector<std::string> ids = sys::list_directory(opened.fd);
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace ocx::cni
