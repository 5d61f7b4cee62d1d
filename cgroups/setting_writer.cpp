#include "cgroups/setting_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "cgroups/path.hpp"
#include "cgroups/setting_errors.hpp"
#include "cgroups/subtree_control.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

const sys::FdRef here = sys::FdRef::cwd();

std::string first_word(const std::string& text) {
  return text.substr(0, text.find_first_of(" \n"));
}

/// What takes a device's line away.
std::string no_line(const std::string& file, const std::string& key) {
  if (file == "io.max") return key + " rbps=max wbps=max riops=max wiops=max";
  if (file == "rdma.max") return key + " hca_handle=max hca_object=max";
  if (file == "io.latency") return key + " target=0";
  const bool zero = file.starts_with("blkio.throttle.") || file == "net_prio.ifpriomap" ||
                    file == "blkio.weight_device" || file == "blkio.leaf_weight_device";
  return key + (zero ? " 0" : " default");
}

/// Numbers of a file that may not be there, or be gone, or hold no number.
std::optional<std::uint64_t> read_number(const std::string& path) {
  std::string text = sys::read_file_if_any(here, path).value_or("");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return sys::parse_uint(text);
}

}  // namespace

std::optional<std::string> former_value(const std::string& file, const std::string& content,
                                        const std::string& value, bool keyed) {
  const std::vector<std::string> lines = sys::split(content, '\n');
  if (keyed) {
    const std::string key = first_word(value);
    for (const std::string& line : lines)
      if (first_word(line) == key) return line;
    return no_line(file, key);
  }
  if (file == "memory.oom_control") return std::to_string(flat_value(content, "oom_kill_disable"));
  // An empty list is written as an empty line: write(2) of nothing reaches no cgroup file.
  return lines.empty() || lines.front().empty() ? "\n" : lines.front();
}

void SettingWriter::apply(const std::vector<Setting>& settings) {
  for (const Setting& setting : settings) check_usage(setting);
  const Setting* const end = settings.data() + settings.size();
  for (const Setting* first = settings.data(); first != end;) {
    const Setting* last = first + 1;
    while (last != end && !first->group.empty() && last->group == first->group) ++last;
    write_group(first, last);
    first = last;
  }
}

void SettingWriter::update(const std::vector<Setting>& settings) {
  remembering_ = true;
  former_.clear();
  try {
    apply(settings);
  } catch (...) {
    put_back();
    throw;
  }
}

/// Writes what the kernel takes, until it takes all or nothing more.
void SettingWriter::write_group(const Setting* first, const Setting* last) {
  std::vector<const Setting*> pending;
  for (; first != last; ++first) pending.push_back(first);
  while (!pending.empty()) {
    const std::size_t before = pending.size();
    std::erase_if(pending, [&](const Setting* setting) { return write(*setting); });
    if (pending.size() < before) continue;
    write(*pending.front());  // last_ is then about this one
    throw refused(*pending.front(), EINVAL);
  }
}

/// False when the kernel says EINVAL.
bool SettingWriter::write(const Setting& setting) {
  using Missing = Setting::Missing;
  const Tree* tree = tree_of(setting);
  const int error_number = write_once(setting, tree);
  if (error_number == 0 || error_number == EINVAL) return error_number == 0;
  const bool missing = error_number == ENOENT;
  if (missing && setting.missing == Missing::error)
    throw tree == nullptr ? missing_controller(setting) : missing_file(setting, tree->directory);
  if (missing && setting.missing == Missing::skip) return true;
  if (setting.missing != Missing::warn || !(missing || error_number == EOPNOTSUPP))
    throw refused(setting, error_number);
  sys::log_warning("this kernel has no " + setting.file + " (" + setting.origin + "), ignoring");
  return true;
}

