// Bind mounts, their targets, and the order of mounts (config.md "Mounts").
#include <catch2/catch.hpp>

#include "tests/integration/mount_table.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

TEST_CASE("a directory is bound on a target that is made for it", "[mounts]") {
  Bundle bundle;
  bundle.shell("cat /made/for/it/file; echo back > /made/for/it/answer");
  write_file(bundle.scratch() / "source/file", "from the host\n");
  bundle.add_mount(bind_mount(bundle.scratch() / "source", "/made/for/it"));
  Container container(bundle);
  CHECK(container.output() == "from the host\n");
  CHECK(read_file(bundle.scratch() / "source/answer") == "back\n");
  CHECK(fs::is_directory(bundle.rootfs() / "made/for/it"));
  CHECK(names_in(bundle.rootfs() / "made/for/it").empty());
}

TEST_CASE("a file is bound on a file that is made for it", "[mounts]") {
  Bundle bundle;
  bundle.shell("cat /made/file");
  write_file(bundle.scratch() / "file", "content\n");
  bundle.add_mount(bind_mount(bundle.scratch() / "file", "/made/file", {"bind", "ro"}));
  Container container(bundle);
  CHECK(container.output() == "content\n");
  CHECK(fs::is_regular_file(bundle.rootfs() / "made/file"));
  CHECK(fs::file_size(bundle.rootfs() / "made/file") == 0);
}

TEST_CASE("a relative source is below the bundle", "[mounts]") {
  Bundle bundle;
  bundle.shell("cat /data/file");
  write_file(bundle.path() / "volume/file", "relative\n");
  bundle.add_mount(bind_mount("volume", "/data"));
  Container container(bundle);
  CHECK(container.output() == "relative\n");
}

TEST_CASE("a missing source is refused in the words that engines know", "[mounts]") {
  Bundle bundle;
  bundle.add_mount(bind_mount(bundle.scratch() / "nothing", "/data"));
  std::vector<std::string> words = {"no such file or directory", "nothing"};
  if (runtime_is_ocx()) words.push_back("/mounts/7");
  check_refused(bundle, words);
  CHECK_FALSE(fs::exists(bundle.scratch() / "nothing"));
}

TEST_CASE("a file on a directory, and a directory on a file, are refused", "[mounts]") {
  Bundle bundle;
  write_file(bundle.scratch() / "file", "x");
  bundle.add_mount(bind_mount(bundle.scratch() / "file", "/tmp"));
  check_refused(bundle, {"not a directory", "/tmp"});
  bundle.config["mounts"].back() = bind_mount(bundle.scratch(), "/etc/passwd");
  check_refused(bundle, {"not a directory", "/etc/passwd"});
}

TEST_CASE("mounts are made in the order of the list", "[mounts]") {
  Bundle bundle;
  bundle.shell("cat /data/file; ls /data/below");
  write_file(bundle.scratch() / "first/file", "first\n");
  write_file(bundle.scratch() / "second/file", "second\n");
  write_file(bundle.scratch() / "third/name", "");
  bundle.add_mount(bind_mount(bundle.scratch() / "first", "/data"));
  bundle.add_mount(bind_mount(bundle.scratch() / "second", "/data"));
  bundle.add_mount(bind_mount(bundle.scratch() / "third", "/data/below"));
  Container container(bundle);
  CHECK(container.output() == "second\nname\n");
  CHECK(fs::is_directory(bundle.scratch() / "second/below"));
  CHECK_FALSE(fs::exists(bundle.scratch() / "first/below"));
}

TEST_CASE("a later mount covers an earlier one with all that is below it", "[mounts]") {
  Bundle bundle;
  bundle.shell("ls -A /data | wc -l");
  write_file(bundle.scratch() / "first/below/file", "");
  bundle.add_mount(bind_mount(bundle.scratch() / "first", "/data"));
  bundle.add_mount(tmpfs_mount("/data/below"));
  bundle.add_mount(tmpfs_mount("/data"));
  Container container(bundle);
  CHECK(container.output() == "0\n");
}

