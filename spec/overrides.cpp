#include "spec/overrides.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

#include "spec/json_reader.hpp"
#include "spec/write_resources.hpp"

namespace ocx::spec {
namespace {

using Document = nlohmann::ordered_json;

/// The member of that name, made where it is missing; null when it is there and no object.
Document* object_at(Document& parent, const char* name) {
  Document& member = parent[name];
  if (member.is_null()) member = Document::object();
  return member.is_object() ? &member : nullptr;
}

std::string_view variable_name(std::string_view entry) {
  return entry.substr(0, entry.find('='));
}

void set_variables(Document& process, const std::vector<std::string>& env) {
  Document& list = process["env"];
  if (list.is_null()) list = Document::array();
  if (!list.is_array()) return;
  for (const std::string& entry : env) {
    const auto same = std::find_if(list.begin(), list.end(), [&](const Document& old) {
      return old.is_string() && variable_name(old.get_ref<const std::string&>()) == variable_name(entry);
    });
    if (same == list.end())
      list.push_back(entry);
    else
      *same = entry;
  }
}

// config.md, "User": gid is required as soon as there is a user.
void set_user(Document& process, const Overrides& overrides) {
  Document* user = object_at(process, "user");
  if (user == nullptr) return;
  if (overrides.uid) (*user)["uid"] = *overrides.uid;
  if (overrides.gid) (*user)["gid"] = *overrides.gid;
  if (!user->contains("gid")) (*user)["gid"] = 0;
}

bool changes_process(const Overrides& overrides) {
  return !overrides.args.empty() || !overrides.env.empty() || overrides.uid || overrides.terminal;
}

void set_process(Document& config, const Overrides& overrides) {
  const bool missing = !config.contains("process") || config["process"].is_null();
  if (!changes_process(overrides) || (missing && overrides.args.empty())) return;
  Document* process = object_at(config, "process");
  if (process == nullptr) return;
  if (missing) (*process)["cwd"] = "/";
  if (!overrides.args.empty()) (*process)["args"] = overrides.args;
  if (!overrides.env.empty()) set_variables(*process, overrides.env);
  if (overrides.uid) set_user(*process, overrides);
  if (overrides.terminal) (*process)["terminal"] = *overrides.terminal;
}

void set_limits(Document& config, const Resources& resources) {
  const Document limits = Document::parse(write_resources(resources));
  if (limits.empty()) return;
  Document* linux = object_at(config, "linux");
  Document* target = linux == nullptr ? nullptr : object_at(*linux, "resources");
  if (target != nullptr) target->merge_patch(limits);
}

}  // namespace

bool Overrides::any() const {
  return changes_process(*this) || hostname || resources.memory || resources.cpu || resources.pids_limit;
}

std::string override_config(std::string_view document, const Overrides& overrides) {
  const JsonDocument checked(document);  // its errors name the place; duplicates would be lost below
  Document config = Document::parse(document);
  if (!config.is_object()) return std::string(document);
  set_process(config, overrides);
  if (overrides.hostname) config["hostname"] = *overrides.hostname;
  set_limits(config, overrides.resources);
  return config.dump(2, ' ', false, Document::error_handler_t::replace);
}

}  // namespace ocx::spec
