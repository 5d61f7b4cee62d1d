// config-linux.md, "Seccomp".
#include "spec/parse_parts.hpp"

namespace ocx::spec {
namespace {

std::vector<SeccompArg> read_args(const Json& args) {
  std::vector<SeccompArg> result;
  for (const Json& json : args.elements()) {
    SeccompArg& arg = result.emplace_back();
    arg.index = static_cast<std::uint32_t>(json.need("index").unsigned_integer(5));
    json.need("value").read(arg.value);
    json["valueTwo"].read(arg.value_two);
    arg.op = read_name(json.need("op"), seccomp_operators, "comparison");
  }
  return result;
}

SeccompSyscalls read_rule(const Json& json) {
  SeccompSyscalls rule;
  const Json names = json.need("names");
  names.read(rule.names);
  if (rule.names.empty()) throw names.error("a rule needs at least one system call");
  rule.action = read_name(json.need("action"), seccomp_actions, "seccomp action");
  json["errnoRet"].read(rule.errno_ret);
  rule.args = read_args(json["args"]);
  return rule;
}

}  // namespace

Seccomp read_seccomp(const Json& json) {
  Seccomp seccomp;
  seccomp.default_action = read_name(json.need("defaultAction"), seccomp_actions, "seccomp action");
  json["defaultErrnoRet"].read(seccomp.default_errno_ret);
  for (const Json& architecture : json["architectures"].elements()) {
    read_name(architecture, seccomp_architectures, "architecture");
    seccomp.architectures.push_back(architecture.string());
  }
  if (const Json flags = json["flags"]; flags.present())
    seccomp.flags = read_flags(flags, seccomp_flags, "seccomp flag");
  json["listenerPath"].read(seccomp.listener_path);
  json["listenerMetadata"].read(seccomp.listener_metadata);
  for (const Json& rule : json["syscalls"].elements()) seccomp.syscalls.push_back(read_rule(rule));
  return seccomp;
}

}  // namespace ocx::spec
