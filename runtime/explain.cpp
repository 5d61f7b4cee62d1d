// `ocx explain`: the plan as a person reads it, and as JSON.
#include <sched.h>

#include "runtime/explanation.hpp"
#include "runtime/launch.hpp"
#include "runtime/operations.hpp"
#include "runtime/plan.hpp"
#include "runtime/plan_parts.hpp"
#include "runtime/purpose.hpp"
#include "runtime/rootless.hpp"
#include "spec/names.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

using Line = ExplainedStep;
using Section = ExplainedSection;

void append(std::string& list, std::string_view item) {
  if (!list.empty()) list += ", ";
  list += item;
}

std::string map_words(const char* what, const std::vector<spec::IdMapping>& maps) {
  std::string out;
  for (const spec::IdMapping& map : maps)
    append(out, std::to_string(map.size) + " from " + std::to_string(map.container_id) +
                    " on are the host's from " + std::to_string(map.host_id) + " on");
  return std::string("map ") + what + ": " + out;
}

/// The namespaces of a kind: those joined, or those made.
void add_namespaces(Section& section, const spec::Linux& linux, bool joined) {
  for (std::size_t i = 0; i < linux.namespaces.size(); ++i) {
    const spec::Namespace& ns = linux.namespaces[i];
    if (ns.path.empty() == joined || (!joined && ns.flag == CLONE_NEWCGROUP))
      continue;  // init makes that one
    const std::string name(spec::name_of(spec::namespace_types, ns.flag));
    const std::string words = joined ? "join the " + name + " namespace " + sys::quote(ns.path)
                                     : "make a new " + name + " namespace";
    section.add(joined ? "join-namespace" : "make-namespace", words, pointer("/linux/namespaces", i),
                joined ? "" : purpose_of_namespace(ns.flag));
  }
}

void add_id_maps_and_clocks(Section& section, const Namespaces& ns) {
  for (const auto& [clock, offset] : ns.time_offsets)
    section.add("set-clock",
                "set its " + clock + " clock off by " + std::to_string(offset.secs) + " s " +
                    std::to_string(offset.nanosecs) + " ns",
                pointer("/linux/timeOffsets", clock));
  if (!ns.uid_maps.empty()) section.add("map-uids", map_words("user ids", ns.uid_maps), "/linux/uidMappings");
  if (!ns.gid_maps.empty())
    section.add("map-gids", map_words("group ids", ns.gid_maps), "/linux/gidMappings");
}

void add_cache_share(Section& section, const Plan& plan) {
  if (!plan.intel_rdt) return;
  const spec::IntelRdt& rdt = *plan.intel_rdt;
  const std::string base = "/linux/intelRdt", clos = rdt.clos_id.value_or(plan.id);
  const bool shares = rdt.l3_cache_schema || rdt.mem_bw_schema || !rdt.schemata.empty();
  section.add("join-clos",
              (clos == "/" ? "put init into the default class of service of resctrl"
                           : "put init into the class of service " + sys::quote(clos) + " of resctrl") +
                  std::string(clos == "/" || (rdt.clos_id && !shares) ? "" : ", made if it is missing"),
              rdt.clos_id ? base + "/closID" : base, "cache and memory bandwidth are shared out by classes");
  const auto write = [&](const std::string& line, const std::string& origin) {
    section.add("write-schemata", "write " + sys::quote(line) + " to its schemata", origin);
  };
  if (rdt.l3_cache_schema) write(*rdt.l3_cache_schema, base + "/l3CacheSchema");
  if (rdt.mem_bw_schema) write(*rdt.mem_bw_schema, base + "/memBwSchema");
  for (std::size_t i = 0; i < rdt.schemata.size(); ++i)
    write(rdt.schemata[i], pointer(base + "/schemata", i));
  if (rdt.enable_monitoring)
    section.add("make-monitoring-group", "make a monitoring group for it in resctrl",
                base + "/enableMonitoring", "what it uses of cache and memory bandwidth is counted");
}

