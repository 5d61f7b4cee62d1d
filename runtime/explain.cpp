// `ocx explain`: the plan as a person reads it, and as JSON.
#include <sched.h>

#include "runtime/launch.hpp"
#include "runtime/operations.hpp"
#include "runtime/plan.hpp"
#include "spec/names.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

struct Line {
  std::string words, origin;
};
struct Section {
  std::string title, who;  // who: "parent", "init", "hooks", "payload"
  std::vector<Line> lines;
};

std::string namespace_names(std::uint64_t flags) {
  std::string names;
  for (const auto& row : spec::namespace_types)
    if ((flags & row.value) != 0) names += (names.empty() ? "" : ", ") + std::string(row.name);
  return names;
}

std::string map_words(const char* what, const std::vector<spec::IdMapping>& maps) {
  std::string out = std::string("map ") + what;
  for (const spec::IdMapping& map : maps)
    out += " " + std::to_string(map.container_id) + "+" + std::to_string(map.size) + " -> host " + std::to_string(map.host_id);
  return out;
}

Section launch_section(const Plan& plan, const Globals& globals) {
  Section section{"The parent prepares, and clones init", "parent", {}};
  const Namespaces& ns = plan.namespaces;
  for (const JoinNamespace& join : ns.joins)
    section.lines.push_back({"join the " + namespace_names(join.flag) + " namespace " + sys::quote(join.path), join.origin});
  if (ns.new_flags != 0) section.lines.push_back({"clone init into new namespaces: " + namespace_names(ns.new_flags), "/linux/namespaces"});
  if (ns.new_time) section.lines.push_back({"make a new time namespace", "/linux/namespaces"});
  for (const auto& [clock, offset] : ns.time_offsets)
    section.lines.push_back({"move its " + clock + " clock by " + std::to_string(offset.secs) + " s " +
                                 std::to_string(offset.nanosecs) + " ns",
                             "/linux/timeOffsets/" + clock});
  if (!ns.uid_maps.empty()) section.lines.push_back({map_words("user ids", ns.uid_maps), "/linux/uidMappings"});
  if (!ns.gid_maps.empty()) section.lines.push_back({map_words("group ids", ns.gid_maps), "/linux/gidMappings"});
  if (globals.cgroup_driver != CgroupDriver::disabled)
    section.lines.push_back({"put init into a cgroup, " + (plan.cgroups_path ? sys::quote(*plan.cgroups_path) : "named after the container"),
                             plan.cgroups_path ? "/linux/cgroupsPath" : ""});
  if (plan.resources && !plan.resources->devices.empty())
    section.lines.push_back({"allow it " + std::to_string(plan.resources->devices.size()) +
                                 " device rule(s) and the default devices",
                             "/linux/resources/devices"});
  return section;
}

Section init_section(const char* title, const std::vector<InitStep>& steps) {
  Section section{title, "init", {}};
  for (const InitStep& step : steps) {
    section.lines.push_back({describe(step.action), step.origin});
    const auto* mount = std::get_if<step::Mount>(&step.action);
    if (mount == nullptr) continue;
    for (const step::DeviceNode& node : mount->devices)
      section.lines.push_back({"  in it " + describe(InitAction(step::MakeDevice{node})), node.origin});
    for (const step::SymbolicLink& link : mount->links)
      section.lines.push_back({"  in it " + describe(InitAction(step::MakeLink{link})), ""});
  }
  return section;
}

void add_hooks(std::vector<Line>& lines, const char* kind, const std::vector<spec::Hook>& hooks) {
  for (std::size_t i = 0; i < hooks.size(); ++i) {
    std::string words = std::string("run ") + kind + " hook " + sys::quote(hooks[i].path);
    if (hooks[i].timeout) words += ", at most " + std::to_string(*hooks[i].timeout) + " s";
    lines.push_back({words, std::string("/hooks/") + kind + "/" + std::to_string(i)});
  }
}

