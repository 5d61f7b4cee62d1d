#include "runtime/inherited_stdio.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "spec/descriptors.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

constexpr const char* file_name = "descriptors.json";
constexpr std::size_t file_limit = 64 * 1024;
constexpr int streams = 3;
constexpr unsigned first_pts = 136, last_pts = 143;  // pts(4)

std::string key(const char* kind, unsigned long long first, unsigned long long second) {
  char text[64];
  std::snprintf(text, sizeof text, "%s[%llx:%llx]", kind, first, second);
  return text;
}

bool is_terminal(const struct ::stat& info) {
  const unsigned number = major(info.st_rdev);
  return S_ISCHR(info.st_mode) && number >= first_pts && number <= last_pts;
}

/// The field mnt_id of proc_pid_fdinfo(5); -1 without one.
int mount_of(const sys::Procfs& proc, const std::string& fdinfo) {
  for (const std::string& line : sys::split(proc.read(fdinfo), '\n'))
    if (line.starts_with("mnt_id:\t"))
      return static_cast<int>(sys::parse_int(std::string_view(line).substr(8)).value_or(-1));
  return -1;
}

bool has_mount(const std::vector<MountEntry>& mounts, int id) {
  return std::any_of(mounts.begin(), mounts.end(), [id](const MountEntry& mount) { return mount.id == id; });
}

std::string describe(const sys::Procfs& proc, const std::string& process, int number,
                     const std::vector<MountEntry>& mounts) {
  const std::string link = process + "/fd/" + std::to_string(number);
  const std::optional<struct ::stat> info = sys::fstatat(proc.fd(), link);
  if (!info) return "";  // closed
  std::string target = sys::readlinkat(proc.fd(), link);
  if (!target.starts_with('/')) return target;
  const int mount = mount_of(proc, process + "/fdinfo/" + std::to_string(number));
  if (has_mount(mounts, mount)) return target;
  if (is_terminal(*info)) return key("tty", info->st_rdev, info->st_dev);
  return key("file", static_cast<unsigned>(mount), info->st_ino);
}

bool starts_with_any(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* word) { return text.starts_with(word); });
}

}  // namespace

std::vector<std::string> describe_stdio(const sys::Procfs& proc, int pid) {
  const std::string process = std::to_string(pid);
  const std::vector<MountEntry> mounts = parse_mount_entries(proc.read(process + "/mountinfo"));
  std::vector<std::string> stdio;
  for (int i = 0; i < streams; ++i) stdio.push_back(describe(proc, process, i, mounts));
  return stdio;
}

std::vector<std::string> stdio_externals(const std::vector<std::string>& stdio) {
  std::vector<std::string> names;
  for (const std::string& stream : stdio)
    if (starts_with_any(stream, {"file[", "tty["}) &&
        std::find(names.begin(), names.end(), stream) == names.end())
      names.push_back(stream);
  return names;
}

std::vector<std::pair<std::string, int>> inherited_stdio(const std::vector<std::string>& stdio, int first) {
  std::vector<std::pair<std::string, int>> inherited;
  for (std::size_t i = 0; i < stdio.size() && i < streams; ++i) {
    const auto same = [&](const auto& pair) { return pair.first == stdio[i]; };
    if (starts_with_any(stdio[i], {"pipe:[", "socket:[", "file[", "tty["}) &&
        std::none_of(inherited.begin(), inherited.end(), same))
      inherited.emplace_back(stdio[i], first + static_cast<int>(i));
  }
  return inherited;
}

void give_stdio(uid_t uid) {
  for (const sys::FdRef fd : {sys::standard_input, sys::standard_output, sys::standard_error}) {
    const struct ::stat info = sys::fstat(fd);
    const bool null = S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3);
    if (!null && info.st_uid != uid) sys::try_fchown_user(fd, uid);
  }
}

void save_stdio(sys::FdRef images, const std::vector<std::string>& stdio) {
  sys::replace_file(images, file_name, spec::write_descriptors(stdio), 0600);
}

std::vector<std::string> load_stdio(sys::FdRef images) {
  const sys::FdResult file =
      sys::try_openat(images, file_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (file.error_number == ENOENT) return {};
  if (!file) throw_errno(std::string("open ") + sys::quote(file_name) + " of the image", file.error_number);
  if (!S_ISREG(sys::fstat(file.fd).st_mode))
    throw Error(sys::quote(file_name) + " of the image is no regular file");
  return spec::parse_descriptors(sys::read_all(file.fd, file_limit));
}

}  // namespace ocx::runtime
