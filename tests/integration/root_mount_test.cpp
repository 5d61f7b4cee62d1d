// A first mount over "/", which makes the container's root: overlay, tmpfs, bind (docs/deviations.md).
#include <catch2/catch.hpp>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/integration/mount_table.hpp"
#include "tests/integration/user_container.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

json over_root(const std::string& type, Words options, const std::string& source = "source") {
  return {{"destination", "/"}, {"type", type}, {"source", source}, {"options", std::move(options)}};
}

void mount_first(Bundle& bundle, const json& mount) {
  json& mounts = bundle.config["mounts"];
  mounts.insert(mounts.begin(), mount);
}

/// The bundle's rootfs is the image; upper and work are beside it.
class OverlayBundle : public Bundle {
 public:
  explicit OverlayBundle(Words args = {}) : Bundle(std::move(args)) {
    for (const char* name : {"upper", "work"}) fs::create_directory(path() / name);
    mount_first(*this, over_root("overlay", {"lowerdir=rootfs", "upperdir=upper", "workdir=work"}));
  }
  json& options() { return config["mounts"][0]["options"]; }
  Path upper() const { return path() / "upper"; }
};

std::string digest(const Path& directory) {
  Result listing =
      run({"sh", "-c", "cd \"$0\" && find . -exec stat -c '%n %f %u %s %Y %Z' {} + | sort", directory});
  REQUIRE_OK(listing);
  return listing.out;
}

struct stat stat_of(const Path& path) {
  struct stat facts {};
  INFO(path);
  REQUIRE(lstat(path.c_str(), &facts) == 0);
  return facts;
}

#define NEEDS_ROOT_MOUNTS ONLY_OCX("others have no root but root.path")

}  // namespace

TEST_CASE("an overlay over \"/\": writes go to upper, the image stays as it is", "[root-mount]") {
  NEEDS_ROOT_MOUNTS;
  OverlayBundle bundle;
  bundle.shell("echo new >/file; rm /etc/passwd; cat /file; ls /etc");
  const std::string before = digest(bundle.rootfs());
  {
    Container container(bundle);
    CHECK(container.output() == "new\ngroup\n");
  }
  CHECK(digest(bundle.rootfs()) == before);
  CHECK(read_file(bundle.upper() / "file") == "new\n");
  CHECK(fs::is_character_file(bundle.upper() / "etc/passwd"));
}

TEST_CASE("the mount over \"/\" is the container's alone, and exec sees it", "[root-mount]") {
  NEEDS_ROOT_MOUNTS;
  OverlayBundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(host_mounts_with(bundle.path()).empty());
  CHECK(mount_on(container.pid(), "/").type == "overlay");
  REQUIRE_OK(container.start());
  REQUIRE_OK(container.command({"exec", container.id(), "/bin/sh", "-c", "echo inside >/by-exec"}));
  CHECK(read_file(bundle.upper() / "by-exec") == "inside\n");
  CHECK(host_mounts_with(bundle.path()).empty());
}

TEST_CASE("one image, two containers, writes apart", "[root-mount]") {
  NEEDS_ROOT_MOUNTS;
  OverlayBundle one, two;
  two.options()[0] = "lowerdir=" + one.rootfs().string();
  one.shell("echo one >/file; cat /file");
  two.shell("ls /file; echo two >/file; cat /file");
  Container first(one), second(two);
  CHECK(first.output() == "one\n");
  CHECK(second.output() == "two\n");
  CHECK(read_file(one.upper() / "file") == "one\n");
  CHECK(read_file(two.upper() / "file") == "two\n");
}

TEST_CASE("layers with ':' and ',' in their names, and more of them than one value holds", "[root-mount]") {
  NEEDS_ROOT_MOUNTS;
  OverlayBundle bundle({"/bin/busybox", "sh", "-c", "cat /in-*"});
  std::string lower = "lowerdir=";
  for (const char* name : {"a:b", "c,d", "e\\f"})
    write_file(bundle.path() / name / (std::string("in-") + name[0]), std::string(name) + "\n");
  lower += R"(a\:b:c,d:e\\f:)";
  for (int i = 0; i < 30; ++i) {
    const std::string name = "layer-with-a-long-name-" + std::to_string(i);
    write_file(bundle.path() / name / ("layer" + std::to_string(i)), "");
    lower += name + ":";
  }
  bundle.options()[0] = lower + "rootfs";
  Container container(bundle);
  Result created = container.create();
  REQUIRE_OK(created);
  CHECK(exists_inside(container.pid(), "/layer0"));
  CHECK(exists_inside(container.pid(), "/layer29"));
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  CHECK(created.out_now() == "a:b\nc,d\ne\\f\n");
}

