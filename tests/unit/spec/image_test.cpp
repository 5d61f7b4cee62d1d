#include "spec/image.hpp"

#include <catch2/catch.hpp>

#include "spec/archive_name.hpp"
#include "spec/digest.hpp"
#include "spec/passwd.hpp"
#include "sys/error.hpp"

using namespace ocx;
using spec::Whiteout;

namespace {

const std::string hex(64, 'a');

std::string descriptor(const std::string& type, const std::string& digest) {
  return R"({"mediaType":")" + type + R"(","digest":")" + digest + R"(","size":3})";
}

std::string manifest(const std::string& more, const std::string& digest = "sha256:" + hex) {
  return R"({"schemaVersion":2,"config":)" + descriptor("application/vnd.oci.image.config.v1+json", digest) +
         R"(,"layers":[])" + more + "}";
}

}  // namespace

TEST_CASE("names in archives", "[image]") {
  constexpr std::pair<const char*, const char*> good[] = {
      {"a", "a"},       {"./a", "a"},   {"a/", "a"},           {"a//b", "a/b"},
      {"./", ""},       {".", ""},      {"a/./b", "a/b"},      {"..a/b..", "..a/b.."},
      {"a\nb", "a\nb"}, {"...", "..."}, {"a/.../b", "a/.../b"}};
  for (const auto& [name, clean] : good) CHECK(spec::archive_name(name) == clean);
  const std::string bad[] = {"",
                             "/",
                             "/a",
                             "//a",
                             "..",
                             "../a",
                             "a/..",
                             "a/../b",
                             "./..",
                             std::string("a\0b", 3),
                             std::string(256, 'x')};
  for (const std::string& name : bad) CHECK_THROWS_AS(spec::archive_name(name), Error);
  CHECK(spec::archive_name(std::string(255, 'x')).size() == 255);
}

TEST_CASE("whiteouts", "[image]") {
  struct Row {
    const char* name;
    Whiteout::Kind kind;
    const char *directory, *hidden;
  };
  constexpr Row rows[] = {{"a/b", Whiteout::Kind::none, "", ""},
                          {".wh.a/b", Whiteout::Kind::none, "", ""},
                          {".wh.a", Whiteout::Kind::entry, "", "a"},
                          {"x/y/.wh.a", Whiteout::Kind::entry, "x/y", "a"},
                          {"x/.wh....", Whiteout::Kind::entry, "x", "..."},
                          {".wh..wh..opq", Whiteout::Kind::opaque, "", ""},
                          {"x/.wh..wh..opq", Whiteout::Kind::opaque, "x", ""},
                          {"x/.wh..wh.plnk", Whiteout::Kind::aufs, "", ""}};
  for (const Row& row : rows) {
    INFO(row.name);
    const Whiteout whiteout = spec::whiteout_of(row.name);
    CHECK(whiteout.kind == row.kind);
    CHECK(whiteout.directory == row.directory);
    CHECK(whiteout.name == row.hidden);
  }
  for (const char* bad : {".wh.", "a/.wh..", "a/.wh..."}) CHECK_THROWS_AS(spec::whiteout_of(bad), Error);
}

TEST_CASE("digests are safe as names of files", "[image]") {
  CHECK(spec::parse_digest("sha256:" + hex)->text() == "sha256:" + hex);
  CHECK(spec::parse_digest("sha512:" + hex + hex)->name() == "sha512");
  const std::string bad[] = {"",
                             hex,
                             "sha256:",
                             "sha256:../../../../etc/passwd",
                             "sha512:" + hex,
                             "md5:" + hex,
                             "sha256:" + std::string(64, 'A'),
                             "sha256:" + hex + "/",
                             "sha256:" + std::string(63, 'a') + "/"};
  for (const std::string& text : bad) CHECK_FALSE(spec::parse_digest(text));
}

TEST_CASE("platforms", "[image]") {
  CHECK(spec::platform_of("x86_64").text() == "linux/amd64");
  CHECK(spec::platform_of("aarch64").text() == "linux/arm64");
  CHECK(spec::platform_of("armv7l").text() == "linux/arm/v7");
  CHECK(spec::platform_of("riscv64").text() == "linux/riscv64");
  CHECK(spec::parse_platform("linux/arm/v7").variant == "v7");
  for (const char* bad : {"", "linux", "linux/", "/amd64", "a/b/c/d"})
    CHECK_THROWS_AS(spec::parse_platform(bad), Error);
  CHECK(spec::fits({"linux", "arm64", ""}, {"linux", "arm64", "v8"}));
  CHECK_FALSE(spec::fits({"linux", "arm", "v6"}, {"linux", "arm", "v7"}));
  CHECK_FALSE(spec::fits({"linux", "amd64", ""}, {"unknown", "unknown", ""}));
}

