// plan(): identity, environment, attributes of the process.
#include <catch2/catch.hpp>
#include <sys/resource.h>

#include "tests/unit/runtime/compiled_plan.hpp"

using namespace ocx;
using namespace ocx::test;
using Words = std::vector<std::string>;

namespace {

template <class Step>
const Step& step_of(const runtime::Plan& plan) {
  for (const runtime::InitStep& step : plan.enter)
    if (const Step* found = std::get_if<Step>(&step.action)) return *found;
  throw std::runtime_error("no such step");
}

bool has_variable(const runtime::Plan& plan, const std::string& entry) {
  return std::find(plan.env.begin(), plan.env.end(), entry) != plan.env.end();
}

}  // namespace

TEST_CASE("identity: groups once each, a umask that images expect") {
  PlanSource source;
  source.config["process"]["user"] = {{"uid", 5}, {"gid", 6}, {"additionalGids", {7, 8, 7, 6, 8}}};
  runtime::Plan plan = source.compile();
  const auto& user = step_of<runtime::step::SetUser>(plan);
  CHECK(user.uid == 5);
  CHECK(user.gid == 6);
  CHECK(user.groups == std::vector<gid_t>{7, 8, 6});
  CHECK(user.umask == 0022);
  source.config["process"]["user"]["umask"] = 7;
  plan = source.compile();
  CHECK(step_of<runtime::step::SetUser>(plan).umask == 7);
}

TEST_CASE("what init gives up is given up in this order") {
  PlanSource source;
  const runtime::Plan plan = source.compile();
  // The bounding set needs CAP_SETPCAP, which the change of user may take; the directory is entered as root,
  // then as the user.
  const char* order[] = {"bounding", "cwd /", "user 0", "cwd-as-user /", "capabilities", "find /bin/probe"};
  for (size_t i = 1; i < std::size(order); ++i)
    CHECK(place_of(plan.enter, order[i - 1]) < place_of(plan.enter, order[i]));
}

TEST_CASE("capabilities that can't be granted are a warning with their place") {
  PlanSource source;
  source.config["process"]["capabilities"] = {{"bounding", {"CAP_KILL", "CAP_SYS_RESOURCE"}},
                                              {"effective", {"CAP_KILL"}},
                                              {"permitted", {"CAP_KILL"}}};
  constexpr unsigned kill = 5, resource = 24;
  source.host.permitted_capabilities = ~0ULL & ~(1ULL << resource);
  runtime::Plan plan = source.compile();
  CHECK(step_of<runtime::step::DropBounding>(plan).keep == 1ULL << kill);
  REQUIRE(source.warnings.size() == 1);
  CHECK_THAT(source.warnings[0],
             Catch::Contains("CAP_SYS_RESOURCE") && Catch::Contains("/process/capabilities/bounding"));

  // In a user namespace of its own init has them all.
  source.config["linux"]["namespaces"].push_back({{"type", "user"}});
  source.config["linux"]["uidMappings"] = {{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}};
  source.config["linux"]["gidMappings"] = source.config["linux"]["uidMappings"];
  plan = source.compile();
  CHECK(step_of<runtime::step::DropBounding>(plan).keep == ((1ULL << kill) | (1ULL << resource)));
  CHECK(source.warnings.empty());
}

TEST_CASE("absent capabilities are empty sets") {
  PlanSource source;
  source.config["process"].erase("capabilities");
  const runtime::Plan plan = source.compile();
  const spec::Capabilities& sets = step_of<runtime::step::SetCapabilities>(plan).sets;
  for (const std::uint64_t set :
       {sets.bounding, sets.effective, sets.permitted, sets.inheritable, sets.ambient})
    CHECK(set == 0);
  CHECK(step_of<runtime::step::DropBounding>(plan).keep == 0);
}

