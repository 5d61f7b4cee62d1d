// config.md, "Process" and "POSIX-platform Hooks".
#include "spec/parse_parts.hpp"
#include "sys/text.hpp"

namespace ocx::spec {
namespace {

// config.md: consoleSize "MUST be ignored if terminal is false or unset".
void read_terminal(const Json& json, Process& process) {
  json["terminal"].read(process.terminal);
  const Json size = json["consoleSize"];
  if (!process.terminal || !size.present()) return;
  ConsoleSize& console = process.console_size.emplace();
  // TIOCSWINSZ takes shorts.
  console.height = static_cast<std::uint32_t>(size.need("height").unsigned_integer(0xffff));
  console.width = static_cast<std::uint32_t>(size.need("width").unsigned_integer(0xffff));
}

User read_user(const Json& json) {
  User user;
  if (!json.present()) return user;
  json.need("uid").read(user.uid);
  json.need("gid").read(user.gid);
  json["umask"].read(user.umask);
  json["additionalGids"].read(user.additional_gids);
  return user;
}

std::vector<Rlimit> read_rlimits(const Json& rlimits) {
  std::vector<Rlimit> result;
  for (const Json& json : rlimits.elements()) {
    Rlimit& rlimit = result.emplace_back();
    rlimit.resource = read_name(json.need("type"), rlimit_types, "resource limit");
    json.need("soft").read(rlimit.soft);
    json.need("hard").read(rlimit.hard);
  }
  return result;
}

// config.md since 1.1: a name that can't be mapped "SHOULD NOT" make the runtime fail.
std::uint64_t read_capability_set(const Json& set, Warnings& warnings) {
  std::uint64_t bits = 0;
  for (const Json& json : set.elements()) {
    if (const auto number = capability_number(json.string()))
      bits |= std::uint64_t{1} << static_cast<unsigned>(*number);
    else
      warnings.push_back("unknown capability " + sys::quote(json.string()) + " (" + json.pointer() +
                         "), ignoring");
  }
  return bits;
}

std::uint64_t limit_set(const Json& set, std::uint64_t bits, std::uint64_t within, std::string_view rule,
                        Warnings& warnings) {
  std::vector<std::string> refused;
  for (std::size_t n = 0; n < std::size(capability_names); ++n)
    if ((bits & ~within) >> n & 1U) refused.emplace_back(capability_names[n]);
  if (!refused.empty())
    warnings.push_back(sys::join(refused, ", ") + " can't be granted without being " + std::string(rule) +
                       " (" + set.pointer() + "), ignoring");
  return bits & within;
}

// capset(2) and PR_CAP_AMBIENT_RAISE refuse these with EPERM; config.md wants what can't be granted logged.
Capabilities read_capabilities(const Json& json, Warnings& warnings) {
  Capabilities sets;
  sets.bounding = read_capability_set(json["bounding"], warnings);
  sets.permitted = read_capability_set(json["permitted"], warnings);
  sets.inheritable = read_capability_set(json["inheritable"], warnings);
  sets.effective = read_capability_set(json["effective"], warnings);
  sets.ambient = read_capability_set(json["ambient"], warnings);
  sets.effective = limit_set(json["effective"], sets.effective, sets.permitted, "permitted", warnings);
  // Without anything inheritable none can be ambient, and none was meant: buildah asks for that each time,
  // and would show a warning for each RUN of a build.
  if (sets.inheritable == 0) sets.ambient = 0;
  sets.ambient = limit_set(json["ambient"], sets.ambient, sets.permitted & sets.inheritable,
                           "permitted and inheritable", warnings);
  return sets;
}

Scheduler read_scheduler(const Json& json) {
  Scheduler scheduler;
  scheduler.policy = read_name(json.need("policy"), scheduler_policies, "scheduling policy");
  json["nice"].read(scheduler.nice);
  json["priority"].read(scheduler.priority);
  scheduler.flags = read_flags(json["flags"], scheduler_flags, "scheduling flag");
  json["runtime"].read(scheduler.runtime);
  json["deadline"].read(scheduler.deadline);
  json["period"].read(scheduler.period);
  return scheduler;
}

IoPriority read_io_priority(const Json& json) {
  IoPriority priority;
  priority.io_class = read_name(json.need("class"), io_priority_classes, "I/O priority class");
  priority.priority = static_cast<int>(json.need("priority").integer(0, 7));
  return priority;
}

ExecCpuAffinity read_affinity(const Json& json) {
  ExecCpuAffinity affinity;
  json["initial"].read(affinity.initial);
  json["final"].read(affinity.final);
  return affinity;
}

Hook read_hook(const Json& json) {
  Hook hook;
  json.need("path").read(hook.path);
  json["args"].read(hook.args);
  if (const Json env = json["env"]; env.present()) env.read(hook.env.emplace());
  json["timeout"].read(hook.timeout);
  return hook;
}

void read_scheduling(const Json& json, Process& process) {
  if (const Json scheduler = json["scheduler"]; scheduler.present())
    process.scheduler = read_scheduler(scheduler);
  if (const Json priority = json["ioPriority"]; priority.present())
    process.io_priority = read_io_priority(priority);
  if (const Json affinity = json["execCPUAffinity"]; affinity.present())
    process.exec_cpu_affinity = read_affinity(affinity);
}

}  // namespace

Process read_process(const Json& json, Warnings& warnings) {
  Process process;
  read_terminal(json, process);
  json.need("cwd").read(process.cwd);
  json["env"].read(process.env);
  json.need("args").read(process.args);
  process.user = read_user(json["user"]);
  process.rlimits = read_rlimits(json["rlimits"]);
  json["apparmorProfile"].read(process.apparmor_profile);
  json["selinuxLabel"].read(process.selinux_label);
  if (const Json capabilities = json["capabilities"]; capabilities.present())
    process.capabilities = read_capabilities(capabilities, warnings);
  json["noNewPrivileges"].read(process.no_new_privileges);
  // proc(5): what oom_score_adj takes.
  if (const Json adjustment = json["oomScoreAdj"]; adjustment.present())
    process.oom_score_adj = static_cast<int>(adjustment.integer(-1000, 1000));
  read_scheduling(json, process);
  return process;
}

Hooks read_hooks(const Json& json) {
  Hooks hooks;
  for (const auto& kind : hook_kinds)
    for (const Json& hook : json[kind.name].elements()) (hooks.*kind.value).push_back(read_hook(hook));
  return hooks;
}

}  // namespace ocx::spec
