// `ocx bundle` of root file systems: directories and tar archives.
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/integration/bundling.hpp"
#include "tests/integration/user_container.hpp"

namespace fs = std::filesystem;
using namespace ocx::test;

namespace {

struct stat stat_of(const Path& path) {
  struct stat info {};
  INFO(path);
  REQUIRE(lstat(path.c_str(), &info) == 0);
  return info;
}

std::string xattr_of(const Path& path, const char* name) {
  char value[256];
  const ssize_t size = getxattr(path.c_str(), name, value, sizeof(value));
  return size < 0 ? "" : std::string(value, static_cast<std::size_t>(size));
}

/// An archive with the file "greeting": "hello".
constexpr std::pair<const char*, const char*> compressed[] = {
    {"gzip",
     "H4sIAAAAAAACA+3PMQrCQBAF0K09hUdY42Y9j0WIQnBhXe9vTJlCKwOB95oP86eYGeswtPtjDH8UZzmlJWfr/"
     "LQhXs4p96lf5qcuxy4cY9jA69mu"
     "dT6lltK+7f3q18/txG2YpnIIAAAAAAAAAAAA7MwbjxdcrQAoAAA="},
    {"xz",
     "/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4Cf/AHNdADOciODt+zRlZZV/"
     "WkBxzBaxS2R7hXt7IO8VwpYzx+J1h2n9eBfyZvodCxm02VasGPcTu+LE"
     "QxFghcm9/"
     "MpbGD1cJAy5bkFlgOjCxWgy0T2tAYisS68IK3mvJ7LvAmRelavFDROMcg+Sik8to2stYFTn0wAAAJU7ReY4PGOaAAGPAYBQAADrwzaQ"
     "scRn+wIAAAAABFla"},
    {"zstd",
     "KLUv/"
     "QRojQIAcsMLEKDt9Ce9wf5Hr0RvvFdY3BQGba1Nhq253+7AF+0Hj+sQJYsmMbfemXojpuCuQwEMIAAzkXH2Bd5IRgFYZhgaoPC/"
     "D9oNx8AD"
     "DgpgOHE5qp9D9A=="},
    {"bzip2",
     "QlpoOTFBWSZTWVox7gUAAH17kMkQAERAAH+"
     "AAEBi5Z4ABAAACCAAdRBTaRkNNDammjanqCSU0ZGgNADQTPto1OQgg9ISLqcGJwkz0CGROgMXCWbA"
     "oe5CGRGPKavgjnUnE44BSdrX7bE1UoBUFvXZng0fpJIPxdyRThQkFox7gUA="},
};

}  // namespace

TEST_CASE("a tar archive becomes a bundle that runs", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  const Path archive = bundling.file("system.tar", tar_archive(small_system()));
  const Result made =
      bundling.make({archive, bundling.bundle(), "--env", "GREETING=hello", "--hostname", "kiosk", "--", "sh",
                     "-c", "echo $GREETING $(cat /proc/sys/kernel/hostname); touch /made"});
  REQUIRE_OK(made);
  CHECK(contains(made.out, "ocx run -b " + bundling.bundle().string()));
  CHECK(made.err.empty());
  CHECK(bundling.left() == Words{"box"});
  const Result result = bundling.run_it();
  REQUIRE_OK(result);
  CHECK(result.out == "hello kiosk\n");
  CHECK(fs::exists(bundling.rootfs() / "made"));
}

TEST_CASE("standard input will do, and the command is sh", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  RunOptions options;
  options.input = tar_archive(small_system());
  REQUIRE_OK(bundling.make({"-", bundling.bundle()}, options));
  CHECK(bundling.config()["process"]["args"] == json{"sh"});
  CHECK(bundling.config()["process"]["terminal"] == false);
}

TEST_CASE("compressed archives are known by their content", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  for (const auto& [what, text] : compressed) {
    INFO(what);
    const Bundling bundling;
    RunOptions options;
    options.input = text;
    REQUIRE_OK(bundling.make_from(bundling.file("archive", run({"base64", "-d"}, options).out)));
    CHECK(read_file(bundling.rootfs() / "greeting") == "hello\n");
  }
}