TEST_CASE("what the parent sets carries its place") {
  PlanSource source;
  source.config["process"]["oomScoreAdj"] = 300;
  source.config["process"]["rlimits"] = {{{"type", "RLIMIT_CORE"}, {"soft", 1}, {"hard", 2}},
                                         {{"type", "RLIMIT_NOFILE"}, {"soft", 3}, {"hard", 4}}};
  source.config["process"]["scheduler"] = {{"policy", "SCHED_BATCH"}, {"nice", 3}};
  source.config["process"]["ioPriority"] = {{"class", "IOPRIO_CLASS_IDLE"}, {"priority", 0}};
  const runtime::Plan plan = source.compile();
  Words origins;
  for (const runtime::ParentStep& step : plan.attributes) origins.push_back(step.origin);
  CHECK(origins == Words{"/process/oomScoreAdj", "/process/rlimits/0", "/process/rlimits/1",
                         "/process/scheduler", "/process/ioPriority"});
  const auto& limit = std::get<runtime::step::SetRlimit>(plan.attributes[2].action);
  CHECK(limit.resource == RLIMIT_NOFILE);
  CHECK(limit.soft == 3);
  CHECK(limit.hard == 4);
}

TEST_CASE("without CAP_SYS_RESOURCE init sets its own limits, before it changes user") {
  PlanSource source;
  source.host.permitted_capabilities = ~0ULL & ~(1ULL << 24);
  const runtime::Plan plan = source.compile();
  const std::string limit = "rlimit " + std::to_string(RLIMIT_NOFILE);
  CHECK(plan.attributes.empty());
  CHECK(origin_of(plan.enter, limit) == "/process/rlimits/0");
  CHECK(place_of(plan.enter, limit) < place_of(plan.enter, "user 0"));
}

TEST_CASE("NOTIFY_SOCKET of the caller becomes a socket in the container, never its path") {
  PlanSource source;
  source.config["process"]["env"] = {"A=b", "NOTIFY_SOCKET=/host/path"};
  source.host.notify_socket = true;
  source.host.notify_directory = "/run/ocx/box/notify";
  runtime::Plan plan = source.compile();
  CHECK(plan.notify);
  const runtime::step::Mount* mount = mount_step(plan, "/run/notify");
  REQUIRE(mount != nullptr);
  CHECK(mount->kind == runtime::step::Mount::Kind::bind);
  CHECK(mount->source == "/run/ocx/box/notify");
  CHECK(has_variable(plan, "NOTIFY_SOCKET=/run/notify/notify.sock"));
  CHECK_FALSE(has_variable(plan, "NOTIFY_SOCKET=/host/path"));

  source.host.notify_socket = false;
  plan = source.compile();
  CHECK_FALSE(plan.notify);
  CHECK(mount_step(plan, "/run/notify") == nullptr);
}

TEST_CASE("descriptors of socket activation come on top of --preserve-fds") {
  PlanSource source;
  source.request.preserve_fds = 2;
  source.host.listen_fds = 3;
  const runtime::Plan plan = source.compile();
  CHECK(plan.preserve_fds == 5);
  CHECK(plan.listen_fds == 3);
}

TEST_CASE("PATH of the payload finds its program") {
  PlanSource source;
  source.config["process"]["env"] = {"PATH=/first", "PATH=/second"};
  source.config["process"]["args"] = {"tool", "-x"};
  runtime::Plan plan = source.compile();
  CHECK(step_of<runtime::step::FindExecutable>(plan).path_variable == "/second");
  CHECK(step_of<runtime::step::FindExecutable>(plan).name == "tool");
  CHECK(plan.args == Words{"tool", "-x"});
  source.config["process"]["env"] = json::array();
  plan = source.compile();
  CHECK(step_of<runtime::step::FindExecutable>(plan).path_variable.empty());
}

TEST_CASE("a configuration without a process prepares everything else") {
  PlanSource source;
  source.config.erase("process");
  source.host.notify_socket = true;
  const runtime::Plan plan = source.compile();
  CHECK_FALSE(plan.has_process);
  CHECK_FALSE(plan.notify);
  CHECK(has_step(plan.enter, "pivot"));
  CHECK(has_step(plan.enter, "mask /proc/kcore"));
  CHECK_FALSE(has_step(plan.enter, "capabilities"));
  CHECK(plan.attributes.empty());
}

TEST_CASE("personality comes before the identity changes") {
  PlanSource source;
  source.config["linux"]["personality"] = {{"domain", "LINUX32"}};
  const runtime::Plan plan = source.compile();
  CHECK(step_of<runtime::step::Personality>(plan).domain == 8);
  CHECK(place_of(plan.enter, "personality") < place_of(plan.enter, "user 0"));
}
