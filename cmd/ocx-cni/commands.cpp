#include "cmd/ocx-cni/commands.hpp"

#include <sched.h>

#include <algorithm>

#include "cmd/ocx-cni/attachment.hpp"
#include "cmd/ocx-cni/record.hpp"
#include "spec/json_reader.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/network.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"

namespace ocx::cni {
namespace {

// Section 2, "Parameters". It is a file's name of ours, too.
void check_id(const std::string& id) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  const bool usable = !id.empty() && id.find_first_not_of(allowed) == std::string::npos &&
                      std::string_view("_.-").find(id.front()) == std::string_view::npos;
  if (!usable)
    throw Error("CNI does not allow the container id " + sys::quote(id))
        .hint("letters and digits, then also _ . and -");
}

std::string networks_directory(const Request& request, const ContainerState& state) {
  const bool absolute = request.config_directory.substr(0, 1) == "/";
  return absolute || state.bundle.empty() ? request.config_directory
                                          : state.bundle + "/" + request.config_directory;
}

// An engine that asks for a port wants it, not a container without.
void check_capabilities(const std::vector<Attachment>& attachments, const json& wanted) {
  for (const auto& [name, value] : wanted.items()) {
    const std::string& capability = name;
    if (std::none_of(attachments.begin(), attachments.end(), [&](const Attachment& attachment) {
          return has_capability(attachment.network, capability);
        }))
      throw Error("no plug-in of the network takes " + sys::quote(name), ErrorKind::unsupported)
          .hint("its configuration needs \"capabilities\": { " + sys::quote(name) +
                ": true } at the one that does");
  }
}

std::vector<Attachment> planned(const Request& request, const ContainerState& state) {
  std::vector<Attachment> attachments;
  for (Network& network : load_networks(networks_directory(request, state), request.networks)) {
    for (const json& plugin : network.plugins)
      find_plugin(plugin["type"].get<std::string>(), request.plugin_path);
    const std::string interface = interface_name(request.interface, attachments.size());
    attachments.push_back({std::move(network), interface, request.capabilities, nullptr});
  }
  check_capabilities(attachments, request.capabilities);
  return attachments;
}

Sandbox sandbox_of(const ContainerState& state, const Store& store, const Record& record) {
  return {state.id, store.network_namespace(), record.arguments, record.plugin_path};
}

// Runtimes need not do it, and a network without it surprises programs.
void bring_up_loopback(const std::string& network_namespace) {
  const sys::UniqueFd ours = sys::openat(sys::FdRef::cwd(), "/proc/self/ns/net", O_RDONLY);
  const sys::UniqueFd theirs = sys::openat(sys::FdRef::cwd(), network_namespace, O_RDONLY);
  sys::setns(theirs, CLONE_NEWNET);
  sys::set_interface_up("lo");
  sys::setns(ours, CLONE_NEWNET);
}

/// Keeps those that could not be detached whole. Returns what went wrong.
std::vector<std::string> detach_all(Record& record, const Sandbox& sandbox) {
  std::vector<std::string> errors;
  std::vector<Attachment> kept;
  for (auto attachment = record.attachments.rbegin(); attachment != record.attachments.rend(); ++attachment) {
    std::vector<std::string> failed = detach(*attachment, sandbox);
    if (!failed.empty()) kept.insert(kept.begin(), *attachment);
    errors.insert(errors.end(), failed.begin(), failed.end());
  }
  record.attachments = std::move(kept);
  return errors;
}

/// Attaches one after the other; the record has always all that was begun, whatever kills us.
void attach_all(const std::vector<Attachment>& attachments, Store& store, Record& record,
                const Sandbox& sandbox) {
  for (const Attachment& attachment : attachments) {
    record.attachments.push_back(attachment);
    store.save(record);
    attach(record.attachments.back(), sandbox);
  }
  store.save(record);
}

void erase_or_keep(Store& store, const Record& record, const std::vector<std::string>& errors) {
  if (errors.empty()) return store.erase();
  store.save(record);
}

}  // namespace

ContainerState parse_state(std::string_view text) {
  try {
    const spec::JsonDocument document(text);
    const spec::Json root = document.root();
    ContainerState state;
    state.id = root.need("id").string();
    root["bundle"].read(state.bundle);
    root["pid"].read(state.pid);
    check_id(state.id);
    return state;
  } catch (Error& error) {
    error.in("container state on standard input").hint("as a hook gets it, or `ocx state ID | ocx-cni ...`");
    throw;
  }
}

void add_networks(const Request& request, const ContainerState& state) {
  if (state.pid <= 0)
    throw Error("container " + sys::quote(state.id) + " has no process", ErrorKind::wrong_state);
  const std::vector<Attachment> attachments = planned(request, state);
  Store store = Store::create(request.state_directory, state.id);
  Record record{state.bundle, request.arguments, request.plugin_path, {}};
  try {
    store.keep_namespace(state.pid);
    bring_up_loopback(store.network_namespace());
    attach_all(attachments, store, record, sandbox_of(state, store, record));
  } catch (Error& error) {
    // "A delete must still be executed even if the add fails" (section 3).
    const std::vector<std::string> errors = detach_all(record, sandbox_of(state, store, record));
    if (!errors.empty()) error.hint("and it could not be undone: " + sys::join(errors, "; "));
    erase_or_keep(store, record, errors);
    throw;
  }
}

void delete_networks(const Request& request, const ContainerState& state) {
  std::optional<Store> store = Store::open(request.state_directory, state.id);
  if (!store) return;
  std::optional<Record> record = store->load();
  if (!record) return store->erase();
  // The hook of a container whose create failed because another one has the id, and these networks.
  if (!state.bundle.empty() && state.bundle != record->bundle) return;
  const std::vector<std::string> errors = detach_all(*record, sandbox_of(state, *store, *record));
  erase_or_keep(*store, *record, errors);
  if (!errors.empty())
    throw Error(sys::join(errors, "; ")).hint("try again with `ocx-cni del " + state.id + "`");
}

void check_networks(const Request& request, const ContainerState& state) {
  const std::optional<Store> store = Store::open(request.state_directory, state.id);
  const std::optional<Record> record = store ? store->load() : std::nullopt;
  if (!record)
    throw Error("container " + sys::quote(state.id) + " has no networks of ocx-cni",
                ErrorKind::does_not_exist);
  for (const Attachment& attachment : record->attachments)
    check(attachment, sandbox_of(state, *store, *record));
}

std::string list_networks(const Request& request) {
  std::string text;
  const auto row = [&text](std::string container, std::string network, std::string interface,
                           const std::string& address) {
    container.resize(std::max<std::size_t>(container.size(), 20), ' ');
    network.resize(std::max<std::size_t>(network.size(), 16), ' ');
    interface.resize(std::max<std::size_t>(interface.size(), 11), ' ');
    text.append(container).append(" ").append(network).append(" ").append(interface).append(" ");
    text.append(address).append("\n");
  };
  row("CONTAINER", "NETWORK", "INTERFACE", "ADDRESSES");
  for (const std::string& id : recorded_containers(request.state_directory)) {
    const std::string path = request.state_directory + "/" + id + "/record.json";
    const auto record = sys::read_file_if_any(sys::FdRef::cwd(), path);
    if (!record) continue;
    for (const Attachment& attachment : parse_record(*record).attachments)
      row(id, attachment.network.name, attachment.interface, sys::join(addresses(attachment.result), ", "));
  }
  return text;
}

}  // namespace ocx::cni
