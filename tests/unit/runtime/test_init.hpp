// An InitContext for tests of init's steps: the rootfs is /mnt/root in a mount namespace of the test's own.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "runtime/init_context.hpp"
#include "spec/mount_options.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "tests/harness/forked.hpp"

namespace ocx::test {

namespace fs = std::filesystem;

/// Options of the topmost mount at a path, as mountinfo prints them: per mount, type, source, of the
/// superblock.
struct MountInfo {
  std::string options, optional, type, source, superblock;
  bool found = false;
  bool has(const std::string& option) const {
    return ("," + options + ",").find("," + option + ",") != std::string::npos;
  }
};

inline MountInfo mount_in(const std::string& mountinfo, const std::string& path) {
  std::istringstream file(mountinfo);
  MountInfo result;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string id, parent, device, root, point, options, word, optional;
    words >> id >> parent >> device >> root >> point >> options;
    if (point != path) continue;
    while (words >> word && word != "-") optional += word + " ";
    result = {
        .options = options, .optional = optional, .type = "", .source = "", .superblock = "", .found = true};
    words >> result.type >> result.source >> result.superblock;
  }
  return result;
}

inline MountInfo mount_at(const std::string& path) {
  std::ifstream file("/proc/self/mountinfo");
  std::ostringstream text;
  text << file.rdbuf();
  return mount_in(text.str(), path);
}

class TestInit final : public runtime::InitChannel {
 public:
  TestInit() { fs::create_directories("/mnt/root"); }

  void wait_for_id_maps() override {}
  void wait_for_cgroup() override {}
  void send_console(sys::FdRef) override {}
  std::string receive_seccomp() override { return {}; }
  void send_listener(sys::FdRef) override {}
  sys::UniqueFd request_idmapped(const runtime::Origin& origin) override {
    throw Error("the parent was asked for " + origin);
  }
  sys::UniqueFd request_tree(const std::string& path, bool) override {
    requested = path;
    throw Error("the parent was asked for " + path);
  }

  /// Makes /mnt/root a mount and the context's root.
  void attach() {
    run(runtime::step::AttachRootfs{.path = "/mnt/root", .parent_private = false, .bind = true});
  }
  template <typename Step>
  void run(const Step& step) {
    runtime::execute(context, step);
  }
  /// The error a step ends with, "" when it has none.
  template <typename Step>
  std::string error_of(const Step& step) {
    try {
      runtime::execute(context, step);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  /// After the root was entered there may be no /proc: the trusted one still tells.
  MountInfo mount_at(const std::string& path) { return mount_in(proc.read("self/mountinfo"), path); }

  runtime::Plan plan;
  sys::Procfs proc = sys::Procfs::open_host();
  std::string requested;
  runtime::InitContext context = make_context();

 private:
  runtime::InitContext make_context() {
    plan.rootfs = "/mnt/root";
    return runtime::InitContext{.plan = plan,
                                .proc = proc,
                                .channel = *this,
                                .root = {},
                                .dev_null = {},
                                .empty_directory = {},
                                .directory_denied = false,
                                .executable = "",
                                .proc_self = "self"};
  }
};

inline runtime::step::Mount make_mount(const std::string& type, const std::string& source,
                                       const std::string& target,
                                       const std::vector<std::string>& options = {}) {
  runtime::step::Mount mount;
  mount.origin = "/mounts/4";
  mount.type = type;
  mount.source = source;
  mount.target = target;
  mount.options = spec::parse_mount_options(options);
  using Kind = runtime::step::Mount::Kind;
  if (mount.options.remount)
    mount.kind = Kind::remount;
  else if (mount.options.bind)
    mount.kind = Kind::bind;
  else if (type == "cgroup")
    mount.kind = Kind::cgroup;
  return mount;
}

inline struct ::stat lstat_of(const std::string& path) {
  struct ::stat info {};
  if (::lstat(path.c_str(), &info) != 0) throw std::runtime_error("lstat " + path);
  return info;
}

inline bool contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return true;
  throw std::runtime_error("\"" + text + "\" does not contain \"" + part + "\"");
}

}  // namespace ocx::test
