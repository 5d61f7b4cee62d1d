#include "runtime/record.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <climits>
#include <utility>

#include "spec/parse.hpp"
#include "spec/write_resources.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

using Json = nlohmann::json;
using StringMap = std::map<std::string, std::string>;

constexpr std::pair<CgroupDriver, const char*> driver_names[] = {{CgroupDriver::cgroupfs, "cgroupfs"},
                                                                 {CgroupDriver::systemd, "systemd"},
                                                                 {CgroupDriver::disabled, "disabled"}};

/// What runc calls the types of namespaces in config.namespaces.
constexpr std::pair<const char*, const char*> namespace_types[] = {
    {"cgroup", "NEWCGROUP"}, {"ipc", "NEWIPC"},   {"mnt", "NEWNS"},    {"net", "NEWNET"},
    {"pid", "NEWPID"},       {"time", "NEWTIME"}, {"user", "NEWUSER"}, {"uts", "NEWUTS"}};

std::string runc_type(const std::string& name) {
  for (const auto& [ours, runcs] : namespace_types)
    if (name == ours) return runcs;
  return name;
}

Json hooks_to_json(const std::vector<spec::Hook>& hooks) {
  Json list = Json::array();
  for (const spec::Hook& hook : hooks) {
    Json entry = {{"path", hook.path}, {"args", hook.args}};
    if (hook.env) entry["env"] = *hook.env;
    if (hook.timeout) entry["timeout"] = *hook.timeout;
    list.push_back(std::move(entry));
  }
  return list;
}

/// The part of runc's internal configuration that monitoring tools look at.
Json config_to_json(const Record& record) {
  Json labels = Json::array({"bundle=" + record.bundle});
  for (const auto& [key, value] : record.annotations) labels.push_back(key + "=" + value);
  Json namespaces = Json::array();
  for (const auto& entry : record.namespace_paths)
    namespaces.push_back({{"type", runc_type(entry.first)}, {"path", ""}});
  return {{"rootfs", record.rootfs},
          {"labels", labels},
          {"namespaces", namespaces},
          {"version", record.oci_version}};
}

Json resctrl_to_json(const cgroups::ResctrlGroups& groups) {
  if (groups.empty()) return nullptr;
  return {{"root", groups.root},
          {"directory", groups.directory},
          {"made", groups.made},
          {"monitor", groups.monitor}};
}

Json own_to_json(const Record& record) {
  const char* driver = driver_names[static_cast<std::size_t>(record.cgroup_driver)].second;
  return {{"created", record.created},
          {"bundle", record.bundle},
          {"owner_uid", record.owner_uid},
          {"annotations", record.annotations},
          {"cgroup_driver", driver},
          {"cgroups_made", record.cgroups_made},
          {"cgroup_unit", record.cgroup_unit},
          {"intel_rdt", resctrl_to_json(record.intel_rdt)},
          {"resources", Json::parse(spec::write_resources(record.resources))},
          {"own_pid_namespace", record.own_pid_namespace},
          {"own_mount_namespace", record.own_mount_namespace},
          {"own_keyring", record.own_keyring},
          {"has_process", record.has_process},
          {"notify", record.notify},
          {"poststart", hooks_to_json(record.poststart)},
          {"poststop", hooks_to_json(record.poststop)},
          {"stop_signal", record.stop_signal}};
}

/// runc names the paths by type (NEWNS), ocx by the file in /proc/PID/ns.
Json namespace_paths_to_json(const StringMap& paths) {
  Json object = Json::object();
  for (const auto& [name, path] : paths) object[runc_type(name)] = path;
  return object;
}

/// Members of one JSON object; an absent or null one leaves the target as it is.
class Members {
 public:
  Members(const Json& object, const char* name) : object_(object) {
    if (!object.is_object()) throw Error(sys::quote(name) + " is no object");
  }

  const Json* find(const char* key) const {
    const auto member = object_.find(key);
    return member == object_.end() || member->is_null() ? nullptr : &*member;
  }
  void get(const char* key, std::string& out) const {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_string()) throw Error(sys::quote(key) + " is no string");
    out = value->get_ref<const std::string&>();
  }
  void get(const char* key, bool& out) const {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_boolean()) throw Error(sys::quote(key) + " is no boolean");
    out = value->get<bool>();
  }
  void get(const char* key, std::vector<std::string>& out) const {
    const Json* value = find(key);
    if (value == nullptr) return;
    const auto is_string = [](const Json& element) { return element.is_string(); };
    if (!value->is_array() || !std::all_of(value->begin(), value->end(), is_string))
      throw Error(sys::quote(key) + " is no list of strings");
    out = value->get<std::vector<std::string>>();
  }
  void get(const char* key, StringMap& out) const {
    const Json* value = find(key);
    if (value == nullptr) return;
    const auto is_string = [](const Json& element) { return element.is_string(); };
    if (!value->is_object() || !std::all_of(value->begin(), value->end(), is_string))
      throw Error(sys::quote(key) + " is no map of strings");
    out = value->get<StringMap>();
  }
  std::uint64_t number(const char* key, std::uint64_t maximum) const {
    const Json* value = find(key);
    if (value == nullptr) return 0;
    if (!value->is_number_unsigned() || value->get<std::uint64_t>() > maximum)
      throw Error(sys::quote(key) + " is no number in its range");
    return value->get<std::uint64_t>();
  }

 private:
  const Json& object_;
};

