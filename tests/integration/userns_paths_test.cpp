// What the mapped root of a user namespace may not reach by itself: the runtime opens it for him.
#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "tests/harness/container.hpp"

namespace fs = std::filesystem;
using namespace ocx::test;

namespace {

json bind_mount(const Path& source, const std::string& destination) {
  return {{"destination", destination}, {"type", "bind"}, {"source", source}, {"options", {"rbind", "ro"}}};
}

}  // namespace

TEST_CASE("a volume below a directory that is closed to the mapped root", "[userns][mounts]") {
  Bundle bundle;
  bundle.use_user_namespace();
  const Path closed = bundle.scratch() / "closed";
  write_file(closed / "volume/file", "content\n");
  write_file(closed / "single", "alone\n");
  REQUIRE(chmod(closed.c_str(), 0700) == 0);
  bundle.add_mount(bind_mount(closed / "volume", "/volume"));
  bundle.add_mount(bind_mount(closed / "single", "/single"));
  bundle.shell("cat /volume/file /single; echo x 2>/dev/null > /volume/new || echo refused");
  Container container(bundle);
  CHECK(container.output() == "content\nalone\nrefused\n");
}

TEST_CASE("mounts below such a volume come along with rbind", "[userns][mounts]") {
  ONLY_OCX("runc 1.1 fails");
  Bundle bundle;
  bundle.use_user_namespace();
  const Path closed = bundle.scratch() / "closed";
  fs::create_directories(closed / "volume/inner");
  write_file(closed / "other/file", "inner\n");
  REQUIRE_OK(run({"mount", "--bind", closed / "other", closed / "volume/inner"}));
  REQUIRE(chmod(closed.c_str(), 0700) == 0);
  bundle.add_mount(bind_mount(closed / "volume", "/volume"));
  bundle.shell("cat /volume/inner/file");
  {
    Container container(bundle);
    CHECK(container.output() == "inner\n");
  }
  REQUIRE_OK(run({"umount", closed / "volume/inner"}));
}

TEST_CASE("a volume that is closed itself stays closed", "[userns][mounts]") {
  Bundle bundle;
  bundle.use_user_namespace();
  const Path closed = bundle.scratch() / "closed";
  write_file(closed / "file", "secret\n");
  REQUIRE(chmod(closed.c_str(), 0700) == 0);
  bundle.add_mount(bind_mount(closed, "/volume"));
  bundle.args({"/bin/probe", "try", "list", "/volume", "read", "/volume/file"});
  Container container(bundle);
  CHECK(container.output() == "EACCES\nEACCES\n");
}

TEST_CASE("a missing volume in a closed directory is reported as missing", "[userns][mounts]") {
  NOT_ON_RUNC("runc 1.1 prints several lines");
  Bundle bundle;
  bundle.use_user_namespace();
  const Path closed = bundle.scratch() / "closed";
  fs::create_directories(closed);
  REQUIRE(chmod(closed.c_str(), 0700) == 0);
  bundle.add_mount(bind_mount(closed / "absent", "/volume"));
  Container container(bundle);
  CHECK(contains(error_message(container.create()), "no such file or directory"));
  CHECK(container.leftovers().empty());
}

TEST_CASE("a rootfs below a directory that is closed to the mapped root", "[userns][rootfs]") {
  NOT_ON_RUNC("runc 1.1 does not get there");
  Bundle bundle;
  bundle.use_user_namespace();
  const Path closed = bundle.scratch() / "closed";
  fs::create_directories(closed);
  fs::rename(bundle.rootfs(), closed / "rootfs");
  REQUIRE(chmod(closed.c_str(), 0700) == 0);
  bundle.config["root"]["path"] = (closed / "rootfs").string();
  bundle.shell("id -u; echo written > /file && cat /file");
  Container container(bundle);
  CHECK(container.output() == "0\nwritten\n");
}
