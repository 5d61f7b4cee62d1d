// process.apparmorProfile, process.selinuxLabel, linux.mountLabel. AppArmor is tested in the guest.
#include <catch2/catch.hpp>

#include <fstream>

#include "tests/integration/mount_table.hpp"

using namespace ocx::test;

namespace {

bool has_apparmor() {
  return read_file("/sys/module/apparmor/parameters/enabled") == "Y\n";
}

/// A profile in the kernel for the length of a test.
class Profile {
 public:
  explicit Profile(const std::string& rules) : name_("ocx-test-" + std::to_string(::getpid())) {
    load("profile " + name_ + " flags=(attach_disconnected,mediate_deleted) {\n" + rules + "\n}\n");
  }
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;
  ~Profile() { std::ofstream("/sys/kernel/security/apparmor/.remove") << name_; }
  const std::string& name() const { return name_; }
  std::string mode() const { return name_ + " (enforce)\n"; }

 private:
  static void load(const std::string& text) {
    RunOptions options;
    options.input = text;
    REQUIRE_OK(run({"apparmor_parser", "--skip-cache", "--replace"}, options));
  }
  std::string name_;
};

constexpr const char* allow_all =
    "file, capability, network, mount, umount, signal, ptrace, unix, pivot_root,";
const std::string deny_secret = std::string(allow_all) + " deny /secret r,";

constexpr const char* current = "/proc/self/attr/apparmor/current";

struct Confined : Bundle {
  Confined(const Profile& profile, const std::string& script) {
    shell(script);
    process()["apparmorProfile"] = profile.name();
    write_file(rootfs() / "secret", "s");
  }
};

}  // namespace

#define NEEDS_APPARMOR \
  if (!has_apparmor()) SKIP_TEST("the kernel has no AppArmor active")

TEST_CASE("AppArmor: the profile confines the program", "[apparmor]") {
  NEEDS_APPARMOR;
  const Profile profile(deny_secret);
  Confined bundle(profile, std::string("cat ") + current + "; cat /secret 2>/dev/null || echo denied");
  CHECK(Container(bundle).output() == profile.mode() + "denied\n");
  // The difference is the profile's.
  bundle.process().erase("apparmorProfile");
  CHECK(Container(bundle).output() == "unconfined\ns");
}

TEST_CASE("AppArmor: also without new privileges, without capabilities and as another user", "[apparmor]") {
  NEEDS_APPARMOR;
  const Profile profile(deny_secret);
  Confined bundle(profile, std::string("cat ") + current);
  bundle.process()["noNewPrivileges"] = true;
  bundle.capabilities({});
  bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
  CHECK(Container(bundle).output() == profile.mode());
}

TEST_CASE("AppArmor: a container with a user namespace", "[apparmor]") {
  NEEDS_APPARMOR;
  const Profile profile(allow_all);
  Confined bundle(profile, std::string("cat ") + current);
  bundle.use_user_namespace();
  CHECK(Container(bundle).output() == profile.mode());
}

TEST_CASE("AppArmor: without a /proc in the container", "[apparmor][security]") {
  NEEDS_APPARMOR;
  ONLY_OCX("others write through the container's /proc");
  const Profile profile(deny_secret);
  Confined bundle(profile, "cat /secret 2>/dev/null || echo denied");
  bundle.remove_mount("/proc");
  bundle.config["linux"].erase("maskedPaths");
  bundle.config["linux"].erase("readonlyPaths");
  CHECK(Container(bundle).output() == "denied\n");
}

TEST_CASE("AppArmor: a process that joins gets the profile, or its own", "[apparmor][exec][contract]") {
  NEEDS_APPARMOR;
  const Profile profile(deny_secret);
  Confined bundle(profile, "exec /bin/probe pause");
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  Result result = container.command({"exec", container.id(), "/bin/busybox", "cat", current});
  REQUIRE_OK(result);
  CHECK(result.out == profile.mode());
  result =
      container.command({"exec", "--apparmor", "unconfined", container.id(), "/bin/busybox", "cat", current});
  REQUIRE_OK(result);
  CHECK(result.out == "unconfined\n");
  result =
      container.command({"exec", "--apparmor", "no-such-profile", container.id(), "/bin/probe", "exit", "0"});
  CHECK(result.status != 0);
  CHECK(contains(result.err, "no-such-profile"));
}