TEST_CASE("an overlay in a user namespace is mounted by its root, with userxattr", "[root-mount][userns]") {
  NEEDS_ROOT_MOUNTS;
  OverlayBundle bundle;
  bundle.use_user_namespace();
  bundle.config["mounts"][0] = over_root("overlay", {"lowerdir=rootfs", "upperdir=upper", "workdir=work"});
  for (const char* name : {"upper", "work"})
    REQUIRE(chown((bundle.path() / name).c_str(), 100000, 100000) == 0);
  bundle.shell("rm -r /etc && mkdir /etc && echo new >/etc/new && ls /etc");
  Container container(bundle);
  Result created = container.create();
  REQUIRE_OK(created);
  CHECK(mount_on(container.pid(), "/").superblock.count("userxattr") == 1);
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  CHECK(created.out_now() == "new\n");
  CHECK(stat_of(bundle.upper() / "etc/new").st_uid == 100000);
  CHECK(fs::exists(bundle.rootfs() / "etc/passwd"));
}

TEST_CASE("layers below a directory that is closed to the container's root", "[root-mount][userns]") {
  NEEDS_ROOT_MOUNTS;
  for (const bool several : {false, true}) {
    Bundle bundle;
    bundle.use_user_namespace();
    const Path closed = bundle.scratch() / "closed", open = closed / "open";
    fs::create_directories(open);
    fs::rename(bundle.rootfs(), open / "image");
    for (const char* name : {"upper", "work", "second"}) {
      fs::create_directory(open / name);
      REQUIRE(chown((open / name).c_str(), 100000, 100000) == 0);
    }
    write_file(open / "second/mark", "second\n");
    REQUIRE(chmod(closed.c_str(), 0700) == 0);
    const std::string lower = (several ? (open / "second").string() + ":" : "") + (open / "image").string();
    bundle.config["root"]["path"] = (open / "image").string();
    mount_first(bundle, over_root("overlay", {"lowerdir=" + lower, "upperdir=" + (open / "upper").string(),
                                              "workdir=" + (open / "work").string()}));
    bundle.shell("echo new >/file; cat /file; if [ -e /mark ]; then cat /mark; fi");
    Container container(bundle);
    CHECK(container.output() == (several ? "new\nsecond\n" : "new\n"));
    CHECK(read_file(open / "upper/file") == "new\n");
    CHECK(host_mounts_with(closed).empty());
  }
}

TEST_CASE("an ordinary user's container has an overlay as its root", "[root-mount][rootless]") {
  NEEDS_USER();
  OverlayBundle bundle;
  for (const char* name : {"upper", "work"}) REQUIRE(chown((bundle.path() / name).c_str(), user, user) == 0);
  bundle.shell("echo new >/file; cat /file; rm /etc/passwd");
  UserContainer container(bundle);
  const Result result = container.run();
  REQUIRE_OK(result);
  CHECK(result.out == "new\n");
  CHECK(stat_of(bundle.upper() / "file").st_uid == user);
  CHECK(fs::exists(bundle.rootfs() / "etc/passwd"));
}

TEST_CASE("a tmpfs over \"/\" begins with a copy of the image, and ends with the container",
          "[root-mount][tmpcopyup]") {
  NEEDS_ROOT_MOUNTS;
  Bundle bundle;
  mount_first(bundle, over_root("tmpfs", {"size=50m", "tmpcopyup"}, "memory"));
  chmod(bundle.rootfs().c_str(), 0751);
  bundle.shell("ls -ld / | cut -c1-10; cat /etc/passwd | head -n 1; df -m / | tail -n 1; echo x >/file");
  Container container(bundle);
  const Words out = lines(container.output());
  REQUIRE(out.size() == 3);
  CHECK(out[0] == "drwxr-x--x");
  CHECK(out[1].starts_with("root:"));
  CHECK(out[2].starts_with("memory"));
  CHECK(contains(out[2], " 50 "));
  CHECK_FALSE(fs::exists(bundle.rootfs() / "file"));
}