Section launch_section(const spec::Config& config, const Plan& plan, const Globals& globals) {
  Section section{"create: ocx prepares, and clones init, the container's first process", "parent", {}};
  const bool cgroup = globals.cgroup_driver != CgroupDriver::disabled;
  section.add("save-config", "keep a copy of config.json: later edits change nothing", "");
  if (cgroup)
    section.add("make-cgroup",
                plan.cgroups_path ? "make the cgroup " + sys::quote(*plan.cgroups_path)
                                  : "make a cgroup named after the container",
                plan.cgroups_path ? "/linux/cgroupsPath" : "",
                "its processes stay in it, and are found there");
  add_cache_share(section, plan);
  add_namespaces(section, config.linux, true);
  add_namespaces(section, config.linux, false);
  add_id_maps_and_clocks(section, plan.namespaces);
  section.add("clone",
              "clone init into these namespaces" + std::string(cgroup ? " and put it into the cgroup" : ""),
              "");
  return section;
}

/// Devices and links that every container gets, in one line: none has a setting to point at.
struct Defaults {
  std::string devices, links;
  bool bound = false;
};

std::string_view last_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

void collect(Defaults& defaults, const step::DeviceNode& node) {
  append(defaults.devices, last_name(node.path));
  defaults.bound = node.bind;
}
void collect(Defaults& defaults, const step::SymbolicLink& link) {
  append(defaults.links, last_name(link.path));
}

void add_defaults(Section& section, Defaults& defaults) {
  if (!defaults.devices.empty())
    section.add(defaults.bound ? "bind-default-devices" : "make-default-devices",
                (defaults.bound ? "bind the host's devices on /dev: "
                                : "make the devices every container gets in /dev: ") +
                    defaults.devices,
                "");
  if (!defaults.links.empty())
    section.add("make-default-links", "make the links every container gets in /dev: " + defaults.links, "");
  defaults = {};
}

void add_device(Section& section, Defaults& defaults, const step::DeviceNode& node) {
  if (node.origin.empty()) return collect(defaults, node);
  section.add("make-device", describe(InitAction(step::MakeDevice{node})), node.origin);
}

void add_step(Section& section, Defaults& defaults, const InitStep& step) {
  const auto* device = std::get_if<step::MakeDevice>(&step.action);
  if (device != nullptr) return add_device(section, defaults, device->node);
  if (const auto* link = std::get_if<step::MakeLink>(&step.action)) return collect(defaults, link->link);
  add_defaults(section, defaults);
  section.add(kind_of(step.action), describe(step.action), step.origin, purpose_of(step.action));
  const auto* mount = std::get_if<step::Mount>(&step.action);
  if (mount == nullptr) return;
  for (const step::DeviceNode& node : mount->devices) add_device(section, defaults, node);
  for (const step::SymbolicLink& link : mount->links) collect(defaults, link);
  add_defaults(section, defaults);
}

Section init_section(const char* title, const std::vector<InitStep>& steps) {
  Section section{title, "init", {}};
  Defaults defaults;
  for (const InitStep& step : steps) add_step(section, defaults, step);
  add_defaults(section, defaults);
  return section;
}

void add_hooks(Section& section, const char* kind, const std::vector<spec::Hook>& hooks) {
  for (std::size_t i = 0; i < hooks.size(); ++i) {
    std::string words = std::string("run the ") + kind + " hook " + sys::quote(hooks[i].path);
    if (hooks[i].timeout) words += ", for at most " + std::to_string(*hooks[i].timeout) + " s";
    section.add("run-hook", std::move(words), pointer(std::string("/hooks/") + kind, i));
  }
}

