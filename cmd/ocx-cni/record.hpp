// What `add` leaves for `check` and `del`: DIR/ID/record.json, and DIR/ID/netns, which keeps the network
// namespace after the container's last process. Plug-ins need it for DEL: without it, bridge finds neither
// the addresses of its firewall rules nor the rules.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/ocx-cni/attachment.hpp"
#include "sys/fd.hpp"

namespace ocx::cni {

struct Record {
  std::string bundle;  // two containers may have one id, in two state directories of their runtime
  std::string arguments, plugin_path;
  std::vector<Attachment> attachments;  // the last one may be incomplete
};

std::string write_record(const Record& record);
/// Error: it is none of ours.
Record parse_record(std::string_view text);

/// The directory of one container, locked.
class Store {
 public:
  /// Error (already_exists): it is there. A container with that id has networks.
  static Store create(const std::string& directory, const std::string& id);
  /// Nothing: the container has no networks.
  static std::optional<Store> open(const std::string& directory, const std::string& id);

  /// Binds the network namespace of the process. Error: it is our own; no process.
  void keep_namespace(int pid);
  /// The path of what keep_namespace has bound; "" when it is not there any more.
  std::string network_namespace() const;
  void save(const Record& record);
  /// Nothing: `add` was killed before it began with a plug-in.
  std::optional<Record> load() const;
  /// Removes all of it.
  void erase();

 private:
  Store(std::string directory, std::string id, sys::UniqueFd fd);
  std::string namespace_path() const { return directory_ + "/" + id_ + "/netns"; }

  std::string directory_, id_;
  sys::UniqueFd fd_;
};

/// The ids that have a record, sorted.
std::vector<std::string> recorded_containers(const std::string& directory);

}  // namespace ocx::cni