TEST_CASE("manifests that are two things, or lead elsewhere, are refused", "[image]") {
  CHECK(spec::parse_image_manifest(manifest("")).config.size == 3);
  const std::string bad[] = {
      manifest(R"(,"manifests":[])"),
      manifest(R"(,"mediaType":"application/vnd.oci.image.index.v1+json")"),
      manifest(R"(,"fsLayers":[])"),
      manifest("", "sha256:../../x"),
      manifest(R"(,"config":{})"),
      R"({"schemaVersion":1,"config":{},"layers":[]})",
      R"({"config":)" + descriptor("text/plain", "sha256:" + hex) + R"(,"layers":[]})",
      R"({"config":)" + descriptor("application/vnd.oci.image.config.v1+json", "sha256:" + hex) +
          R"(,"layers":[)" + descriptor("application/zip", "sha256:" + hex) + "]}",
      std::string(100'000, '['),
      "",
  };
  for (const std::string& text : bad) {
    INFO(text.substr(0, 200));
    CHECK_THROWS_AS(spec::parse_image_manifest(text), Error);
  }
  CHECK_THROWS_AS(spec::parse_image_index(R"({"manifests":[],"config":{}})"), Error);
  CHECK_THROWS_AS(spec::parse_image_index(R"({"manifests":[],"layers":[]})"), Error);
  CHECK(spec::parse_image_index(R"({"manifests":[]})").empty());
}

TEST_CASE("an image configuration, with what may be null", "[image]") {
  const spec::ImageConfig config = spec::parse_image_config(
      R"({"architecture":"arm","variant":"v7","os":"linux","config":{"User":"web:log","Env":["A=b"],"Cmd":null,
          "Entrypoint":["/bin/x"],"ExposedPorts":{"80/tcp":{},"53/udp":{}},"Volumes":{"/data":{}},"Labels":null,
          "StopSignal":"SIGQUIT","WorkingDir":"/srv"},"rootfs":{"type":"layers","diff_ids":["sha256:)" +
      hex + R"("]},"history":[]})");
  CHECK(config.platform.text() == "linux/arm/v7");
  CHECK(config.user == "web:log");
  CHECK(config.cmd.empty());
  CHECK(config.entrypoint == std::vector<std::string>{"/bin/x"});
  CHECK(config.exposed_ports == std::vector<std::string>{"53/udp", "80/tcp"});
  CHECK(config.volumes == std::vector<std::string>{"/data"});
  CHECK(config.diff_ids.size() == 1);
  CHECK_THROWS_AS(spec::parse_image_config(R"({"os":"linux"})"), Error);
  CHECK_THROWS_AS(spec::parse_image_config(R"({"rootfs":{"type":"zip"}})"), Error);
}

TEST_CASE("users of images", "[image]") {
  const char* passwd = "root:x:0:0::/:/bin/sh\nweb:x:33:34::/:/bin/sh\n12:x:99:99\nbroken\nbad:x:y:z\n";
  const char* group =
      "root:x:0:\nlog:x:40:web,x\nadm:x:41:x,web\nagain:x:40:web\nown:x:34:web\nbad:x:y:web\n";
  using Groups = std::vector<std::uint32_t>;
  struct Row {
    const char* user;
    std::uint32_t uid, gid;
    Groups groups;
  };
  const Row rows[] = {{"", 0, 0, {}},
                      {"0", 0, 0, {}},
                      {"web", 33, 34, {40, 41}},
                      {"33", 33, 34, {40, 41}},
                      {"web:", 33, 34, {40, 41}},
                      {"web:log", 33, 40, {}},
                      {"web:7", 33, 7, {}},
                      {"1000", 1000, 0, {}},
                      {"1000:1000", 1000, 1000, {}},
                      {"12", 12, 0, {}}};
  for (const Row& row : rows) {
    INFO(row.user);
    const spec::UserIds ids = spec::find_user(row.user, passwd, group);
    CHECK(ids.uid == row.uid);
    CHECK(ids.gid == row.gid);
    CHECK(ids.additional_gids == row.groups);
  }
  for (const char* bad :
       {"nobody", ":5", "bad", "4294967295", "99999999999999999999", "web:nobody", "web:4294967295"})
    CHECK_THROWS_AS(spec::find_user(bad, passwd, group), Error);
}