std::vector<spec::Hook> parse_hooks(const Members& members, const char* key) {
  const Json* list = members.find(key);
  std::vector<spec::Hook> hooks;
  if (list == nullptr) return hooks;
  if (!list->is_array()) throw Error(sys::quote(key) + " is no list");
  for (const Json& entry : *list) {
    const Members hook(entry, key);
    spec::Hook& added = hooks.emplace_back();
    hook.get("path", added.path);
    hook.get("args", added.args);
    if (hook.find("env") != nullptr) hook.get("env", added.env.emplace());
    if (hook.find("timeout") != nullptr)
      added.timeout = static_cast<std::int64_t>(hook.number("timeout", INT64_MAX));
  }
  return hooks;
}

CgroupDriver parse_driver(const std::string& name) {
  for (const auto& [driver, known] : driver_names)
    if (name == known) return driver;
  throw Error("cgroup_driver " + sys::quote(name) + " is unknown");
}

spec::Resources parse_resources(const Json& resources) {
  spec::Warnings none;
  return spec::parse_resources(resources.dump(), none);
}

cgroups::ResctrlGroups parse_resctrl(const Members& members) {
  cgroups::ResctrlGroups groups;
  members.get("root", groups.root);
  members.get("directory", groups.directory);
  members.get("made", groups.made);
  members.get("monitor", groups.monitor);
  return groups;
}

void parse_own(const Members& own, Record& record) {
  own.get("created", record.created);
  own.get("bundle", record.bundle);
  record.owner_uid = static_cast<std::uint32_t>(own.number("owner_uid", UINT32_MAX));
  own.get("annotations", record.annotations);
  std::string driver = "cgroupfs";
  own.get("cgroup_driver", driver);
  record.cgroup_driver = parse_driver(driver);
  own.get("cgroups_made", record.cgroups_made);
  own.get("cgroup_unit", record.cgroup_unit);
  if (const Json* rdt = own.find("intel_rdt")) record.intel_rdt = parse_resctrl(Members(*rdt, "intel_rdt"));
  if (const Json* resources = own.find("resources")) record.resources = parse_resources(*resources);
  own.get("own_pid_namespace", record.own_pid_namespace);
  own.get("own_mount_namespace", record.own_mount_namespace);
  own.get("own_keyring", record.own_keyring);
  own.get("has_process", record.has_process);
  own.get("notify", record.notify);
  record.poststart = parse_hooks(own, "poststart");
  record.poststop = parse_hooks(own, "poststop");
  own.get("stop_signal", record.stop_signal);
}

StringMap parse_namespace_paths(const Members& document) {
  StringMap runcs, paths;
  document.get("namespace_paths", runcs);
  for (auto& [type, path] : runcs) {
    std::string name = type;
    for (const auto& [ours, known] : namespace_types)
      if (type == known) name = ours;
    paths[name] = path;
  }
  return paths;
}

}  // namespace

std::string write_record(const Record& record) {
  const Json document = {{"id", record.id},
                         {"init_process_pid", record.pid},
                         {"init_process_start", record.start_time},
                         {"created", record.created_at},
                         {"cgroup_paths", record.cgroup_paths},
                         {"namespace_paths", namespace_paths_to_json(record.namespace_paths)},
                         {"intel_rdt_path", record.intel_rdt.directory},
                         {"config", config_to_json(record)},
                         {"ocx", own_to_json(record)}};
  try {
    return document.dump();
  } catch (const Json::exception&) {
    throw Error("the state of container " + sys::quote(record.id) + " has text that is not UTF-8")
        .hint("name the bundle and its annotations in UTF-8");
  }
}

Record parse_record(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) throw Error("it is no JSON document");
  const Members document(json, "state");
  Record record;
  document.get("id", record.id);
  record.pid = static_cast<int>(document.number("init_process_pid", INT_MAX));
  record.start_time = document.number("init_process_start", UINT64_MAX);
  document.get("created", record.created_at);
  document.get("cgroup_paths", record.cgroup_paths);
  record.namespace_paths = parse_namespace_paths(document);
  if (const Json* config = document.find("config")) {
    const Members members(*config, "config");
    members.get("rootfs", record.rootfs);
    members.get("version", record.oci_version);
  }
  if (const Json* own = document.find("ocx")) parse_own(Members(*own, "ocx"), record);
  return record;
}

}  // namespace ocx::runtime
