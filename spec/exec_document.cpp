#include "spec/exec_document.hpp"

#include "spec/parse_parts.hpp"
#include "sys/text.hpp"

namespace ocx::spec {
namespace {

std::string write(const Json& json);

std::string write_list(const Json& json) {
  std::string text;
  for (const Json& element : json.elements()) text.append(text.empty() ? "" : ",").append(write(element));
  return "[" + text + "]";
}

std::string write_object(const Json& json) {
  std::string text;
  for (const Json& member : json.members())
    text.append(text.empty() ? "" : ",").append(sys::json_string(member.key())) += ":" + write(member);
  return "{" + text + "}";
}

/// No property that is read here is a fraction; `null` is the same as absent.
std::string write(const Json& json) {
  switch (json.type()) {
    case JsonType::boolean:
      return json.boolean() ? "true" : "false";
    case JsonType::unsigned_integer:
      return std::to_string(json.get<std::uint64_t>());
    case JsonType::negative_integer:
      return std::to_string(json.get<std::int64_t>());
    case JsonType::string:
      return sys::json_string(json.string());
    case JsonType::array:
      return write_list(json);
    case JsonType::object:
      return write_object(json);
    case JsonType::null:
    case JsonType::real:
      break;
  }
  return "null";
}

/// The members of those names that are present.
std::string write_members(const Json& json, std::initializer_list<std::string_view> names) {
  std::string text;
  for (const std::string_view name : names)
    if (const Json member = json[name]; member.present())
      text.append(text.empty() ? "" : ",").append(sys::json_string(name)) += ":" + write(member);
  return text;
}

std::string write_notifying_rule(const Json& rules) {
  for (const Json& rule : rules.elements())
    if (rule["action"].string() == "SCMP_ACT_NOTIFY")
      return R"(,"syscalls":[{"names":["any"],"action":"SCMP_ACT_NOTIFY"}])";
  return "";
}

std::string write_linux(const Json& linux) {
  std::string text = write_members(linux, {"namespaces", "personality", "memoryPolicy"});
  if (const Json seccomp = linux["seccomp"]; seccomp.present())
    text.append(text.empty() ? "" : ",") +=
        R"("seccomp":{)" +
        write_members(seccomp, {"defaultAction", "defaultErrnoRet", "architectures", "flags", "listenerPath",
                                "listenerMetadata"}) +
        write_notifying_rule(seccomp["syscalls"]) + "}";
  return text;
}

}  // namespace

std::string write_exec_document(const Json& config) {
  std::string text = "{" + write_members(config, {"process"});
  if (const Json linux = config["linux"]; linux.present())
    text.append(text.size() == 1 ? "" : ",") += R"("linux":{)" + write_linux(linux) + "}";
  return text + "}";
}

Config parse_exec_document(std::string_view document) {
  const JsonDocument json(document);
  Config config;
  Warnings given_by_create;
  if (const Json process = json.root()["process"]; process.present())
    config.process = read_process(process, given_by_create);
  if (const Json linux = json.root()["linux"]; linux.present()) config.linux = read_linux(linux);
  return config;
}

}  // namespace ocx::spec