TEST_CASE("a bind over \"/\" takes its source from the bundle", "[root-mount]") {
  NEEDS_ROOT_MOUNTS;
  Bundle bundle;
  fs::rename(bundle.rootfs(), bundle.path() / "image");
  fs::create_directory(bundle.rootfs());
  write_file(bundle.path() / "image/mark", "image\n");
  mount_first(bundle, over_root("bind", {"bind", "nodev"}, "image"));
  bundle.shell("cat /mark; echo x >/new");
  Container container(bundle);
  Result created = container.create();
  REQUIRE_OK(created);
  CHECK(mount_on(container.pid(), "/").has("nodev"));
  REQUIRE_OK(container.start());
  container.wait_exit();
  CHECK(created.out_now() == "image\n");
  CHECK(fs::exists(bundle.path() / "image/new"));
  CHECK(fs::is_empty(bundle.rootfs()));
}

TEST_CASE("an id-mapped bind over \"/\" shows the image as the container's root's own",
          "[root-mount][idmap][userns]") {
  NEEDS_ROOT_MOUNTS;
  Bundle bundle;
  bundle.use_user_namespace();
  REQUIRE_OK(run({"chown", "-R", "0:0", bundle.rootfs()}));
  json mount = over_root("bind", {"bind", "idmap"}, "rootfs");
  mount_first(bundle, mount);
  bundle.args({"/bin/busybox", "sh", "-c", "stat -c %u:%g /etc/passwd; echo new >/new"});
  Container container(bundle);
  Result created = container.create();
  if (created.status != 0 && contains(created.err, "idmap"))
    SKIP_TEST("this file system has no id-mapped mounts");
  REQUIRE_OK(created);
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  CHECK(created.out_now() == "0:0\n");
  CHECK(stat_of(bundle.rootfs() / "new").st_uid == 0);
}

TEST_CASE("a mount over \"/\" that is read-only, by its option or by root.readonly", "[root-mount]") {
  NEEDS_ROOT_MOUNTS;
  for (const bool option : {true, false}) {
    OverlayBundle bundle({"/bin/probe", "try", "create", "/file", "write", "/dev/null"});
    fs::remove_all(bundle.rootfs() / "proc");  // its mount point has to be made
    if (option)
      bundle.options().push_back("ro");
    else
      bundle.config["root"]["readonly"] = true;
    Container container(bundle);
    CHECK(container.output() == "EROFS\nok\n");
    CHECK(fs::is_directory(bundle.upper() / "proc"));
  }
}

TEST_CASE("each rootfsPropagation with a mount over \"/\"; the host sees none", "[root-mount][propagation]") {
  NEEDS_ROOT_MOUNTS;
  for (const std::string propagation : {"shared", "slave", "private", "unbindable"}) {
    INFO(propagation);
    OverlayBundle bundle;
    HostMount holder("tmpfs", "lesson", bundle.scratch() / "holder");
    holder.propagation(MS_SHARED);
    fs::create_directory(holder.path() / "root");
    bundle.config["root"]["path"] = (holder.path() / "root").string();
    bundle.config["linux"]["rootfsPropagation"] = propagation;
    bundle.config["linux"].erase("maskedPaths");
    Container container(bundle);
    REQUIRE_OK(container.create());
    CHECK(host_mounts_with(bundle.path()).empty());
    const MountEntry root = mount_on(container.pid(), "/");
    CHECK(root.type == "overlay");
    CHECK(root.propagation.count("shared") == (propagation == "shared" ? 1 : 0));
    CHECK(root.propagation.count("unbindable") == (propagation == "unbindable" ? 1 : 0));
  }
}

TEST_CASE("a mount over \"/\" with --no-pivot", "[root-mount]") {
  NEEDS_ROOT_MOUNTS;
  OverlayBundle bundle;
  bundle.shell("echo new >/file; cat /file");
  Container container(bundle);
  Result created = container.create({"--no-pivot"});
  REQUIRE_OK(created);
  REQUIRE_OK(container.start());
  container.wait_exit();
  CHECK(created.out_now() == "new\n");
  CHECK(read_file(bundle.upper() / "file") == "new\n");
}

TEST_CASE("a rootfs that is a link is the place and the layer that it leads to", "[root-mount][security]") {
  NEEDS_ROOT_MOUNTS;
  OverlayBundle bundle;
  fs::rename(bundle.rootfs(), bundle.path() / "image");
  fs::create_directory_symlink("image", bundle.rootfs());
  bundle.shell("echo new >/file; cat /file");
  Container container(bundle);
  CHECK(container.output() == "new\n");
  CHECK_FALSE(fs::exists(bundle.path() / "image/file"));
}

