// A bundle in a temporary directory: config.json as `spec` would write it, and a rootfs with busybox and the
// probe.
#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ocx::test {

using json = nlohmann::json;
using Path = std::filesystem::path;

/// A directory of its own below the temporary directory, mode 0755, removed (after unmounting what lies in
/// it) at the end.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();
  const Path& path() const { return path_; }

 private:
  Path path_;
};

void write_file(const Path& path, std::string_view content, unsigned mode = 0644);
/// Empty when there is no such file.
std::string read_file(const Path& path);
/// Waits (inotify) until the file has that many complete lines, returns all it holds; fails the test on
/// timeout.
std::string wait_for_lines(const Path& path, size_t count);
inline std::string wait_for_file(const Path& path) {
  return wait_for_lines(path, 1);
}
std::vector<std::string> lines(std::string_view text);
/// Lines of /proc/self/mountinfo that hold the text.
std::vector<std::string> host_mounts_with(const std::string& text);
/// Where the lessons are: $OCX_BUNDLES, the source tree around the build directory, or a copy beside the
/// runtime.
Path lessons();
/// The static probe on the host: hooks run it by this path.
Path host_probe();

class Bundle {
 public:
  /// `args` is the payload's command line; empty: "probe pause", which waits for SIGTERM or SIGINT.
  explicit Bundle(std::vector<std::string> args = {});
  Bundle(const Bundle&) = delete;
  Bundle& operator=(const Bundle&) = delete;

  /// Written to config.json by save(), which Container calls before create and run.
  json config;
  Path path() const { return directory_.path() / "bundle"; }
  Path rootfs() const { return path() / "rootfs"; }
  /// A place beside the bundle for logs, pid files, sockets.
  Path scratch() const { return directory_.path() / "scratch"; }
  void save() const;

  json& process() { return config["process"]; }
  Bundle& args(std::vector<std::string> words);
  /// `sh -c script` with the container's busybox.
  Bundle& shell(const std::string& script);
  Bundle& capabilities(
      const std::vector<std::string>& names);  // the same in all sets but inheritable and ambient
  Bundle& add_mount(json mount);
  void remove_mount(const std::string& destination);
  json* find_mount(const std::string& destination);
  void remove_namespace(const std::string& type);
  void add_namespace(const std::string& type, const std::string& path = {});
  /// A user namespace that maps 0..65535 to 100000.., with the rootfs owned accordingly.
  void use_user_namespace();

 private:
  TempDir directory_;
};

/// The configuration every Bundle starts from.
json default_config();

}  // namespace ocx::test