/// Without a cgroup plan() lets one rule pass, which nothing enforces.
void add_device_rules(Section& section, const Plan& plan, bool enforced) {
  if (!plan.resources || plan.resources->devices.empty()) return;
  const char* origin = "/linux/resources/devices";
  if (!enforced) return section.add("skip-devices", "set no device rules: there is no cgroup", origin);
  const std::size_t count = plan.resources->devices.size();
  section.add("set-devices",
              "limit the devices it can open: " + std::to_string(count) + (count == 1 ? " rule" : " rules") +
                  " of config.json, then the default devices allowed",
              origin);
}

/// The very writes of apply(), where the files are those of this host.
void add_limits(Section& section, const Plan& plan, const HostFacts& host) {
  if (!plan.resources) return;
  for (const cgroups::Setting& setting : cgroups::settings_of(*plan.resources, cgroup_versions(host))) {
    std::string words = "write " + sys::quote(setting.value) + " to " + setting.file;
    if (setting.keep_first_word) words += ", behind the quota it has";
    if (!setting.other_file.empty())
      words += ", or " + sys::quote(setting.other_value) + " to " + setting.other_file;
    if (setting.missing != cgroups::Setting::Missing::error) words += ", if there is one";
    section.add("write-limit", std::move(words), setting.origin, purpose_of_file(setting.file));
  }
}

void add_net_devices(Section& section, const Plan& plan) {
  for (const NetDeviceMove& device : plan.net_devices)
    section.add("move-net-device",
                "move the network device " + sys::quote(device.host_name) + " into the container" +
                    (device.name == device.host_name ? "" : " as " + sys::quote(device.name)) +
                    " with its lasting addresses, and set it up",
                device.origin);
}

Section limits_section(const Plan& plan, const HostFacts& host, bool cgroup) {
  Section section{"create: ocx, still outside, sets limits and runs hooks", "parent", {}};
  if (cgroup) add_limits(section, plan, host);
  add_device_rules(section, plan, cgroup);
  if (plan.cgroup_owner)
    section.add("delegate-cgroup",
                "give the cgroup to the host's user " + std::to_string(plan.cgroup_owner->uid),
                plan.cgroup_owner->origin, "the container's processes may have cgroups of their own");
  add_net_devices(section, plan);
  add_hooks(section, "prestart", plan.hooks.prestart);
  add_hooks(section, "createRuntime", plan.hooks.create_runtime);
  return section;
}

Section ready_section(const Plan& plan) {
  Section section{"create: ocx has the last word, and ends", "parent", {}};
  for (const ParentStep& step : plan.attributes)
    section.add(kind_of(step.action), describe(step.action), step.origin);
  section.add("wait", "save the status \"created\"; init waits for start", "");
  return section;
}

Section start_section(const Plan& plan) {
  Section section{"start: init becomes the program", "init", {}};
  if (!plan.has_process) {
    section.add("refuse", "nothing: the configuration has no process, start will be refused", "/process");
    return section;
  }
  add_hooks(section, "startContainer", plan.hooks.start_container);
  Defaults none;
  for (const InitStep& step : plan.last) add_step(section, none, step);
  std::string words;
  for (const std::string& arg : plan.args) words += (words.empty() ? "" : " ") + sys::quote(arg);
  section.add("execute",
              "execute " + words + (plan.terminal ? " on the terminal" : "") + ", with " +
                  std::to_string(plan.env.size()) + " environment variable(s) of config.json",
              "/process/args");
  add_hooks(section, "poststart", plan.hooks.poststart);
  return section;
}

Section delete_section(const Plan& plan) {
  Section section{"delete: nothing stays", "runtime", {}};
  section.add("remove", "kill what is left, remove the cgroup and the state; the rootfs is not touched", "");
  add_hooks(section, "poststop", plan.hooks.poststop);
  return section;
}