TEST_CASE("an image's links don't lead mounts out of a root that is a mount", "[root-mount][security]") {
  NEEDS_ROOT_MOUNTS;
  for (const char* place : {"proc", "sys", "dev", "data"}) {
    INFO(place);
    OverlayBundle bundle;
    const Path outside = bundle.scratch() / "outside";
    fs::create_directory(outside);
    fs::remove_all(bundle.rootfs() / place);
    fs::create_directory_symlink(outside, bundle.rootfs() / place);
    bundle.add_mount(tmpfs_mount("/data"));
    const std::string destination = std::string("/") + place;
    const bool kernel_tree = std::string_view(place) == "proc" || std::string_view(place) == "sys";
    Container container(bundle);
    Result created = container.create();
    if (kernel_tree && bundle.find_mount(destination)->at("type") != "bind") {
      CHECK(contains(error_message(created), "must be mounted on ordinary directory"));
    } else {
      REQUIRE_OK(created);
      // The link is followed inside of the container's root, where the way is made.
      CHECK(is_mounted(container.pid(), outside));
    }
    CHECK(host_mounts_with(outside).empty());
    CHECK(fs::is_empty(outside));
  }
}

TEST_CASE("links in upper, which an earlier run has left, lead nowhere either", "[root-mount][security]") {
  NEEDS_ROOT_MOUNTS;
  OverlayBundle bundle;
  fs::create_directory_symlink(bundle.scratch(), bundle.upper() / "proc");
  check_refused(bundle, {"\"/proc\" must be mounted on ordinary directory"});
}

TEST_CASE("a mount over \"/\" that fails says why, and leaves nothing", "[root-mount]") {
  NEEDS_ROOT_MOUNTS;
  {
    OverlayBundle bundle;
    bundle.options()[1] = "upperdir=nowhere";
    check_refused(bundle, {"mount \"overlay\" on \"/\"", "nowhere", "no such file", "/mounts/0"});
  }
  {
    OverlayBundle bundle;
    fs::remove_all(bundle.rootfs());
    check_refused(bundle, {"rootfs", "no such file"});
  }
  {
    Bundle bundle;
    mount_first(bundle, over_root("tmpfs", {"size=1k", "nr_inodes=3", "tmpcopyup"}));
    check_refused(bundle, {"tmpcopyup", "no space left", "/mounts/0"});
  }
  {
    Bundle bundle;
    mount_first(bundle, over_root("bind", {"bind"}, bundle.rootfs() / "etc/passwd"));
    check_refused(bundle, {"not a directory", "/mounts/0"});
  }
}

TEST_CASE("a mount over \"/\" is refused where it makes no root", "[root-mount]") {
  NEEDS_ROOT_MOUNTS;
  {
    Bundle bundle;
    bundle.add_mount(over_root("tmpfs", {}));
    check_refused(bundle, {"a mount over \"/\" has to be the first", "/mounts/"});
  }
  {
    Bundle bundle;
    mount_first(bundle, over_root("proc", {}));
    check_refused(bundle, {"type \"proc\"", "/mounts/0/destination"});
  }
  {
    Bundle bundle;
    bundle.remove_namespace("mount");
    bundle.config["linux"].erase("maskedPaths");
    bundle.config["linux"].erase("readonlyPaths");
    mount_first(bundle, over_root("tmpfs", {}));
    check_refused(bundle, {"new mount namespace", "/mounts/0/destination"});
  }
}

TEST_CASE("a container whose root is a mount can't be checkpointed, and says so",
          "[root-mount][checkpoint]") {
  NEEDS_ROOT_MOUNTS;
  OverlayBundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  Result dumped =
      container.command({"checkpoint", "--image-path", bundle.scratch() / "image", container.id()});
  CHECK(dumped.status != 0);
  CHECK(contains(error_message(dumped), "whose root is a mount over \"/\""));
  CHECK(container.status() == "running");
}

TEST_CASE("explain shows the mount that makes the root", "[root-mount][explain]") {
  NEEDS_ROOT_MOUNTS;
  OverlayBundle bundle;
  bundle.save();
  Container container(bundle);
  const Result explained = container.command({"explain", "--bundle", bundle.path()});
  REQUIRE_OK(explained);
  CHECK(contains(explained.out, "mount \"overlay\" on the rootfs \"" + bundle.rootfs().string() +
                                    "\", as the container's root (lowerdir=" + bundle.rootfs().string()));
  CHECK_FALSE(contains(explained.out, "a mount of its own: only a mount"));
}