TEST_CASE("owners, modes, times, attributes, links and holes of an archive are kept", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  const std::string capability("\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);  // cap_net_bind_service+ep
  const std::string long_name = "long/" + std::string(250, 'n') + "/\xc3\xa4\n\xff";
  REQUIRE_OK(bundling.make_from(bundling.file(
      "kept.tar", tar_archive({{.name = "./", .type = '5', .mode = 0711},
                               {.name = "d/", .type = '5', .mode = 01750, .uid = 7, .gid = 8, .time = 123},
                               {.name = "d/f",
                                .content = "x",
                                .mode = 06755,
                                .uid = 1,
                                .gid = 2,
                                .time = 456,
                                .pax = {{"SCHILY.xattr.user.note", "kept"},
                                        {"SCHILY.xattr.security.capability", capability}}},
                               {.name = "d/same", .type = '1', .target = "./d/f"},
                               {.name = "d/link", .type = '2', .target = "/d/f", .uid = 3, .time = 789},
                               {.name = "null", .type = '3', .mode = 0666, .major = 1, .minor = 3},
                               {.name = "pipe", .type = '6', .mode = 0600},
                               {.name = long_name, .content = "long"}}))));
  const Path root = bundling.rootfs();
  CHECK(stat_of(root).st_mode == (S_IFDIR | 0711));
  const struct stat directory = stat_of(root / "d"), file = stat_of(root / "d/f");
  CHECK(directory.st_mode == (S_IFDIR | 01750));
  CHECK((directory.st_uid == 7 && directory.st_gid == 8 && directory.st_mtime == 123));
  CHECK(file.st_mode == (S_IFREG | 06755));
  CHECK((file.st_uid == 1 && file.st_gid == 2 && file.st_mtime == 456 && file.st_nlink == 2));
  CHECK(stat_of(root / "d/same").st_ino == file.st_ino);
  CHECK(xattr_of(root / "d/f", "security.capability") == capability);
  if (setxattr(root.c_str(), "user.probe", "", 0, 0) == 0)
    CHECK(xattr_of(root / "d/f", "user.note") == "kept");
  CHECK((stat_of(root / "d/link").st_uid == 3 && stat_of(root / "d/link").st_mtime == 789));
  CHECK(fs::read_symlink(root / "d/link") == "/d/f");
  CHECK(stat_of(root / "null").st_rdev == makedev(1, 3));
  CHECK(S_ISFIFO(stat_of(root / "pipe").st_mode));
  CHECK(read_file(root / long_name) == "long");
}

TEST_CASE("holes of a file stay holes", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  const Path source = bundling.scratch() / "source";
  fs::create_directory(source);
  write_file(source / "holes", "begin");
  fs::resize_file(source / "holes", 64 << 20);
  REQUIRE_OK(run({"tar", "-S", "-C", source, "-cf", bundling.scratch() / "sparse.tar", "."}));
  for (const Path& from : {source, bundling.scratch() / "sparse.tar"}) {
    REQUIRE_OK(bundling.make_from(from));
    CHECK(stat_of(bundling.rootfs() / "holes").st_size == 64 << 20);
    CHECK(stat_of(bundling.rootfs() / "holes").st_blocks < 1000);
    fs::remove_all(bundling.bundle());
  }
}

TEST_CASE("a directory is copied with all it has", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  Bundle source({"/bin/sh", "-c", "true"});
  write_file(source.rootfs() / "setuid", "x", 04755);
  REQUIRE(lchown((source.rootfs() / "setuid").c_str(), 5, 6) == 0);
  REQUIRE(chmod((source.rootfs() / "setuid").c_str(), 04755) == 0);
  fs::create_hard_link(source.rootfs() / "setuid", source.rootfs() / "zweit");
  REQUIRE_OK(bundling.make({source.rootfs(), bundling.bundle(), "/bin/sh", "--", "-c", "echo copied"}));
  const struct stat copy = stat_of(bundling.rootfs() / "setuid");
  CHECK((copy.st_uid == 5 && copy.st_gid == 6 && copy.st_mode == (S_IFREG | 04755) && copy.st_nlink == 2));
  CHECK(copy.st_ino != stat_of(source.rootfs() / "setuid").st_ino);
  CHECK(stat_of(bundling.rootfs() / "zweit").st_ino == copy.st_ino);
  CHECK(copy.st_mtime == stat_of(source.rootfs() / "setuid").st_mtime);
  CHECK(bundling.run_it().out == "copied\n");
}

TEST_CASE("access control lists are left out with a warning", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  const Path source = bundling.scratch() / "source", copy = bundling.directory() / "copy";
  fs::create_directory(source);
  write_file(source / "file", "");
  // acl(5), as the kernel wants it: version 2; user::rw-, user:1000:rw-, group::---, mask::rw-, other::---
  const unsigned char list[] = {2,    0,    0,    0,    1,    0, 6, 0, 0xff, 0xff, 0xff, 0xff, 2,    0, 6, 0,
                                0xe8, 3,    0,    0,    4,    0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x10, 0, 6, 0,
                                0xff, 0xff, 0xff, 0xff, 0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
  REQUIRE(setxattr((source / "file").c_str(), "system.posix_acl_access", list, sizeof list, 0) == 0);
  const Path archive =
      bundling.file("system.tar", tar_archive({{.name = "file",
                                                .pax = {{"SCHILY.acl.access",
                                                         "user::rw-,user:web:rw-:1000,group::---,"
                                                         "mask::rw-,other::---"}}}}));
  for (const Path& from : {source, archive}) {
    const Result made = bundling.make({from, copy, "--", "true"});
    REQUIRE_OK(made);
    CHECK(contains(made.err, "system.posix_acl_access"));
    CHECK(xattr_of(copy / "rootfs/file", "system.posix_acl_access").empty());
    fs::remove_all(copy);
  }
}

TEST_CASE("a user comes from the root's passwd and group", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  const Path archive = bundling.file(
      "users.tar",
      tar_archive(small_system() +
                  std::vector<TarEntry>{
                      {.name = "etc/passwd", .content = "root:x:0:0::/:/bin/sh\nweb:x:33:34::/srv:/bin/sh\n"},
                      {.name = "etc/group", .content = "root:x:0:\nlog:x:40:web\nadm:x:41:x,web\n"}}));
  REQUIRE_OK(
      bundling.make({"--user", "web", archive, bundling.bundle(), "--", "sh", "-c", "id -u; id -g; id -G"}));
  CHECK(bundling.run_it().out == "33\n34\n34 40 41\n");
  fs::remove_all(bundling.bundle());
  CHECK(contains(error_message(bundling.make_from(archive, {"--user", "nobody"})), "/etc/passwd"));
}

TEST_CASE("an ordinary user's bundle is his own, and runs", "[bundle][rootless]") {
  NEEDS_OCX_BUNDLE();
  NEEDS_USER();
  const Bundling bundling;
  const Path archive = bundling.file(
      "system.tar", tar_archive(small_system() + std::vector<TarEntry>{
                                                     {.name = "his", .uid = 77},
                                                     {.name = "closed/", .type = '5', .mode = 0},
                                                     {.name = "closed/x"},
                                                     {.name = "null", .type = '3', .major = 1, .minor = 3}}));
  REQUIRE(lchown(bundling.directory().c_str(), user, user) == 0);
  fs::create_directory(bundling.scratch() / "run");
  REQUIRE(lchown((bundling.scratch() / "run").c_str(), user, user) == 0);
  RunOptions options;
  options.env = Words{"PATH=/usr/bin:/bin", "XDG_RUNTIME_DIR=" + (bundling.scratch() / "run").string()};
  const Result made =
      run(drop + Words{runtime_path(), "bundle", archive, bundling.bundle(), "--", "id", "-u"}, options);
  REQUIRE_OK(made);
  CHECK(contains(made.err, "only root can make devices"));
  CHECK(stat_of(bundling.rootfs() / "his").st_uid == user);
  CHECK(stat_of(bundling.rootfs() / "closed").st_mode == S_IFDIR);
  CHECK_FALSE(fs::exists(bundling.rootfs() / "null"));
  const Result result =
      run(drop + Words{runtime_path(), "run", "-b", bundling.bundle(), unique_id()}, options);
  REQUIRE_OK(result);
  CHECK(result.out == "0\n");
}

TEST_CASE("an owner that a user namespace does not map is refused, with the reason", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  const TarEntry entries[] = {{.name = "file", .uid = 77},
                              {.name = "link", .type = '2', .target = "x", .uid = 77},
                              {.name = "directory/", .type = '5', .uid = 77}};
  for (const TarEntry& entry : entries) {
    const Path archive = bundling.file("his.tar", tar_archive({entry}));
    const Result made =
        run({"unshare", "--user", "--map-root-user", runtime_path(), "bundle", archive, bundling.bundle()});
    const std::string message = error_message(made);
    INFO(message);
    CHECK(contains(message, " 77:0: invalid argument"));
    CHECK(contains(message, "does not map"));
    CHECK(bundling.left().empty());
  }
}

TEST_CASE("a bundle that is there is left alone, an empty directory is used", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  const Path archive = bundling.file("a.tar", tar_archive({{.name = "x"}}));
  fs::create_directory(bundling.bundle());
  REQUIRE_OK(bundling.make_from(archive));
  write_file(bundling.bundle() / "mine", "");
  CHECK(contains(error_message(bundling.make_from(archive)), "is not empty"));
  CHECK(fs::exists(bundling.bundle() / "mine"));
  CHECK(bundling.left() == Words{"box"});
}

TEST_CASE("a signal leaves nothing", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  for (const int number : {SIGINT, SIGTERM}) {
    const Bundling bundling;
    Pipe pipe = make_pipe();
    RunOptions options;
    options.fds[0] = pipe.read_end.get();
    Child child({runtime_path(), "bundle", "-", bundling.bundle()}, options);
    const std::string part = tar_archive(small_system()).substr(0, 60'000);
    REQUIRE(write(pipe.write_end.get(), part.data(), part.size()) == static_cast<ssize_t>(part.size()));
    while (bundling.left().empty() && !child.ended()) sched_yield();
    child.signal(number);
    CHECK(child.wait().status == 128 + number);
    CHECK(bundling.left().empty());
  }
}

TEST_CASE("without the program ocx says what to install", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  const Path alone = bundling.scratch() / "ocx";
  fs::copy_file(runtime_path(), alone);
  const Result result = run({alone, "bundle", "-", bundling.bundle()});
  CHECK(result.status == 1);
  CHECK(contains(result.err, "needs the program ocx-bundle, which is not installed"));
  CHECK(contains(result.err, "libarchive"));
}