std::vector<Section> sections_of(const spec::Config& config, const Plan& plan, const Globals& globals,
                                 const HostFacts& host) {
  const bool cgroup = globals.cgroup_driver != CgroupDriver::disabled;
  std::vector<Section> sections;
  sections.push_back(launch_section(config, plan, globals));
  sections.push_back(init_section("create: init builds the container's file system", plan.build));
  sections.push_back(limits_section(plan, host, cgroup));
  Section hooks{"create: init runs hooks from inside", "init", {}};
  add_hooks(hooks, "createContainer", plan.hooks.create_container);
  sections.push_back(std::move(hooks));
  sections.push_back(
      init_section("create: init moves in, and gives up what the program must not have", plan.enter));
  sections.push_back(ready_section(plan));
  sections.push_back(start_section(plan));
  sections.push_back(delete_section(plan));
  std::erase_if(sections, [](const Section& section) { return section.lines.empty(); });
  return sections;
}

std::string as_text(const Explanation& explained) {
  std::string out =
      "What ocx would do with the bundle " + explained.bundle +
      ", in order. Nothing is done now.\n"
      "[/in/brackets]: the setting that asks for it; a step without one comes with every container.\n";
  unsigned number = 0;
  for (const Section& section : explained.sections) {
    out += "\n" + section.title + "\n";
    for (const Line& line : section.lines) {
      std::string head = std::to_string(++number) + ". ";
      out.append(head.size() < 5 ? 5 - head.size() : 0, ' ').append(head).append(line.words);
      if (!line.purpose.empty()) out.append(": ").append(line.purpose);
      if (!line.origin.empty()) out += "  [" + line.origin + "]";
      out += "\n";
    }
  }
  return out;
}

std::string as_json(const Explanation& explained) {
  std::string out = "{\n  \"bundle\": " + sys::json_string(explained.bundle) + ",\n  \"sections\": [";
  for (std::size_t s = 0; s < explained.sections.size(); ++s) {
    const Section& section = explained.sections[s];
    out += std::string(s == 0 ? "" : ",") + "\n    {\n      \"title\": " + sys::json_string(section.title) +
           ",\n      \"by\": " + sys::json_string(section.who) + ",\n      \"steps\": [";
    for (std::size_t i = 0; i < section.lines.size(); ++i)
      out += std::string(i == 0 ? "" : ",") + "\n        {" + json_members(section.lines[i]) + "}";
    out += "\n      ]\n    }";
  }
  return out + "\n  ]\n}\n";
}

/// plan() adds a user namespace where the caller needs one: no setting has asked for it.
std::vector<Section> adapted_sections(const spec::Config& config, const Plan& plan, const Globals& globals,
                                      const HostFacts& host) {
  const spec::Config adapted = with_user_namespace(config, host);
  std::vector<Section> sections = sections_of(adapted, plan, globals, host);
  const std::string added = pointer("/linux/namespaces", config.linux.namespaces.size());
  for (Line& line : sections.front().lines) {
    if (line.origin == "/linux/uidMappings" || line.origin == "/linux/gidMappings") line.origin.clear();
    if (line.origin != added) continue;
    line.origin.clear();
    line.words += ", because the caller is not root";
  }
  return sections;
}

}  // namespace

std::string json_members(const ExplainedStep& step) {
  std::string out =
      "\"action\": " + sys::json_string(step.action) + ", \"does\": " + sys::json_string(step.words);
  if (!step.purpose.empty()) out += ", \"purpose\": " + sys::json_string(step.purpose);
  return out + ", \"origin\": " + sys::json_string(step.origin);
}

Explanation explanation(const Globals& globals, const CreateRequest& request) {
  const spec::Config config = load_config(read_config(request));
  std::vector<std::string> warnings;
  const HostFacts host = gather_host_facts(config);
  const Plan compiled = plan(config, request, globals, host, warnings);
  for (const std::string& warning : warnings) sys::log_warning(warning);
  return {compiled.bundle, lacks_user_namespace(config, host)
                               ? adapted_sections(config, compiled, globals, host)
                               : sections_of(config, compiled, globals, host)};
}

std::string explain(const Globals& globals, const CreateRequest& request, bool json) {
  const Explanation explained = explanation(globals, request);
  return json ? as_json(explained) : as_text(explained);
}

}  // namespace ocx::runtime
