#include "cgroups/detect.hpp"

#include <catch2/catch.hpp>

using namespace ocx::cgroups;

namespace {

constexpr const char* hybrid_mounts =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:3 master:1 - cgroup cgroup rw,memory\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n";

struct Expected {
  std::vector<std::string> controllers;
  std::string mount_point, own_path, mount_root;
  bool v2;
};

struct Case {
  const char* name;
  const char* mountinfo;
  const char* self;
  std::vector<Expected> expected;
  bool pure_v2;
};

}  // namespace

TEST_CASE("hierarchies are found in mountinfo and /proc/self/cgroup", "[cgroups]") {
  const Case cases[] = {
      {"hybrid with merged and named hierarchies",
       hybrid_mounts,
       "9:name=systemd:/init.scope\n4:memory:/a/b\n1:cpu,cpuacct:/a\n0::/init.scope\n",
       {{{"name=systemd"}, "/sys/fs/cgroup/systemd", "/init.scope", "/", false},
        {{"memory"}, "/sys/fs/cgroup/memory", "/a/b", "/", false},
        {{"cpu", "cpuacct"}, "/sys/fs/cgroup/cpu,cpuacct", "/a", "/", false},
        {{}, "/sys/fs/cgroup/unified", "/init.scope", "/", true}},
       false},
      {"pure v2",
       "30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
       "0::/user.slice/x.scope\n",
       {{{}, "/sys/fs/cgroup", "/user.slice/x.scope", "/", true}},
       true},
      {"a v1 controller that is not mounted is left out; then v2 is pure",
       "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
       "4:memory:/\n0::/\n",
       {{{}, "/sys/fs/cgroup", "/", "/", true}},
       true},
      {"inside a container the mount's root is the container's cgroup",
       "50 49 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
       "4:memory:/docker/abc\n",
       {{{"memory"}, "/sys/fs/cgroup/memory", "/docker/abc", "/docker/abc", false}},
       false},
      {"of two mounts the one that shows the own cgroup counts",
       "50 49 0:32 /other /rootfs/memory ro - cgroup cgroup rw,memory\n"
       "51 49 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
       "4:memory:/docker/abc\n",
       {{{"memory"}, "/sys/fs/cgroup/memory", "/docker/abc", "/", false}},
       false},
      {"escaped mount points",
       "51 49 0:32 / /mnt/a\\040b\\134c rw - cgroup cgroup rw,memory\n",
       "4:memory:/\n",
       {{{"memory"}, "/mnt/a b\\c", "/", "/", false}},
       false},
      {"cpu is not found in a mount of cpuset",
       "51 49 0:32 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n",
       "1:cpu:/\n",
       {},
       false},
      {"malformed lines are skipped",
       "51 49\n - cgroup\n\n1 2 3 4 5 6 - cgroup\n",
       "x\n4:\n:::\n0::/\n",
       {},
       false},
  };
  for (const Case& item : cases) {
    INFO(item.name);
    const Hierarchies found = parse_hierarchies(item.mountinfo, item.self);
    CHECK(found.pure_v2() == item.pure_v2);
    REQUIRE(found.all.size() == item.expected.size());
    for (std::size_t i = 0; i < item.expected.size(); ++i) {
      CHECK(found.all[i].controllers == item.expected[i].controllers);
      CHECK(found.all[i].mount_point == item.expected[i].mount_point);
      CHECK(found.all[i].own_path == item.expected[i].own_path);
      CHECK(found.all[i].mount_root == item.expected[i].mount_root);
      CHECK(found.all[i].v2 == item.expected[i].v2);
    }
  }
}
