// step::MountRoot: a file system or bind in place of the root file system.
#include <catch2/catch.hpp>
#include <linux/mount.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>

#include "spec/overlay_options.hpp"
#include "tests/unit/runtime/test_init.hpp"

using namespace ocx;
using namespace ocx::test;
using runtime::step::Mount;
using runtime::step::MountRoot;

namespace {

// What older kernels lack: nothing, before 5.12, and before 5.2.
const std::vector<std::vector<long>> kernels{
    {},
    {SYS_mount_setattr, SYS_openat2},
    {SYS_fsopen, SYS_open_tree, SYS_move_mount, SYS_fspick, SYS_mount_setattr, SYS_openat2},
};

void write(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << text;
}

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The test's own /mnt is a tmpfs; the root's place has a file that must not be seen.
std::string on_kernel(const std::vector<long>& missing, const std::function<void(TestInit&)>& body) {
  return in_mount_namespace([&] {
    if (!missing.empty()) hide_system_calls(missing);
    TestInit init;
    write("/mnt/root/covered", "below");
    body(init);
  });
}

MountRoot over(Mount mount) {
  mount.origin = "/mounts/0";
  return {"/mnt/root", false, std::move(mount)};
}

Mount overlay(const std::vector<std::string>& directories) {
  return make_mount("overlay", "overlay", "/", directories);
}

/// What a file of the container's root holds, by the descriptor that later steps use.
std::string in_root(TestInit& init, const std::string& name) {
  return read("/proc/self/fd/" + std::to_string(init.context.root.ref().raw()) + "/" + name);
}

}  // namespace

TEST_CASE("an overlay becomes the root, found by its place and by init's descriptor") {
  for (const auto& missing : kernels)
    CHECK(on_kernel(missing, [](TestInit& init) {
            write("/mnt/image/file", "image");
            for (const char* name : {"/mnt/upper", "/mnt/work"}) fs::create_directory(name);
            init.run(over(overlay({"lowerdir=/mnt/image", "upperdir=/mnt/upper", "workdir=/mnt/work"})));
            EXPECT(mount_at("/mnt/root").type == "overlay");
            EXPECT(in_root(init, "file") == "image");
            EXPECT(!fs::exists("/mnt/root/covered"));
            init.run(make_mount("tmpfs", "tmpfs", "/made"));
            EXPECT(fs::exists("/mnt/upper/made") && !fs::exists("/mnt/image/made"));
          }) == "ok");
}

TEST_CASE("names of layers with every character that means something") {
  for (const auto& missing : kernels)
    CHECK(on_kernel(missing, [](TestInit& init) {
            const std::vector<spec::OverlayLayer> layers = {{"/mnt/a:b"}, {"/mnt/c,d"}, {R"(/mnt/e\f)"}};
            for (const auto& layer : layers) write(layer.path + "/in" + layer.path.substr(5), layer.path);
            for (const char* name : {"/mnt/u:p,1", "/mnt/w:o,1"}) fs::create_directory(name);
            init.run(over(overlay({"lowerdir=" + spec::join_overlay_layers(layers),
                                   R"(upperdir=/mnt/u\:p\,1)", R"(workdir=/mnt/w\:o\,1)"})));
            for (const auto& layer : layers) EXPECT(in_root(init, "in" + layer.path.substr(5)) == layer.path);
            write("/mnt/root/new", "new");
            EXPECT(read("/mnt/u:p,1/new") == "new");
          }) == "ok");
}

TEST_CASE("many layers, more than one value of fsconfig(2) holds") {
  for (const auto& missing : kernels)
    CHECK(on_kernel(missing, [](TestInit& init) {
            std::vector<spec::OverlayLayer> layers;
            for (int i = 0; i < 60; ++i) {
              layers.push_back({"/mnt/a-longer-name/" + std::to_string(i)});
              write(layers.back().path + "/file" + std::to_string(i), "");
              write(layers.back().path + "/top", std::to_string(i));
            }
            init.run(over(overlay({"lowerdir=" + spec::join_overlay_layers(layers)})));
            for (int i = 0; i < 60; ++i) EXPECT(fs::exists("/mnt/root/file" + std::to_string(i)));
            EXPECT(in_root(init, "top") == "0");
          }) == "ok");
}

