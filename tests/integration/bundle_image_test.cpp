// `ocx bundle` of images: OCI layouts, archives of `docker save`, and those that are damaged.
#include <sys/stat.h>

#include "tests/integration/bundling.hpp"

namespace fs = std::filesystem;
using namespace ocx::test;

namespace {

constexpr const char* config_type = "application/vnd.oci.image.config.v1+json";
constexpr const char* manifest_type = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* layer_type = "application/vnd.oci.image.layer.v1.tar";

/// An image layout, written as a test wants it.
class Layout {
 public:
  explicit Layout(const Path& directory) : directory_(directory) {
    fs::create_directories(directory / "blobs/sha256");
    write_file(directory / "oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  }
  const Path& path() const { return directory_; }
  Path blob(const json& descriptor) const {
    return directory_ / "blobs/sha256" / descriptor["digest"].get<std::string>().substr(7);
  }

  json add_blob(const char* type, const std::string& content) const {
    const json descriptor{
        {"mediaType", type}, {"digest", "sha256:" + sha256(content)}, {"size", content.size()}};
    write_file(blob(descriptor), content);
    return descriptor;
  }
  /// Returns the manifest's descriptor. `config` is the object of that name; `change` may spoil the manifest.
  json add_image(const std::vector<std::string>& layers, const json& config, const std::string& name) {
    json image{
        {"os", "linux"}, {"architecture", "amd64"}, {"config", config}, {"rootfs", {{"type", "layers"}}}};
    manifest = {{"schemaVersion", 2}, {"layers", json::array()}};
    for (const std::string& layer : layers) {
      manifest["layers"].push_back(add_blob(layer_type, layer));
      image["rootfs"]["diff_ids"].push_back("sha256:" + sha256(layer));
    }
    manifest["config"] = add_blob(config_type, image.dump());
    return add_manifest(name);
  }
  json add_manifest(const std::string& name) {
    json descriptor = add_blob(manifest_type, manifest.dump());
    descriptor["annotations"]["org.opencontainers.image.ref.name"] = name;
    index["manifests"].push_back(descriptor);
    save();
    return descriptor;
  }
  void save() const { write_file(directory_ / "index.json", index.dump()); }

  json index{{"schemaVersion", 2}, {"manifests", json::array()}};
  json manifest;

 private:
  Path directory_;
};

const json plain_config{{"Entrypoint", {"sh", "-c"}}, {"Cmd", {"echo image"}}, {"Env", {"PATH=/bin"}}};

std::vector<std::string> two_layers() {
  return {
      tar_archive(small_system() + std::vector<TarEntry>{{.name = "gone", .content = "1"},
                                                         {.name = "dir/", .type = '5', .mode = 0755},
                                                         {.name = "dir/old", .content = "1"},
                                                         {.name = "dir/sub/old", .content = "1"},
                                                         {.name = "usr/lib/", .type = '5', .mode = 0755},
                                                         {.name = "lib", .type = '2', .target = "usr/lib"},
                                                         {.name = "data/first", .content = "seed\n"},
                                                         {.name = "changed", .content = "1"}}),
      tar_archive({{.name = ".wh.gone"},
                   {.name = "dir/new", .content = "2"},
                   {.name = "dir/.wh..wh..opq"},
                   {.name = "lib/x", .content = "2"},
                   {.name = ".wh..wh.plnk", .type = '5'},
                   {.name = "changed", .content = "2"}})};
}

}  // namespace

TEST_CASE("layers and whiteouts make a root file system", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  Layout layout(bundling.scratch() / "layout");
  layout.add_image(two_layers(), plain_config, "web:1");
  REQUIRE_OK(bundling.make_from(layout.path()));
  const Path root = bundling.rootfs();
  CHECK_FALSE(fs::exists(root / "gone"));
  CHECK_FALSE(fs::exists(root / "dir/old"));
  CHECK_FALSE(fs::exists(root / "dir/sub"));
  CHECK(read_file(root / "dir/new") == "2");
  CHECK(read_file(root / "changed") == "2");
  CHECK(read_file(root / "usr/lib/x") == "2");  // lib is still the link of the first layer
  CHECK(fs::read_symlink(root / "lib") == "usr/lib");
  for (const auto& entry : fs::recursive_directory_iterator(root))
    CHECK_FALSE(contains(entry.path().filename().string(), ".wh."));
  CHECK(bundling.run_it().out == "image\n");
}

TEST_CASE("what an image says becomes config.json", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  Layout layout(bundling.scratch() / "layout");
  json config = plain_config;
  config.update({{"User", "7:8"},
                 {"WorkingDir", "/data"},
                 {"StopSignal", "SIGQUIT"},
                 {"Labels", {{"a.b", "c"}, {"org.opencontainers.image.os", "mine"}}},
                 {"ExposedPorts", {{"80/tcp", json::object()}}},
                 {"Volumes", {{"/data", json::object()}}}});
  layout.add_image(two_layers(), config, "web:1");
  REQUIRE_OK(bundling.make(
      {layout.path(), bundling.bundle(), "-e", "PATH=/bin:/x", "id -u; id -g; pwd; ls; echo $PATH"}));
  const json made = bundling.config();
  CHECK(made["annotations"]["org.opencontainers.image.stopSignal"] == "SIGQUIT");
  CHECK(made["annotations"]["org.opencontainers.image.exposedPorts"] == "80/tcp");
  CHECK(made["annotations"]["org.opencontainers.image.architecture"] == "amd64");
  CHECK(made["annotations"]["org.opencontainers.image.os"] == "mine");
  CHECK(made["annotations"]["a.b"] == "c");
  const Result result = bundling.run_it();
  REQUIRE_OK(result);
  CHECK(result.out == "7\n8\n/data\nfirst\n/bin:/x\n");
  CHECK(read_file(bundling.bundle() / "volumes/0/first") == "seed\n");
}

TEST_CASE("one image of several, by name and platform", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  Layout layout(bundling.scratch() / "layout");
  const auto layer = [](const char* text) { return tar_archive({{.name = "which", .content = text}}); };
  layout.add_image({layer("one")}, plain_config, "one");
  layout.add_image({layer("two")}, plain_config, "two");
  const Result unclear = bundling.make_from(layout.path());
  CHECK(contains(error_message(unclear), "--ref: one, two"));
  REQUIRE_OK(bundling.make_from(layout.path(), {"--ref", "two"}));
  CHECK(read_file(bundling.rootfs() / "which") == "two");
  CHECK(contains(error_message(bundling.make({layout.path(), bundling.directory() / "x", "--ref", "three"})),
                 "no image \"three\""));

  json amd = layout.index["manifests"][0], arm = layout.index["manifests"][1];
  amd["platform"] = {{"os", "linux"}, {"architecture", "amd64"}};
  arm["platform"] = {{"os", "linux"}, {"architecture", "arm64"}};
  json nested = layout.add_blob("application/vnd.oci.image.index.v1+json",
                                json{{"schemaVersion", 2}, {"manifests", {amd, arm}}}.dump());
  layout.index["manifests"] = {nested};
  layout.save();
  const Path amd_bundle = bundling.directory() / "amd";
  REQUIRE_OK(bundling.make({layout.path(), amd_bundle, "--platform", "linux/amd64"}));
  CHECK(read_file(amd_bundle / "rootfs/which") == "one");
  CHECK(contains(
      error_message(bundling.make({layout.path(), bundling.directory() / "x", "--platform", "linux/s390x"})),
      "linux/amd64, linux/arm64"));
}

TEST_CASE("a layout in an archive, and docker save", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  Layout layout(bundling.scratch() / "layout");
  layout.add_image(two_layers(), plain_config, "web:1");
  REQUIRE_OK(run({"tar", "-C", layout.path(), "-czf", bundling.scratch() / "oci.tar.gz", "."}));
  REQUIRE_OK(bundling.make_from(bundling.scratch() / "oci.tar.gz"));
  CHECK(bundling.run_it().out == "image\n");
  fs::remove_all(bundling.bundle());

  const std::string config = read_file(layout.blob(layout.manifest["config"]));
  std::vector<TarEntry> saved{{.name = sha256(config) + ".json", .content = config}};
  json names = json::array();
  for (const auto& layer : layout.manifest["layers"]) {
    names.push_back("l" + std::to_string(names.size()) + "/layer.tar");
    saved.push_back({.name = names.back(), .content = read_file(layout.blob(layer))});
  }
  const json manifest =
      json::array({{{"Config", saved[0].name}, {"RepoTags", {"web:1"}}, {"Layers", names}}});
  saved.push_back({.name = "manifest.json", .content = manifest.dump()});
  REQUIRE_OK(bundling.make_from(bundling.file("saved.tar", tar_archive(saved)), {"--ref", "web:1"}));
  CHECK(bundling.run_it().out == "image\n");
  fs::remove_all(bundling.bundle());
  saved[1].content[600] ^= 1;
  CHECK(
      contains(error_message(bundling.make_from(bundling.file("saved.tar", tar_archive(saved)))), "damaged"));
  CHECK(bundling.left().empty());
}

TEST_CASE("images that are damaged, lie, or lead elsewhere are refused", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  struct Row {
    const char* message;
    void (*spoil)(Layout& layout);
  };
  const Row rows[] = {
      {"is damaged",
       [](Layout& layout) {
         const Path blob = layout.blob(layout.manifest["layers"][1]);
         std::string content = read_file(blob);
         content[700] ^= 1;
         write_file(blob, content);
       }},
      {"bytes, and should have",
       [](Layout& layout) { fs::resize_file(layout.blob(layout.manifest["layers"][0]), 512); }},
      {"is damaged",
       [](Layout& layout) {
         const Path blob = layout.blob(layout.manifest["config"]);
         std::string content = read_file(blob);
         content[content.find("linux")] = 'L';
         write_file(blob, content);
       }},
      {"no digest",
       [](Layout& layout) {
         layout.index["manifests"][0]["digest"] = "sha256:../../../../../../etc/passwd";
       }},
      {"has no file", [](Layout& layout) { fs::remove(layout.blob(layout.manifest["layers"][1])); }},
      {"has no file",
       [](Layout& layout) {
         const Path blob = layout.blob(layout.manifest["layers"][1]);
         fs::rename(blob, layout.path().parent_path() / "elsewhere");
         fs::create_symlink(layout.path().parent_path() / "elsewhere", blob);
       }},
      {"two meanings",
       [](Layout& layout) {
         layout.index["manifests"].clear();
         layout.manifest["manifests"] = json::array();
         layout.add_manifest("x");
       }},
      {"announced as something else",
       [](Layout& layout) {
         layout.index["manifests"].clear();
         layout.manifest["mediaType"] = "application/vnd.oci.image.index.v1+json";
         layout.add_manifest("x");
       }},
      {"names 2",
       [](Layout& layout) {
         layout.index["manifests"].clear();
         layout.manifest["layers"].erase(1);
         layout.add_manifest("x");
       }},
      {"nesting",
       [](Layout& layout) { write_file(layout.path() / "index.json", std::string(1 << 20, '[')); }},
  };
  for (const Row& row : rows) {
    const Bundling bundling;
    Layout layout(bundling.scratch() / "layout");
    layout.add_image(two_layers(), plain_config, "web:1");
    row.spoil(layout);
    if (std::string_view(row.message) != "nesting") layout.save();
    const Result result = bundling.make_from(layout.path());
    INFO(result.describe());
    CHECK(result.status == 1);
    const std::string message = error_message(result);
    CHECK((contains(message, row.message) || std::string_view(row.message) == "nesting"));
    CHECK(bundling.left().empty());
  }
}

TEST_CASE("hostile layers are refused", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const std::pair<const char*, std::vector<TarEntry>> rows[] = {
      {"hides no entry", {{.name = ".wh..."}}},
      {"hides no entry", {{.name = "a/.wh.."}}},
      {"\"..\"", {{.name = "../.wh.x"}}},
      {"symbolic link of the same archive",
       {{.name = "out", .type = '2', .target = ".."}, {.name = "out/.wh.canary"}}},
      {"symbolic link of the same archive",
       {{.name = "out", .type = '2', .target = ".."}, {.name = "out/.wh..wh..opq"}}}};
  for (const auto& [message, entries] : rows) {
    const Bundling bundling;
    const Path canary = bundling.file("canary", "x");
    Layout layout(bundling.scratch() / "layout");
    layout.add_image({tar_archive(entries)}, plain_config, "x");
    const Result result = bundling.make_from(layout.path());
    INFO(result.describe());
    CHECK(contains(error_message(result), message));
    CHECK(fs::exists(canary));
    CHECK(bundling.left().empty());
  }
}

TEST_CASE("a link of a lower layer leads nowhere but into the root file system", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  const Path outside = bundling.scratch() / "outside";
  fs::create_directory(outside);
  write_file(outside / "canary", "x");
  Layout layout(bundling.scratch() / "layout");
  layout.add_image(
      {tar_archive({{.name = "out", .type = '2', .target = outside},
                    {.name = "up", .type = '2', .target = "../../../../../../.." + outside.string()}}),
       tar_archive({{.name = "out/made-it"}, {.name = "up/made-it"}, {.name = "out/.wh.canary"}})},
      plain_config, "x");
  REQUIRE_OK(bundling.make_from(layout.path()));
  CHECK(fs::exists(outside / "canary"));
  CHECK_FALSE(fs::exists(outside / "made-it"));
  CHECK(fs::exists(bundling.rootfs() / outside.relative_path() / "made-it"));
}

TEST_CASE("an overlay shares an image that is unpacked once", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  Layout layout(bundling.scratch() / "layout");
  layout.add_image(two_layers(), plain_config, "web:1");
  const Path images = bundling.scratch() / "images";
  const auto argv = [&](const char* name) {
    return Words{runtime_path(),
                 "bundle",
                 "--overlay",
                 "--images",
                 images,
                 layout.path(),
                 bundling.directory() / name};
  };
  {
    Child one(argv("one"), {}), two(argv("two"), {});
    REQUIRE_OK(one.wait());
    REQUIRE_OK(two.wait());
  }
  for (const auto& layer : layout.manifest["layers"]) fs::remove(layout.blob(layer));
  REQUIRE_OK(run(argv("three")));  // it reads no layer
  REQUIRE(std::distance(fs::directory_iterator(images), fs::directory_iterator()) == 1);
  const Path lower = fs::directory_iterator(images)->path() / "rootfs";
  CHECK(read_file(lower / "dir/new") == "2");
  for (const char* name : {"one", "two", "three"}) {
    const Path made = bundling.directory() / name;
    const json mount = json::parse(read_file(made / "config.json"))["mounts"][0];
    CHECK(mount == json{{"destination", "/"},
                        {"type", "overlay"},
                        {"source", "overlay"},
                        {"options",
                         {"lowerdir=" + lower.string(), "upperdir=" + (made / "upper").string(),
                          "workdir=" + (made / "work").string()}}});
    CHECK((fs::is_empty(made / "rootfs") && fs::is_empty(made / "upper") && fs::is_empty(made / "work")));
  }
}

TEST_CASE("an overlay on a tar archive is known by the archive's digest", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  const Path archive = bundling.file("system.tar", tar_archive(small_system()));
  const Path images = bundling.scratch() / "images";
  REQUIRE_OK(bundling.make_from(archive, {"--overlay", "--images", images}));
  const Path kept = images / ("sha256-" + sha256(read_file(archive)));
  REQUIRE(fs::exists(kept / "rootfs/bin/sh"));
  fs::remove(kept / "rootfs/bin/sh");
  REQUIRE_OK(bundling.make({"--overlay", "--images", images, archive, bundling.directory() / "second"}));
  CHECK_FALSE(fs::exists(kept / "rootfs/bin/sh"));  // not unpacked again
  CHECK(contains(error_message(bundling.make({"--images", images, archive, bundling.directory() / "third"})),
                 "--overlay"));
}
