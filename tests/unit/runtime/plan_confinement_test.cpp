// plan(): labels, Landlock, core scheduling: what is planned, where, and with which origin.
#include <catch2/catch.hpp>

#include "runtime/plan_parts.hpp"
#include "tests/unit/runtime/compiled_plan.hpp"

using namespace ocx;
using namespace ocx::test;

namespace {

constexpr const char* fs_rules = "org.ocx.landlock.fs";

PlanSource with_annotation(const std::string& name, const std::string& value) {
  PlanSource source;
  source.config["annotations"] = {{name, value}};
  source.host.landlock_abi = 7;
  return source;
}

std::vector<std::string> data_of(const runtime::step::Mount& mount) {
  std::vector<std::string> list;
  for (const auto& option : mount.options.data) list.push_back(option.text);
  return list;
}

bool has_data(const runtime::Plan& plan, const std::string& target, const std::string& text) {
  const runtime::step::Mount* mount = mount_step(plan, target);
  REQUIRE(mount != nullptr);
  const std::vector<std::string> list = data_of(*mount);
  return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

TEST_CASE("AppArmor: before the user changes, with its place; nothing is asked of the host by plan()") {
  PlanSource source;
  source.config["process"]["apparmorProfile"] = "strict";
  const runtime::Plan plan = source.compile();
  CHECK(origin_of(plan.enter, "apparmor strict") == "/process/apparmorProfile");
  CHECK(place_of(plan.enter, "apparmor strict") < place_of(plan.enter, "user 0"));
  source.config["process"]["apparmorProfile"] = std::string("a\0b", 3);
  CHECK(source.error().origin() == "/process/apparmorProfile");
}

TEST_CASE("SELinux: a label where it is not enabled is refused before anything exists") {
  PlanSource source;
  source.config["process"]["selinuxLabel"] = "u:r:t:s0";
  Error error = source.error();
  CHECK(error.kind() == ErrorKind::unsupported);
  CHECK(error.origin() == "/process/selinuxLabel");
  CHECK_THAT(error.what(), Catch::Contains("SELinux is not enabled"));
  source.host.selinux = true;
  const runtime::Plan plan = source.compile();
  CHECK(origin_of(plan.enter, "selinux u:r:t:s0") == "/process/selinuxLabel");
  CHECK(place_of(plan.enter, "selinux u:r:t:s0") < place_of(plan.enter, "user 0"));
  // The container's keyring gets it too, or its processes could not use it.
  const auto* keyring = std::get_if<runtime::step::SessionKeyring>(
      &plan.build.at(place_of(plan.build, "keyring _ses.box")).action);
  REQUIRE(keyring != nullptr);
  CHECK(keyring->label == "u:r:t:s0");

  source.config["process"].erase("selinuxLabel");
  source.config["linux"]["mountLabel"] = "u:r:t:s0";
  source.host.selinux = false;
  CHECK(source.error().origin() == "/linux/mountLabel");
}

TEST_CASE("SELinux: mountLabel goes to file systems made for the container") {
  PlanSource source;
  source.host.selinux = true;
  source.config["linux"]["mountLabel"] = "u:r:t:s0:c1,c2";
  source.config["mounts"] = {
      {{"destination", "/proc"}, {"type", "proc"}, {"source", "proc"}},
      {{"destination", "/sys"}, {"type", "sysfs"}, {"source", "sysfs"}},
      {{"destination", "/dev"}, {"type", "tmpfs"}, {"source", "tmpfs"}, {"options", {"size=1m"}}},
      {{"destination", "/dev/mqueue"}, {"type", "mqueue"}, {"source", "mqueue"}},
      {{"destination", "/dev/pts"}, {"type", "devpts"}, {"source", "devpts"}},
      {{"destination", "/sys/fs/cgroup"}, {"type", "cgroup"}, {"source", "cgroup"}},
      {{"destination", "/data"}, {"type", "bind"}, {"source", "/"}, {"options", {"bind"}}},
      {{"destination", "/own"},
       {"type", "tmpfs"},
       {"source", "tmpfs"},
       {"options", {"rootcontext=\"mine\""}}}};
  runtime::Plan plan = source.compile();
  const std::string option = "context=\"u:r:t:s0:c1,c2\"";
  CHECK(has_data(plan, "/dev", option));
  CHECK(has_data(plan, "/dev", "size=1m"));
  CHECK(has_data(plan, "/dev/pts", option));
  for (const char* target : {"/proc", "/sys", "/dev/mqueue", "/sys/fs/cgroup", "/data", "/own"}) {
    INFO(target);
    CHECK_FALSE(has_data(plan, target, option));
  }
  // By attribute, and for the directory of version 1.
  for (const char* target : {"/dev/mqueue", "/sys/fs/cgroup"})
    CHECK(mount_step(plan, target)->label == "u:r:t:s0:c1,c2");
  CHECK(mount_step(plan, "/proc")->label.empty());

  source.config["annotations"] = {{"run.oci.mount_context_type", "rootcontext"}};
  plan = source.compile();
  CHECK(has_data(plan, "/dev", "root" + option));
  source.config["annotations"] = {{"run.oci.mount_context_type", "root-context"}};
  const Error error = source.error();
  CHECK(error.origin() == "/annotations/run.oci.mount_context_type");
  CHECK_THAT(error.what(), Catch::Contains("did you mean \"rootcontext\""));
}

TEST_CASE("Landlock: last with no_new_privs, else while there are capabilities") {
  PlanSource source = with_annotation(fs_rules, "read,execute:/");
  source.config["process"]["noNewPrivileges"] = true;
  runtime::Plan plan = source.compile();
  CHECK(words(plan.last).front() == "landlock");
  CHECK(origin_of(plan.last, "landlock") == "/annotations/org.ocx.landlock.fs");
  CHECK_FALSE(has_step(plan.enter, "landlock"));
  source.config["process"]["noNewPrivileges"] = false;
  plan = source.compile();
  CHECK_FALSE(has_step(plan.last, "landlock"));
  CHECK(place_of(plan.enter, "landlock") < place_of(plan.enter, "capabilities"));
  CHECK(place_of(plan.enter, "landlock") > place_of(plan.enter, "cwd-as-user /"));
}

TEST_CASE("Landlock: what the kernel lacks is an error, or with best-effort a warning") {
  PlanSource source = with_annotation(fs_rules, "read,execute:/");
  source.config["process"]["noNewPrivileges"] = true;
  source.host.landlock_abi = 3;
  Error error = source.error();
  CHECK(error.kind() == ErrorKind::unsupported);
  CHECK(error.origin() == "/annotations/org.ocx.landlock.fs");
  CHECK_THAT(error.what(),
             Catch::Contains("\"ioctl-dev\"") && Catch::Contains("6.10") && Catch::Contains("best-effort"));

  source.config["annotations"]["org.ocx.landlock.compat"] = "best-effort";
  runtime::Plan plan = source.compile();
  const auto& rules = std::get<runtime::step::Landlock>(plan.last.at(0).action).rules;
  CHECK((rules.handled.fs & sys::landlock::fs_ioctl_dev) == 0);
  CHECK((rules.handled.fs & sys::landlock::fs_truncate) != 0);
  REQUIRE(source.warnings.size() == 1);
  CHECK_THAT(source.warnings[0], Catch::Contains("ioctl-dev") && Catch::EndsWith(", ignoring"));

  source.host.landlock_abi = -38;  // ENOSYS
  plan = source.compile();
  CHECK_FALSE(has_step(plan.last, "landlock"));
  CHECK(source.warnings.size() == 1);
  source.config["annotations"].erase("org.ocx.landlock.compat");
  CHECK_THAT(source.error().what(), Catch::Contains("5.13"));
}

TEST_CASE("core scheduling is the parent's step") {
  PlanSource source = with_annotation("org.ocx.core-scheduling", "pod");
  source.config["linux"]["namespaces"].push_back({{"type", "uts"}, {"path", "/proc/77/ns/uts"}});
  auto& namespaces = source.config["linux"]["namespaces"];
  for (auto at = namespaces.begin(); at != namespaces.end();)
    at = (*at)["type"] == "uts" && !at->contains("path") ? namespaces.erase(at) : at + 1;
  source.config.erase("hostname");
  const runtime::Plan plan = source.compile();
  const runtime::ParentStep& step = plan.attributes.back();
  CHECK(step.origin == "/annotations/org.ocx.core-scheduling");
  CHECK(std::get<runtime::step::CoreScheduling>(step.action).request.share_with == 77);
}

TEST_CASE("a process that joins shares the cores of the container's, whatever the annotation says") {
  const spec::Process process = [] {
    spec::Process made;
    made.args = {"/bin/true"};
    return made;
  }();
  const std::map<std::string, std::string> annotations{{"org.ocx.core-scheduling", "new"}};
  const spec::Linux linux;
  const runtime::HostFacts host;
  std::vector<std::string> warnings;
  runtime::Plan plan;
  runtime::plan_process({process, linux, annotations, host, false, true, true, warnings, 4711}, plan);
  CHECK(std::get<runtime::step::CoreScheduling>(plan.attributes.back().action).request.share_with == 4711);
}
