#include "spec/template.hpp"

#include <catch2/catch.hpp>
#include <linux/sched.h>

#include "spec/names.hpp"
#include "spec/parse.hpp"

using namespace ocx;

namespace {

spec::Config parsed(const spec::TemplateOptions& options) {
  spec::Warnings warnings;
  const spec::Config config = spec::parse_config(spec::write_template(options), warnings);
  CHECK(warnings.empty());
  return config;
}

const spec::Mount& mount_on(const spec::Config& config, const std::string& destination) {
  for (const spec::Mount& mount : config.mounts)
    if (mount.destination == destination) return mount;
  throw std::runtime_error("no mount on " + destination);
}

bool has_option(const spec::Mount& mount, const std::string& option) {
  return std::find(mount.options.begin(), mount.options.end(), option) != mount.options.end();
}

}  // namespace

TEST_CASE("the template is a valid configuration without warnings", "[template]") {
  const spec::Config config = parsed({});
  CHECK(config.oci_version == "1.3.0");
  CHECK(config.hostname == "ocx");
  CHECK(config.root.path == "rootfs");
  CHECK(config.root.readonly);
  REQUIRE(config.process);
  CHECK(config.process->terminal);
  CHECK(config.process->args == std::vector<std::string>{"sh"});
  CHECK(config.process->cwd == "/");
  CHECK(config.process->no_new_privileges);
  REQUIRE(config.process->rlimits.size() == 1);
  CHECK(config.process->rlimits[0].hard == 1024);
  CHECK(config.mounts.size() == 7);
  CHECK(config.linux.masked_paths.size() == 10);
  CHECK(config.linux.readonly_paths.size() == 5);
}

TEST_CASE("its process has three capabilities and none inheritable or ambient", "[template]") {
  const spec::Config config = parsed({});
  REQUIRE(config.process->capabilities);
  const auto& sets = *config.process->capabilities;
  std::uint64_t expected = 0;
  for (const char* name : {"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"})
    expected |= 1ULL << static_cast<unsigned>(*spec::capability_number(name));
  CHECK(sets.bounding == expected);
  CHECK(sets.effective == expected);
  CHECK(sets.permitted == expected);
  CHECK(sets.inheritable == 0);
  CHECK(sets.ambient == 0);
}

TEST_CASE("for root: a network namespace, a sysfs, devices denied, no user namespace", "[template]") {
  const spec::Config config = parsed({});
  CHECK(config.linux.namespaces.size() == 5);
  CHECK(config.linux.find(CLONE_NEWNET) != nullptr);
  CHECK(config.linux.find(CLONE_NEWUSER) == nullptr);
  CHECK(config.linux.find(CLONE_NEWCGROUP) == nullptr);
  REQUIRE(config.linux.resources);
  REQUIRE(config.linux.resources->devices.size() == 1);
  CHECK_FALSE(config.linux.resources->devices[0].allow);
  CHECK(mount_on(config, "/sys").type == "sysfs");
  CHECK(has_option(mount_on(config, "/dev/pts"), "gid=5"));
}

TEST_CASE("rootless: the user's ids as 0, no network namespace, the host's /sys, no limits", "[template]") {
  const spec::Config config = parsed({.rootless = true, .euid = 1000, .egid = 1001});
  CHECK(config.linux.find(CLONE_NEWUSER) != nullptr);
  CHECK(config.linux.find(CLONE_NEWNET) == nullptr);
  CHECK(config.linux.uid_mappings == std::vector<spec::IdMapping>{{0, 1000, 1}});
  CHECK(config.linux.gid_mappings == std::vector<spec::IdMapping>{{0, 1001, 1}});
  CHECK_FALSE(config.linux.resources);
  CHECK(mount_on(config, "/sys").source == "/sys");
  CHECK(has_option(mount_on(config, "/sys"), "rbind"));
  CHECK_FALSE(has_option(mount_on(config, "/dev/pts"), "gid=5"));
}

TEST_CASE("on a cgroup v2 host it has a cgroup namespace", "[template]") {
  CHECK(parsed({.cgroup2 = true}).linux.find(CLONE_NEWCGROUP) != nullptr);
  CHECK(parsed({.rootless = true, .cgroup2 = true}).linux.find(CLONE_NEWCGROUP) != nullptr);
}

TEST_CASE("it is indented with tabs", "[template]") {
  const std::string document = spec::write_template({});
  CHECK(document.starts_with("{\n\t\"ociVersion\": \"1.3.0\",\n\t\"process\": {\n\t\t\"terminal\": true,\n"));
  CHECK(document.ends_with("\n\t}\n}\n"));
}
