#include "runtime/external_mounts.hpp"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <algorithm>

#include "runtime/inherited_stdio.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "tests/harness/forked.hpp"
#include "tests/unit/runtime/compiled_plan.hpp"

using namespace ocx;
using namespace ocx::runtime;
using ocx::test::PlanSource;
using Texts = std::vector<std::string>;

namespace {

Texts names(const Plan& plan) {
  Texts texts;
  for (const ExternalMount& mount : external_mounts(plan))
    texts.push_back(mount.name + "=" + mount.source + (mount.mask ? " mask" : ""));
  return texts;
}

Texts points(const Plan& plan) {
  Texts texts;
  for (const MountPoint& point : mount_points(plan))
    texts.push_back(point.base + ":" + point.path + "<" + point.source);
  return texts;
}

bool has(const Texts& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

TEST_CASE("binds, host devices and masks are the host's; file systems are not", "[checkpoint]") {
  PlanSource source;
  source.config["mounts"] = {{{"destination", "/proc"}, {"type", "proc"}},
                             {{"destination", "/data/"}, {"source", "/srv"}, {"options", {"rbind", "ro"}}},
                             {{"destination", "/f"}, {"source", "file"}, {"options", {"bind"}}}};
  source.config["linux"]["maskedPaths"] = {"/proc/kcore", "/sys/firmware"};
  CHECK(names(source.compile()) ==
        Texts{"/data=/srv", "/f=/bundle/file", "/proc/kcore=/dev/null mask", "/sys/firmware=/dev/null mask"});
  source.host.in_user_namespace = true;
  CHECK(has(names(source.compile()), "/dev/null=/dev/null"));
}

TEST_CASE("mount points are wanted in the root, and in what is bound above them", "[checkpoint]") {
  PlanSource source;
  source.config["mounts"] = {{{"destination", "/dev"}, {"type", "tmpfs"}},
                             {{"destination", "/dev/pts"}, {"type", "devpts"}},
                             {{"destination", "/data"}, {"source", "/srv"}, {"options", {"bind"}}},
                             {{"destination", "/data/a/b"}, {"source", "/x"}, {"options", {"bind"}}},
                             {{"destination", "/database"}, {"type", "tmpfs"}},
                             {{"destination", "/data/a/b/c"}, {"type", "tmpfs"}}};
  CHECK(points(source.compile()) == Texts{"/bundle/rootfs:/dev<", "/bundle/rootfs:/data</srv", "/srv:/a/b</x",
                                          "/bundle/rootfs:/database<", "/x:/c<"});
}

TEST_CASE("lines of mountinfo", "[checkpoint]") {
  const auto entries = parse_mount_entries(
      "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"
      "37 35 0:5 / /p rw - cgroup2 none rw\nnonsense\n1 2 3 4 5 6\nx 35 0:5 / /q rw - proc proc rw\n");
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].id == 36);
  CHECK(entries[0].path == "/mnt 2");
  CHECK(entries[0].device == "98:0");
  CHECK(entries[0].type == "ext3");
  CHECK(entries[1].type == "cgroup2");
  CHECK(entries[2].type.empty());
}

TEST_CASE("streams from outside are given anew, each once", "[checkpoint]") {
  const Texts stdio{"/dev/null", "pipe:[7]", "pipe:[7]"};
  CHECK(stdio_externals(stdio).empty());
  CHECK(inherited_stdio(stdio, 4) == std::vector<std::pair<std::string, int>>{{"pipe:[7]", 5}});
  const Texts files{"file[1a:2b]", "tty[8801:18]", "socket:[3]", "file[9:9]"};
  CHECK(stdio_externals({files[0], files[0], files[1]}) == Texts{files[0], files[1]});
  CHECK(inherited_stdio(files, 4) ==
        std::vector<std::pair<std::string, int>>{{files[0], 4}, {files[1], 5}, {files[2], 6}});
}

TEST_CASE("streams of a process are told apart by the mount they are on", "[checkpoint]") {
  CHECK(test::in_mount_namespace([] {
          const sys::Procfs proc = sys::Procfs::open_host();
          int ends[2];
          EXPECT(::pipe(ends) == 0);
          EXPECT(::dup2(ends[0], 0) == 0);
          const sys::UniqueFd inside = sys::openat(sys::FdRef::cwd(), "/mnt/file", O_RDWR | O_CREAT, 0600);
          EXPECT(::dup2(inside.ref().raw(), 1) == 1);
          const sys::UniqueFd outside = sys::openat(sys::FdRef::cwd(), "/dev/null", O_RDWR);
          EXPECT(::dup2(outside.ref().raw(), 2) == 2);
          EXPECT(::unshare(CLONE_NEWNS) == 0);  // the files stay where they were opened
          const Texts moved = describe_stdio(proc, ::getpid());
          EXPECT(moved[0].starts_with("pipe:["));
          EXPECT(moved[1].starts_with("file["));
          EXPECT(moved[2].starts_with("file["));
          const sys::UniqueFd here = sys::openat(sys::FdRef::cwd(), "/mnt/file", O_RDWR);
          EXPECT(::dup2(here.ref().raw(), 1) == 1);
          EXPECT(describe_stdio(proc, ::getpid())[1] == "/mnt/file");
        }) == "ok");
}

TEST_CASE("a list of streams that is no regular file is refused at once", "[checkpoint]") {
  const test::TempDir directory;
  const sys::UniqueFd images = sys::openat(sys::FdRef::cwd(), directory.path(), O_RDONLY | O_DIRECTORY);
  CHECK(load_stdio(images).empty());
  save_stdio(images, {"/dev/null", "pipe:[1]", ""});
  CHECK(load_stdio(images) == Texts{"/dev/null", "pipe:[1]", ""});
  sys::unlinkat(images, "descriptors.json");
  REQUIRE(::mkfifo((directory.path() / "descriptors.json").c_str(), 0600) == 0);
  CHECK_THROWS_WITH(load_stdio(images), Catch::Contains("no regular file"));
}
