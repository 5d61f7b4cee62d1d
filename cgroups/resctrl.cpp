#include "cgroups/resctrl.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "cgroups/resctrl_schemata.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

constexpr long resctrl_magic = 0x7655821;  // RDTGROUP_SUPER_MAGIC
constexpr const char* usual_mount_point = "/sys/fs/resctrl";

const sys::FdRef here = sys::FdRef::cwd();

bool is_resctrl(const char* path) {
  const sys::FdResult directory = sys::try_openat(here, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return directory && sys::filesystem_type(directory.fd) == resctrl_magic;
}

/// info/last_cmd_status: "ok", or why the last write or mkdir was refused.
std::string kernels_words(const std::string& root) {
  std::string words = sys::read_file_if_any(here, root + "/info/last_cmd_status").value_or("");
  std::replace(words.begin(), words.end(), '\n', ' ');
  while (words.ends_with(' ')) words.pop_back();
  return words == "ok" ? "" : words;
}

[[noreturn]] void refuse(const std::string& root, const std::string& what, int error_number,
                         const std::string& origin) {
  const std::string words = kernels_words(root);
  throw Error::from_errno(what + (words.empty() ? "" : " (" + words + ")"), error_number).at(origin);
}

/// The kernel takes whole lines only.
void write_lines(const ResctrlGroups& groups, std::string text, const std::string& origin) {
  const std::string path = groups.directory + "/schemata";
  if (!text.ends_with('\n')) text += '\n';
  if (const int error = sys::try_write_file(here, path, text); error != 0) {
    text.pop_back();
    refuse(groups.root, "write " + sys::quote(text) + " to " + sys::quote(path), error, origin);
  }
}

/// Back to what a schemata file had; the kernel reads its own format.
void restore(const ResctrlGroups& groups, std::string& former) {
  if (former.empty()) return;
  const std::string text = std::exchange(former, {});
  write_lines(groups, text, "");
}

std::string read_schemata(const ResctrlGroups& groups) {
  return sys::read_file(here, groups.directory + "/schemata");
}

void remove_directory(const ResctrlDirectories& directories, const std::string& path) {
  const int error = directories.remove(path);
  if (error != 0 && error != ENOENT) throw_errno("rmdir " + sys::quote(path), error);
}

bool has_tasks(const ResctrlGroups& groups) {
  return !sys::read_file_if_any(here, groups.directory + "/tasks").value_or("").empty();
}

bool asks_for_schemata(const spec::IntelRdt& rdt) {
  return rdt.l3_cache_schema || rdt.mem_bw_schema || !rdt.schemata.empty();
}

/// Of a CLOS that others use, too: what was asked for has to be what they have.
void check_agrees(const std::optional<std::string>& asked, const std::string& found, unsigned step,
                  const std::string& directory, const char* origin) {
  if (!asked || schemata_agree(*asked, found, step)) return;
  throw Error("the schemata of the existing " + sys::quote(directory) + " differ from " + sys::quote(*asked))
      .at(origin)
      .hint("ask for what it has, or use another closID");
}

}  // namespace

ResctrlDirectories ResctrlDirectories::kernels() {
  return {[](const std::string& path) { return sys::try_mkdirat(here, path, 0755); },
          [](const std::string& path) { return sys::try_unlinkat(here, path, AT_REMOVEDIR); }};
}

std::string find_resctrl() {
  if (is_resctrl(usual_mount_point)) return usual_mount_point;
  std::string found = resctrl_mount_point(sys::read_file_if_any(here, "/proc/self/mountinfo").value_or(""));
  if (!found.empty()) return found;
  throw Error("resctrl is not mounted", ErrorKind::unsupported)
      .at("/linux/intelRdt")
      .hint(
          "mount -t resctrl resctrl /sys/fs/resctrl; the processor and the kernel need to have it (Intel "
          "RDT, "
          "AMD QoS, Arm MPAM)");
}

