// AppArmor profile, SELinux labels: what is written where, and what is said when that does not work.
#include <catch2/catch.hpp>
#include <sys/xattr.h>

#include "tests/harness/bundle.hpp"
#include "tests/unit/runtime/fake_init.hpp"
#include "tests/unit/runtime/test_init.hpp"

using namespace ocx;
using namespace ocx::test;
using runtime::step::AppArmorProfile;
using runtime::step::SelinuxLabel;

namespace {

/// A directory that stands for /proc: the files take whatever is written.
struct FakeProc {
  explicit FakeProc(const std::vector<std::string>& files) {
    for (const std::string& file : files) {
      fs::create_directories((directory.path() / file).parent_path());
      write_file(directory.path() / file, "");
    }
    init.proc = sys::Procfs(sys::openat(sys::FdRef::cwd(), directory.path(), O_PATH | O_DIRECTORY));
    init.context.proc_self = "self";
  }
  std::string written(const std::string& file) const { return read_file(directory.path() / file); }

  TempDir directory;
  FakeInit init;
};

template <class Step>
std::string error_of(runtime::InitContext& context, const Step& step) {
  try {
    runtime::execute(context, step);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

/// The kernel's own /proc, with the attributes of this process hidden below a tmpfs.
std::string with_mount_on_attributes(const std::function<void(runtime::InitContext&)>& body) {
  return in_mount_namespace([&] {
    const std::string place = "/proc/" + std::to_string(::getpid()) + "/attr";
    EXPECT(::mount("tmpfs", place.c_str(), "tmpfs", 0, nullptr) == 0);
    fs::create_directories(place + "/apparmor");
    write_file(place + "/apparmor/exec", "");
    write_file(place + "/exec", "");
    FakeInit init;
    init.context.proc_self = "self";
    body(init.context);
    EXPECT(read_file(place + "/apparmor/exec").empty());
    EXPECT(read_file(place + "/exec").empty());
  });
}

}  // namespace

TEST_CASE("AppArmor: the module's own file, and where the kernel has none the shared one") {
  FakeProc both({"self/attr/apparmor/exec", "self/attr/exec"});
  runtime::execute(both.init.context, AppArmorProfile{"my profile"});
  CHECK(both.written("self/attr/apparmor/exec") == "exec my profile");
  CHECK(both.written("self/attr/exec").empty());
  FakeProc old({"self/attr/exec"});
  runtime::execute(old.init.context, AppArmorProfile{"p"});
  CHECK(old.written("self/attr/exec") == "exec p");
}

TEST_CASE("AppArmor: no such files at all: an error, but unconfined is what one is then") {
  FakeProc none({"self/stat"});
  const std::string error = error_of(none.init.context, AppArmorProfile{"p"});
  CHECK_THAT(error, Catch::Contains("AppArmor profile \"p\": AppArmor is not enabled on this host") &&
                        Catch::Contains("`/proc/self/attr/exec`"));
  CHECK(error_of(none.init.context, AppArmorProfile{"unconfined"}) == "none");
}

TEST_CASE("SELinux: the process label is written to exec, the keyring's before it is made") {
  FakeProc proc({"self/attr/exec", "self/attr/keycreate"});
  runtime::execute(proc.init.context, SelinuxLabel{"u:r:t:s0:c1,c2"});
  CHECK(proc.written("self/attr/exec") == "u:r:t:s0:c1,c2");
  CHECK(forked([&] {
          runtime::execute(proc.init.context, runtime::step::SessionKeyring{"_ses.x", "u:r:t:s0"});
        }) == "ok");
  CHECK(proc.written("self/attr/keycreate") == "u:r:t:s0");
}

TEST_CASE("SELinux: an error has the file in backquotes, for podman") {
  FakeProc none({"self/stat"});
  CHECK_THAT(error_of(none.init.context, SelinuxLabel{"l"}),
             Catch::Contains("SELinux label \"l\": write `/proc/self/attr/exec`"));
}

TEST_CASE("labels are never written to what somebody mounted over the attributes (CVE-2019-16884)",
          "[security]") {
  CHECK(with_mount_on_attributes([](runtime::InitContext& context) {
          contains(error_of(context, AppArmorProfile{"p"}), "something is mounted over that part of /proc");
          contains(error_of(context, AppArmorProfile{"unconfined"}), "something is mounted");
        }) == "ok");
  CHECK(with_mount_on_attributes([](runtime::InitContext& context) {
          contains(error_of(context, SelinuxLabel{"l"}), "something is mounted over that part of /proc");
        }) == "ok");
}

TEST_CASE("a label that is no mount option becomes an attribute of the new mount's root") {
  // Stands for mqueue, which has no attributes where SELinux is off.
  CHECK(in_mount_namespace([] {
          TestInit init;
          init.attach();
          runtime::step::Mount mount = make_mount("tmpfs", "tmpfs", "/queue");
          mount.label = "u:r:t:s0";
          init.run(mount);
          char label[64] = {};
          EXPECT(::getxattr("/mnt/root/queue", "security.selinux", label, sizeof label) > 0);
          EXPECT(std::string(label) == "u:r:t:s0");
        }) == "ok");
}

TEST_CASE("a mount label the kernel refuses is an error of linux.mountLabel") {
  if (fs::exists("/sys/fs/selinux/enforce")) return;
  CHECK(in_mount_namespace([] {
          TestInit init;
          init.attach();
          runtime::step::Mount mount = make_mount("tmpfs", "tmpfs", "/data");
          mount.options.data.push_back({"context=\"u:r:t:s0\"", spec::MountOptions::Data::of_mount_label});
          const std::string error = init.error_of(mount);
          contains(error, "(/linux/mountLabel)");
        }) == "ok");
}