Section attributes_section(const Plan& plan) {
  Section section{"The parent sets what init keeps", "parent", {}};
  for (const ParentStep& step : plan.attributes) section.lines.push_back({describe(step.action), step.origin});
  return section;
}

Section start_section(const Plan& plan) {
  Section section{"On start", "payload", {}};
  if (!plan.has_process) {
    section.lines.push_back({"nothing: the configuration has no process, start will be refused", "/process"});
    return section;
  }
  add_hooks(section.lines, "startContainer", plan.hooks.start_container);
  std::string words;
  for (const std::string& arg : plan.args) words += (words.empty() ? "" : " ") + sys::quote(arg);
  section.lines.push_back({"execute " + words + (plan.terminal ? " on the terminal" : ""), "/process/args"});
  section.lines.push_back({"with " + std::to_string(plan.env.size()) + " environment variable(s)", "/process/env"});
  add_hooks(section.lines, "poststart", plan.hooks.poststart);
  return section;
}

std::vector<Section> sections_of(const Plan& plan, const Globals& globals) {
  std::vector<Section> sections;
  sections.push_back(launch_section(plan, globals));
  sections.push_back(init_section("Init builds the container's file system", plan.build));
  Section hooks{"Hooks of create", "hooks", {}};
  add_hooks(hooks.lines, "prestart", plan.hooks.prestart);
  add_hooks(hooks.lines, "createRuntime", plan.hooks.create_runtime);
  add_hooks(hooks.lines, "createContainer", plan.hooks.create_container);
  sections.push_back(std::move(hooks));
  sections.push_back(init_section("Init enters it and gives up what it does not need", plan.enter));
  sections.push_back(attributes_section(plan));
  sections.push_back(start_section(plan));
  Section last{"On delete", "hooks", {}};
  last.lines.push_back({"end what is left of it, remove its cgroup and its state", ""});
  add_hooks(last.lines, "poststop", plan.hooks.poststop);
  sections.push_back(std::move(last));
  std::erase_if(sections, [](const Section& section) { return section.lines.empty(); });
  return sections;
}

std::string as_text(const Plan& plan, const std::vector<Section>& sections) {
  std::string out = "What ocx does with " + plan.bundle + "/config.json. Nothing is run now.\n";
  unsigned number = 0;
  for (const Section& section : sections) {
    out += "\n" + section.title + "\n";
    for (const Line& line : section.lines) {
      std::string head = std::to_string(++number) + ". ";
      out.append(head.size() < 5 ? 5 - head.size() : 0, ' ').append(head).append(line.words);
      if (!line.origin.empty()) out += "  [" + line.origin + "]";
      out += "\n";
    }
  }
  return out;
}

std::string as_json(const Plan& plan, const std::vector<Section>& sections) {
  std::string out = "{\n  \"bundle\": " + sys::json_string(plan.bundle) + ",\n  \"sections\": [";
  for (std::size_t s = 0; s < sections.size(); ++s) {
    out += std::string(s == 0 ? "" : ",") + "\n    {\n      \"title\": " + sys::json_string(sections[s].title) +
           ",\n      \"by\": " + sys::json_string(sections[s].who) + ",\n      \"steps\": [";
    const std::vector<Line>& lines = sections[s].lines;
    for (std::size_t i = 0; i < lines.size(); ++i)
      out += std::string(i == 0 ? "" : ",") + "\n        {\"does\": " + sys::json_string(lines[i].words) +
             ", \"origin\": " + sys::json_string(lines[i].origin) + "}";
    out += "\n      ]\n    }";
  }
  return out + "\n  ]\n}\n";
}

}  // namespace

std::string explain(const Globals& globals, const CreateRequest& request, bool json) {
  const spec::Config config = load_config(read_config(request));
  std::vector<std::string> warnings;
  const Plan compiled = plan(config, request, globals, gather_host_facts(), warnings);
  for (const std::string& warning : warnings) sys::log_warning(warning);
  const std::vector<Section> sections = sections_of(compiled, globals);
  return json ? as_json(compiled, sections) : as_text(compiled, sections);
}

}  // namespace ocx::runtime