TEST_CASE("more layers than mount(2) takes: an error, not fewer of them") {
  std::vector<spec::OverlayLayer> layers(100, {"/mnt/" + std::string(60, 'a')});
  CHECK(on_kernel(kernels[2], [&](TestInit& init) {
          const std::string error =
              init.error_of(over(overlay({"lowerdir=" + spec::join_overlay_layers(layers)})));
          EXPECT(contains(error, "mount \"overlay\" on \"/\": its options have 66"));
          EXPECT(contains(error, "argument list too long"));
        }) == "ok");
}

TEST_CASE("a layer that is not there is named, with its option") {
  CHECK(on_kernel({}, [](TestInit& init) {
          fs::create_directory("/mnt/a");
          const std::string long_name = std::string(200, 'l');
          fs::create_directory("/mnt/" + long_name);
          const std::string error = init.error_of(
              over(overlay({"lowerdir=/mnt/a:/mnt/" + long_name + ":/mnt/" + long_name + "2"})));
          EXPECT(contains(error, "invalid option \"lowerdir+=/mnt/" + long_name + "2\""));
          EXPECT(contains(error, "(/mounts/0/options/0)"));
        }) == "ok");
}

TEST_CASE("a tmpfs as root has the mode of the directory below, and with tmpcopyup its content") {
  for (const auto& missing : kernels)
    for (const bool copied : {false, true})
      CHECK(on_kernel(missing, [&](TestInit& init) {
              ::chmod("/mnt/root", 0751);
              std::vector<std::string> options = {"size=1m"};
              if (copied) options.push_back("tmpcopyup");
              init.run(over(make_mount("tmpfs", "lesson", "/", options)));
              EXPECT(mount_at("/mnt/root").source == "lesson");
              EXPECT((lstat_of("/mnt/root").st_mode & 07777) == 0751);
              EXPECT(in_root(init, "covered") == (copied ? "below" : ""));
            }) == "ok");
}

TEST_CASE("a bind as root, with its attributes") {
  for (const auto& missing : kernels)
    CHECK(on_kernel(missing, [](TestInit& init) {
            write("/mnt/image/file", "image");
            init.run(over(make_mount("", "/mnt/image", "/", {"rbind", "nosuid", "nodev"})));
            EXPECT(in_root(init, "file") == "image");
            EXPECT(mount_at("/mnt/root").has("nosuid") && mount_at("/mnt/root").has("nodev"));
          }) == "ok");
}

TEST_CASE("a file can't be bound as root, and a place that is none is named") {
  for (const auto& missing : kernels)
    CHECK(on_kernel(missing, [](TestInit& init) {
            write("/mnt/file", "");
            EXPECT(
                contains(init.error_of(over(make_mount("", "/mnt/file", "/", {"bind"}))), "not a directory"));
            MountRoot nowhere = over(make_mount("tmpfs", "tmpfs", "/"));
            nowhere.path = "/mnt/nowhere";
            EXPECT(contains(init.error_of(nowhere), "open root file system \"/mnt/nowhere\""));
            EXPECT(!mount_at("/mnt/root").found);
          }) == "ok");
}

TEST_CASE("what the parent may reach alone is copied up through it") {
  CHECK(in_mount_namespace([] {
          TestInit init;
          fs::create_directories("/mnt/closed/root");
          ::chmod("/mnt/closed", 0700);
          if (::setfsuid(1000) < 0 || ::setfsuid(1000) != 1000) throw std::runtime_error("setfsuid");
          MountRoot root = over(make_mount("tmpfs", "tmpfs", "/", {"tmpcopyup"}));
          root.path = "/mnt/closed/root";
          EXPECT(contains(init.error_of(root), "the parent was asked for /mnt/closed/root"));
        }) == "ok");
}