TEST_CASE("mounts below mounts get their targets in them, not in the image", "[mounts]") {
  Bundle bundle;
  bundle.add_mount(tmpfs_mount("/data"));
  bundle.add_mount(tmpfs_mount("/data/a/b"));
  bundle.add_mount(bind_mount(bundle.scratch(), "/data/a/b/c"));
  Container container(bundle);
  REQUIRE_OK(container.create());
  for (const char* target : {"/data", "/data/a/b", "/data/a/b/c"}) CHECK(is_mounted(container.pid(), target));
  CHECK(names_in(bundle.rootfs() / "data").empty());
}

TEST_CASE("rbind brings the mounts below the source, bind does not", "[mounts]") {
  Bundle bundle;
  HostMount outer("tmpfs", "outer", bundle.scratch() / "outer");
  HostMount inner("tmpfs", "inner", outer.path() / "inner");
  write_file(inner.path() / "file", "x");
  bundle.add_mount(bind_mount(outer.path(), "/with", {"rbind"}));
  bundle.add_mount(bind_mount(outer.path(), "/without", {"bind"}));
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(is_mounted(container.pid(), "/with/inner"));
  CHECK(exists_inside(container.pid(), "/with/inner/file"));
  CHECK_FALSE(is_mounted(container.pid(), "/without/inner"));
  CHECK_FALSE(exists_inside(container.pid(), "/without/inner/file"));
}

TEST_CASE("links in the image on the way to a target are followed inside the image", "[mounts]") {
  Bundle bundle;
  Path victim = bundle.scratch() / "victim";
  fs::create_directory(victim);
  fs::create_symlink(victim, bundle.rootfs() / "absolute");
  fs::create_symlink("../../../../../../../.." + victim.string(), bundle.rootfs() / "climbing");
  bundle.add_mount(tmpfs_mount("/absolute/x"));
  bundle.add_mount(tmpfs_mount("/climbing/y"));
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(names_in(victim).empty());
  CHECK(is_mounted(container.pid(), victim.string() + "/x"));
  CHECK(is_mounted(container.pid(), victim.string() + "/y"));
}

TEST_CASE("a source that is a link is followed, on the host", "[mounts]") {
  Bundle bundle;
  bundle.shell("cat /data/file");
  write_file(bundle.scratch() / "real/file", "real\n");
  fs::create_symlink("real", bundle.scratch() / "link");
  bundle.add_mount(bind_mount(bundle.scratch() / "link", "/data"));
  Container container(bundle);
  CHECK(container.output() == "real\n");
}

TEST_CASE("copy-symlink makes the source's link instead of following it", "[mounts][contract]") {
  ONLY_OCX("crun's option");
  Bundle bundle({"/bin/probe", "stat", "/data"});
  fs::create_symlink("somewhere/else", bundle.scratch() / "link");
  bundle.add_mount(bind_mount(bundle.scratch() / "link", "/data", {"bind", "copy-symlink"}));
  Container container(bundle);
  json facts = parse_json(container.output());
  CHECK(facts["/data"]["type"] == "link");
  CHECK(facts["/data"]["target"] == "somewhere/else");
}

TEST_CASE("copy-symlink keeps a link that is the same, and refuses to replace anything else", "[mounts]") {
  ONLY_OCX("crun's option");
  Bundle bundle({"/bin/probe", "stat", "/data"});
  fs::create_symlink("somewhere/else", bundle.scratch() / "link");
  bundle.add_mount(bind_mount(bundle.scratch() / "link", "/data", {"bind", "copy-symlink"}));
  fs::create_symlink("somewhere/else", bundle.rootfs() / "data");
  {
    Container container(bundle);
    CHECK(parse_json(container.output())["/data"]["target"] == "somewhere/else");
  }
  fs::remove(bundle.rootfs() / "data");
  fs::create_symlink("another", bundle.rootfs() / "data");
  check_refused(bundle, {"symlinkat", "file exists", "/mounts/7"});
  CHECK(fs::read_symlink(bundle.rootfs() / "data") == "another");
}

