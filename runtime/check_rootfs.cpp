#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>

#include "runtime/check_parts.hpp"
#include "runtime/environment.hpp"
#include "runtime/executable.hpp"
#include "runtime/plan_parts.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/root_path.hpp"
#include "sys/spawn.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

constexpr std::size_t head_size = 4096;
constexpr int most_interpreters = 5;  // the kernel's own limit (BINPRM_MAX_RECURSION), roughly

/// Looks for programs inside the root file system, which nobody may be led out of.
class ProgramCheck {
 public:
  ProgramCheck(const CheckInput& in, Findings& out, sys::FdRef root) : in_(in), out_(out), root_(root) {}

  void look_for(const std::string& name, const std::string& origin) {
    const spec::Process& process = *in_.config.process;
    if (name.empty()) return;
    std::vector<std::string> places;
    if (name.find('/') != std::string::npos)
      places.push_back(sys::clean_path(name.front() == '/' ? name : process.cwd + "/" + name));
    else
      for (const std::string& directory :
           sys::split(variable(process.env, "PATH").value_or("/bin:/usr/bin"), ':'))
        places.push_back(sys::clean_path((directory.empty() ? process.cwd : directory) + "/" + name));
    look_at(name, places, origin);
  }

 private:
  void look_at(const std::string& name, const std::vector<std::string>& places, const std::string& origin) {
    std::string unusable;
    for (const std::string& place : places) {
      // What is mounted there is not here yet.
      if (in_.is_mounted_over(place)) return;
      const sys::FdResult file = sys::try_open_in_root(root_, place, O_PATH | O_CLOEXEC);
      if (!file) continue;
      const struct ::stat info = sys::fstat(file.fd);
      if (S_ISREG(info.st_mode) && (info.st_mode & 0111) != 0) return look_inside(place, origin, 0);
      unusable = sys::quote(place) + (S_ISREG(info.st_mode) ? " is not executable" : " is no file");
    }
    if (!unusable.empty())
      return out_.add(Severity::error, origin, unusable, "chmod +x, or name another program");
    out_.add(Severity::error, origin, "there is no program " + sys::quote(name) + " in the root file system",
             places.size() == 1 ? "" : "looked for in PATH of /process/env: " + path_words(places, name));
  }

  static std::string path_words(std::vector<std::string> places, const std::string& name) {
    for (std::string& place : places) place.resize(place.size() - name.size() - 1);
    return sys::join(places, ", ");
  }

  /// What the kernel will look at: the machine, and who interprets it.
  void look_inside(const std::string& path, const std::string& origin, int depth) {
    const sys::FdResult file = sys::try_open_in_root(root_, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (!file) return;
    std::string head;
    sys::read_some(file.fd, head, head_size);
    const ProgramImage image = inspect_program(head);
    if (const std::string foreign = foreign_machine(image); !foreign.empty())
      return out_.add(Severity::missing, origin, sys::quote(path) + ": " + foreign,
                      "use an image for this machine, or register an emulator (binfmt_misc)");
    if (image.kind == ProgramImage::Kind::empty || image.kind == ProgramImage::Kind::other)
      return out_.add(Severity::error, origin, sys::quote(path) + " is neither an ELF program nor a script",
                      "a script begins with #! and the path of its interpreter");
    if (image.interpreter.empty() || in_.is_mounted_over(image.interpreter) || depth == most_interpreters)
      return;
    const sys::FdResult interpreter = sys::try_open_in_root(root_, image.interpreter, O_PATH | O_CLOEXEC);
    if (!interpreter)
      return out_.add(Severity::error, origin,
                      sys::quote(path) + " needs the interpreter " + sys::quote(image.interpreter) +
                          ", which is not in the root file system",
                      image.kind == ProgramImage::Kind::elf
                          ? "it is linked against another C library: copy that, or link statically"
                          : "correct the first line of the script");
    if (image.kind == ProgramImage::Kind::script) look_inside(image.interpreter, origin, depth + 1);
  }

  const CheckInput& in_;
  Findings& out_;
  sys::FdRef root_;
};

/// Null when it is not there, which is then said.
std::optional<sys::UniqueFd> open_rootfs(const CheckInput& in, Findings& out) {
  // Another file system takes its place.
  for (const spec::Mount& mount : in.config.mounts)
    if (sys::clean_path("/" + mount.destination) == "/") return std::nullopt;
  sys::FdResult root = sys::try_openat(sys::FdRef::cwd(), in.rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root) return std::move(root.fd);
  out.add(Severity::error, "/root/path",
          "the root file system " + sys::quote(in.rootfs) + ": " + errno_text(root.error_number),
          "put the container's files there, or name another directory (relative to the bundle)");
  return std::nullopt;
}

}  // namespace

void check_rootfs(const CheckInput& in, Findings& out) {
  const std::optional<sys::UniqueFd> root = open_rootfs(in, out);
  if (!root || !in.config.process) return;
  ProgramCheck programs(in, out, *root);
  if (!in.config.process->args.empty()) programs.look_for(in.config.process->args.front(), "/process/args/0");
  const std::vector<spec::Hook>& hooks = in.config.hooks.start_container;
  for (std::size_t i = 0; i < hooks.size(); ++i)
    programs.look_for(hooks[i].path, pointer("/hooks/startContainer", i) + "/path");
}

}  // namespace ocx::runtime