ResctrlSetup::ResctrlSetup(std::string root, const std::string& id, const spec::IntelRdt& rdt,
                           ResctrlDirectories directories)
    : rdt_(rdt), directories_(std::move(directories)) {
  groups_.root = std::move(root);
  const std::string clos = rdt.clos_id.value_or(id);
  groups_.directory = clos == "/" ? groups_.root : groups_.root + "/" + clos;
  exists_ = sys::fstatat(here, groups_.directory).has_value();
  groups_.made = !exists_ && !rdt.clos_id;
  if (exists_)
    inspect_existing();
  else if (rdt.clos_id && !asks_for_schemata(rdt))
    throw Error("there is no CLOS " + sys::quote(clos) + " in resctrl")
        .at("/linux/intelRdt/closID")
        .hint("make it first, or say in l3CacheSchema, memBwSchema or schemata what it should have");
  if (!rdt.enable_monitoring) return;
  groups_.monitor = groups_.directory + "/mon_groups/" + id;
  if (sys::fstatat(here, groups_.monitor))
    throw_errno("monitoring group " + sys::quote(groups_.monitor), EEXIST);
}

void ResctrlSetup::inspect_existing() {
  if (!asks_for_schemata(rdt_)) return;
  const std::string found = read_schemata(groups_);
  const unsigned step = read_bandwidth_step(groups_.root);
  check_agrees(rdt_.l3_cache_schema, found, step, groups_.directory, "/linux/intelRdt/l3CacheSchema");
  check_agrees(rdt_.mem_bw_schema, found, step, groups_.directory, "/linux/intelRdt/memBwSchema");
}

void ResctrlSetup::create() {
  if (!exists_) {
    const int error = directories_.make(groups_.directory);
    // ENOSPC: the hardware has no more classes of service.
    if (error != 0) refuse(groups_.root, "mkdir " + sys::quote(groups_.directory), error, "/linux/intelRdt");
    made_clos_ = true;
  }
  write_schemata();
  if (!groups_.monitor.empty()) make_monitor();
}

void ResctrlSetup::write_schemata() {
  if (!asks_for_schemata(rdt_)) return;
  if (exists_) former_ = read_schemata(groups_);
  if (rdt_.l3_cache_schema) write_lines(groups_, *rdt_.l3_cache_schema, "/linux/intelRdt/l3CacheSchema");
  if (rdt_.mem_bw_schema) write_lines(groups_, *rdt_.mem_bw_schema, "/linux/intelRdt/memBwSchema");
  for (std::size_t i = 0; i < rdt_.schemata.size(); ++i)
    write_lines(groups_, rdt_.schemata[i], "/linux/intelRdt/schemata/" + std::to_string(i));
}

void ResctrlSetup::make_monitor() {
  const int error = directories_.make(groups_.monitor);
  if (error != 0)
    refuse(groups_.root, "mkdir " + sys::quote(groups_.monitor), error, "/linux/intelRdt/enableMonitoring");
  made_monitor_ = true;
}

void ResctrlSetup::undo() {
  if (std::exchange(made_monitor_, false)) remove_directory(directories_, groups_.monitor);
  // One with a name of its own may have got another container's processes meanwhile.
  if (std::exchange(made_clos_, false) && (groups_.made || !has_tasks(groups_)))
    remove_directory(directories_, groups_.directory);
  restore(groups_, former_);
}

void join_resctrl(const ResctrlGroups& groups, int pid) {
  if (groups.empty()) return;
  // The control group first: a process is in monitoring groups of its own control group only.
  for (const std::string* group : {&groups.directory, &groups.monitor}) {
    if (group->empty()) continue;
    const std::string path = *group + "/tasks";
    const int error = sys::try_write_file(here, path, std::to_string(pid));
    if (error != 0)
      refuse(groups.root, "write process " + std::to_string(pid) + " to " + sys::quote(path), error,
             "/linux/intelRdt");
  }
}

void remove_resctrl(const ResctrlGroups& groups, const ResctrlDirectories& directories) {
  if (!groups.monitor.empty()) remove_directory(directories, groups.monitor);
  if (groups.made) remove_directory(directories, groups.directory);
}

ResctrlUpdate::ResctrlUpdate(const ResctrlGroups& groups, const std::optional<std::string>& l3_cache_schema,
                             const std::optional<std::string>& mem_bw_schema)
    : groups_(groups), former_(read_schemata(groups)) {
  if (l3_cache_schema) write_lines(groups_, *l3_cache_schema, "/linux/intelRdt/l3CacheSchema");
  if (!mem_bw_schema) return;
  try {
    write_lines(groups_, *mem_bw_schema, "/linux/intelRdt/memBwSchema");
  } catch (const Error&) {
    undo();
    throw;
  }
}

void ResctrlUpdate::undo() {
  try {
    restore(groups_, former_);
  } catch (const Error& error) {
    sys::log_warning(std::string("put the schemata back: ") + error.what() + ", ignoring");
  }
}

}  // namespace ocx::cgroups