TEST_CASE("AppArmor: a profile that is not loaded is named, in the form that podman knows",
          "[apparmor][errors]") {
  NEEDS_APPARMOR;
  Bundle bundle;
  bundle.process()["apparmorProfile"] = "no-such-profile";
  check_refused(bundle, {"no-such-profile"});
  if (!runtime_is_ocx()) return;
  Container container(bundle);
  const std::string message = error_message(container.create());
  CHECK(contains(message, "AppArmor profile \"no-such-profile\" is not loaded"));
  CHECK(contains(message, "`/proc/self/attr/apparmor/exec`"));
  CHECK(contains(message, "(/process/apparmorProfile)"));
  // Podman would take this for a program that is missing.
  CHECK_FALSE(contains(message, "no such file"));
}

TEST_CASE("AppArmor: unconfined is what a program is anyway", "[apparmor]") {
  Bundle bundle;
  bundle.shell("echo here");
  bundle.process()["apparmorProfile"] = "unconfined";
  CHECK(Container(bundle).output() == "here\n");
}

TEST_CASE("AppArmor: a profile where AppArmor is off is an error", "[errors]") {
  ONLY_OCX("runc says it differently");
  if (has_apparmor()) return;
  Bundle bundle;
  bundle.process()["apparmorProfile"] = "docker-default";
  check_refused(bundle, {"AppArmor profile \"docker-default\": AppArmor is not enabled on this host",
                         "(/process/apparmorProfile)"});
  bundle.process().erase("apparmorProfile");
  Container container(bundle);
  REQUIRE_OK(container.create());
  const Result refused =
      container.command({"exec", "--apparmor", "docker-default", container.id(), "/bin/true"});
  CHECK(refused.status == 255);
  CHECK(contains(refused.err, "AppArmor profile \"docker-default\": AppArmor is not enabled on this host"));
}

TEST_CASE("SELinux: labels where it is off are errors before anything is made", "[selinux][errors]") {
  ONLY_OCX("runc says it differently");
  if (std::filesystem::exists("/sys/fs/selinux/enforce")) SKIP_TEST("SELinux is enabled");
  Bundle bundle;
  bundle.process()["selinuxLabel"] = "system_u:system_r:container_t:s0:c1,c2";
  check_refused(bundle, {"container_t", "SELinux is not enabled", "(/process/selinuxLabel)"});
  bundle.process().erase("selinuxLabel");
  bundle.config["linux"]["mountLabel"] = "system_u:object_r:container_file_t:s0:c1,c2";
  check_refused(bundle, {"container_file_t", "SELinux is not enabled", "(/linux/mountLabel)"});
}

TEST_CASE("an image or a volume that fakes /proc/self/attr takes no label in silence (CVE-2019-16884)",
          "[apparmor][security]") {
  ONLY_OCX("an old runc may be fooled");
  // An image's own /proc, with files where the kernel's would be.
  Bundle bundle;
  const Path fake = bundle.scratch() / "proc";
  for (const char* directory : {"self/attr/apparmor", "1/attr/apparmor", "thread-self/attr/apparmor"})
    for (const char* file : {"exec", "../exec"}) {
      std::filesystem::create_directories(fake / directory);
      write_file(fake / directory / file, "");
    }
  bundle.process()["apparmorProfile"] = "no-such-profile";
  bundle.config["linux"].erase("maskedPaths");
  bundle.config["linux"].erase("readonlyPaths");
  bundle.remove_mount("/proc");
  std::filesystem::remove(bundle.rootfs() / "proc");
  std::filesystem::copy(fake, bundle.rootfs() / "proc", std::filesystem::copy_options::recursive);
  check_refused(bundle, {"no-such-profile"});
  CHECK(read_file(bundle.rootfs() / "proc/self/attr/apparmor/exec").empty());
  CHECK(read_file(bundle.rootfs() / "proc/self/attr/exec").empty());
  // A volume on it, and on a part of it.
  for (const char* place : {"/proc", "/proc/self", "/proc/self/attr", "/proc/self/attr/apparmor"}) {
    INFO(place);
    Bundle mounted;
    mounted.process()["apparmorProfile"] = "unconfined";
    mounted.add_mount(bind_mount(fake, place, {"rbind"}));
    check_refused(mounted, {"/proc"});
  }
}