TEST_CASE("copy-symlink, src-nofollow and dest-nofollow change nothing where there is no link", "[mounts]") {
  ONLY_OCX("crun's options");
  Bundle bundle;
  bundle.shell("cat /data/file");
  write_file(bundle.scratch() / "file", "content\n");
  bundle.add_mount(
      bind_mount(bundle.scratch(), "/data", {"bind", "copy-symlink", "src-nofollow", "dest-nofollow"}));
  Container container(bundle);
  CHECK(container.output() == "content\n");
}

TEST_CASE("src-nofollow never mounts what a link leads to", "[mounts]") {
  ONLY_OCX("crun's option");
  Bundle bundle;
  write_file(bundle.scratch() / "real/file", "x");
  fs::create_symlink("real", bundle.scratch() / "link");
  bundle.add_mount(bind_mount(bundle.scratch() / "link", "/data", {"bind", "src-nofollow"}));
  fs::create_directory(bundle.rootfs() / "data");
  check_refused(bundle, {"not a directory", "/data", "/mounts/7"});
}

TEST_CASE("src-nofollow and dest-nofollow bind a link on a link", "[mounts]") {
  ONLY_OCX("crun's options");
  Bundle bundle;
  write_file(bundle.scratch() / "file", "x");
  fs::create_symlink("file", bundle.scratch() / "link");
  fs::create_symlink("elsewhere", bundle.rootfs() / "target");
  bundle.add_mount(
      bind_mount(bundle.scratch() / "link", "/target", {"bind", "src-nofollow", "dest-nofollow"}));
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(fs::read_symlink(inside(container.pid(), "/target")) == "file");
  CHECK_FALSE(fs::exists(fs::symlink_status(bundle.rootfs() / "elsewhere")));
}

TEST_CASE("dest-nofollow never mounts where a link of the image leads", "[mounts]") {
  ONLY_OCX("crun's option");
  Bundle bundle;
  fs::create_directory(bundle.rootfs() / "elsewhere");
  fs::create_symlink("elsewhere", bundle.rootfs() / "target");
  bundle.add_mount(bind_mount(bundle.scratch(), "/target", {"bind", "dest-nofollow"}));
  check_refused(bundle, {"not a directory", "/target", "/mounts/7"});
  bundle.config["mounts"].back() = tmpfs_mount("/target", {"dest-nofollow"});
  check_refused(bundle, {"not a directory", "/target", "/mounts/7"});
  bundle.config["mounts"].back() = tmpfs_mount("/target");
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(is_mounted(container.pid(), "/elsewhere"));
}

TEST_CASE("a mount without a type and without bind is refused with the remedy", "[mounts]") {
  Bundle bundle;
  bundle.add_mount({{"destination", "/data"}, {"source", bundle.scratch()}, {"options", {"ro"}}});
  check_refused(bundle, {});
}

TEST_CASE("a type bind without the option bind does what the option says", "[mounts]") {
  Bundle bundle;
  bundle.shell("cat /data/file");
  write_file(bundle.scratch() / "file", "content\n");
  bundle.add_mount(bind_mount(bundle.scratch(), "/data", {"rbind"}));
  bundle.config["mounts"].back().erase("type");
  Container container(bundle);
  CHECK(container.output() == "content\n");
}

TEST_CASE("an unknown file system is refused by name", "[mounts]") {
  Bundle bundle;
  bundle.add_mount({{"destination", "/data"}, {"type", "nosuchfs"}, {"source", "x"}});
  check_refused(bundle, {runtime_is_ocx() ? "nosuchfs" : "/data", "no such device"});
}

TEST_CASE("hundreds of mounts work", "[mounts]") {
  Bundle bundle;
  for (int i = 0; i < 200; ++i)
    bundle.add_mount(bind_mount(bundle.scratch(), "/many/" + std::to_string(i), {"bind", "ro"}));
  Container container(bundle);
  REQUIRE_OK(container.create());
  for (int i : {0, 99, 199}) CHECK(mount_on(container.pid(), "/many/" + std::to_string(i)).has("ro"));
}