/// 0 or errno; ENOENT: there is no such file, whatever was tried.
int SettingWriter::write_once(const Setting& setting, const Tree* tree) {
  if (tree == nullptr) return ENOENT;
  if (setting.in_parents)
    if (const int error_number = write_in_parents(setting, *tree); error_number != 0) return error_number;
  const int error_number = write_in(tree->directory, setting);
  if (error_number != ENOENT || !setting.v2 || setting.missing != Setting::Missing::error ||
      setting.controller.empty())
    return error_number;
  try {
    require_controller(tree->directory, setting.controller);
  } catch (Error& error) {
    throw error.at(setting.origin);
  }
  return write_in(tree->directory, setting);
}

/// Parents that others made keep what they have.
int SettingWriter::write_in_parents(const Setting& setting, const Tree& tree) {
  for (const std::string& path : made_) {
    if (path == tree.directory || !is_below(tree.directory, path)) continue;
    if (const int error_number = write_in(path, setting); error_number != 0) return error_number;
  }
  return 0;
}

Error SettingWriter::refused(const Setting& setting, int error_number) const {
  return refused_setting(setting, last_.directory, last_.file, last_.value, error_number);
}

int SettingWriter::write_in(const std::string& directory, const Setting& setting) {
  const int error_number = write_file(directory, setting.file, setting.value, setting);
  if (error_number != ENOENT || setting.other_file.empty()) return error_number;
  return write_file(directory, setting.other_file, setting.other_value, setting);
}

/// 0 or errno; ENOENT: no such file.
int SettingWriter::write_file(const std::string& directory, const std::string& file, const std::string& value,
                              const Setting& setting) {
  const std::string path = directory + "/" + file;
  std::string whole = value;
  if (setting.keep_first_word) {
    const std::optional<std::string> content = sys::read_file_if_any(here, path);
    if (!content) return ENOENT;
    whole = first_word(*content) + " " + value;
  }
  const std::size_t remembered = former_.size();
  if (remembering_) remember(path, whole, setting);
  const int error_number = sys::try_write_file(here, path, whole);
  if (error_number == 0) return 0;
  former_.resize(remembered);
  last_ = {directory, file, whole};
  return error_number;
}

void SettingWriter::remember(const std::string& path, const std::string& value, const Setting& setting) {
  const sys::FdResult file = sys::try_openat(here, path, O_RDONLY);
  if (!file) return;  // a file that can only be written has no value
  const std::string name = path.substr(path.rfind('/') + 1);
  if (auto former = former_value(name, sys::read_all(file.fd), value, setting.keyed))
    former_.push_back({path, std::move(*former)});
}

/// In reverse; what depends on another (EINVAL) after it, as in write_group().
void SettingWriter::put_back() {
  std::reverse(former_.begin(), former_.end());
  std::size_t before = former_.size() + 1;
  while (!former_.empty() && former_.size() < before) {
    before = former_.size();
    std::erase_if(former_,
                  [](const Former& item) { return sys::try_write_file(here, item.path, item.value) == 0; });
  }
  for (const Former& item : former_)
    sys::log_warning("could not put " + sys::quote(item.value) + " back into " + sys::quote(item.path) +
                     ", ignoring");
}

const Tree* SettingWriter::tree_of(const Setting& setting) const {
  for (const Tree& tree : trees_)
    if (setting.v2 ? tree.v2 : tree.has(setting.controller)) return &tree;
  return nullptr;
}

/// memory.checkBeforeUpdate: v2 kernels would kill rather than refuse.
void SettingWriter::check_usage(const Setting& setting) const {
  const Tree* tree = setting.usage_file.empty() ? nullptr : tree_of(setting);
  if (tree == nullptr) return;
  const auto usage = read_number(tree->directory + "/" + setting.usage_file);
  const auto value = sys::parse_uint(setting.value);
  if (!usage || !value || *value >= *usage) return;
  throw Error(setting.file + " " + setting.value + " is below what is in use, " + std::to_string(*usage) +
              " (" + setting.usage_file + ")")
      .at(setting.origin)
      .hint("processes would be killed; give more, or set checkBeforeUpdate to false");
}

}  // namespace ocx::cgroups
