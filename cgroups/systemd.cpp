#include "cgroups/systemd.hpp"

#include <algorithm>
#include <set>

#include "cgroups/controller.hpp"
#include "cgroups/delegation.hpp"
#include "cgroups/members.hpp"
#include "cgroups/systemd_annotation.hpp"
#include "cgroups/systemd_devices.hpp"
#include "cgroups/systemd_limits.hpp"
#include "cgroups/systemd_place.hpp"
#include "cgroups/v1.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

constexpr int removal_ms = 10'000;
const sys::FdRef here = sys::FdRef::cwd();

/// sd_booted(3).
void check_running() {
  if (sys::fstatat(here, "/run/systemd/system")) return;
  throw Error("the systemd cgroup driver needs systemd, which is not running on this machine",
              ErrorKind::unsupported)
      .hint("use --cgroup-manager cgroupfs");
}

std::vector<std::string> directories_of(const Paths& paths) {
  std::set<std::string> directories;
  for (const auto& [controller, directory] : paths) directories.insert(directory);
  return {directories.begin(), directories.end()};
}

UnitProperty flag(const char* name, bool optional = true) {
  return {name, "b", {"true"}, optional, ""};
}

UnitProperty text(const char* name, const std::string& value, bool optional) {
  return {name, "s", {value}, optional, ""};
}

}  // namespace

SystemdManager::SystemdManager(const Request& request, Hierarchies hierarchies)
    : id_(request.id),
      user_(has_user_manager()),
      hierarchies_(std::move(hierarchies)),
      annotated_(annotated_properties(request.annotations)),
      leaves_(leaves_of(request.annotations, hierarchies_.pure_v2())) {
  place_ = unit_of(request.cgroups_path, request.id, user_);
  unit_ = place_.name;
  const std::vector<Tree> trees = trees_at(hierarchies_, predicted_cgroup(place_, user_));
  files_ = open_manager(Driver::cgroupfs, paths_of(trees), removable(trees));
}

SystemdManager::SystemdManager(const Paths& paths, const std::vector<std::string>& made,
                               const std::string& unit)
    : unit_(unit),
      user_(has_user_manager()),
      files_(open_manager(Driver::cgroupfs, paths, made)),
      entered_(true) {}

void SystemdManager::create() {
  check_running();
  const std::size_t count = processes().size();
  if (count != 0)
    throw Error("container's cgroup is not empty: " + std::to_string(count) + " process(es) found in " +
                sys::quote(directories_of(paths()).front()));
  client();
}

SystemdClient& SystemdManager::client() {
  if (!client_) client_ = std::make_unique<SystemdClient>(user_);
  return *client_;
}

UnitReply SystemdManager::ask(const std::string& verb, std::vector<UnitProperty> properties) {
  return client().ask({verb, unit_, std::move(properties)});
}

std::vector<UnitProperty> SystemdManager::start_properties(int pid) const {
  std::vector<UnitProperty> result{text("Description", "ocx container " + id_, true),
                                   text("CollectMode", "inactive-or-failed", true),
                                   {"DefaultDependencies", "b", {"false"}, false, ""},
                                   flag("CPUAccounting"),
                                   flag("MemoryAccounting"),
                                   flag("TasksAccounting"),
                                   flag(hierarchies_.pure_v2() ? "IOAccounting" : "BlockIOAccounting")};
  if (place_.is_slice()) {
    result.push_back({"Wants", "as", {"1", place_.slice}, true, ""});
  } else {
    result.push_back(text("Slice", place_.slice, false));
    result.push_back(flag("Delegate", false));
    result.push_back({"PIDs", "au", {"1", std::to_string(pid)}, false, ""});
  }
  for (const UnitProperty& property : annotated_) {
    std::erase_if(result, [&](const UnitProperty& own) { return own.name == property.name; });
    result.push_back(property);
  }
  return result;
}

void SystemdManager::attach(int pid) {
  const UnitReply reply = ask("start", start_properties(pid));
  entered_ = true;
  const std::vector<Tree> trees = trees_at(
      hierarchies_, reply.control_group.empty() ? predicted_cgroup(place_, user_) : reply.control_group);
  // systemd's word counts; the prediction was for the record.
  if (paths_of(trees) != paths()) files_ = open_manager(Driver::cgroupfs, paths_of(trees), removable(trees));
  enter_others(trees, pid);
  enter_subgroup(pid);
  // A slice that is frozen freezes what comes into it, and init would never run.
  if (frozen())
    throw Error("container's cgroup unexpectedly frozen: " + sys::quote(directories_of(paths()).front()));
}

/// A slice gets no processes from systemd, and v1 hierarchies it does nothing with have no directory yet.
void SystemdManager::enter_others(const std::vector<Tree>& trees, int pid) const {
  std::vector<Tree> missing;
  for (const Tree& tree : trees)
    if (!sys::fstatat(here, tree.directory)) missing.push_back(tree);
  if (place_.is_slice())
    for (const std::string& directory : directories_of(paths()))
      if (sys::fstatat(here, directory))
        sys::write_file(here, directory + "/cgroup.procs", std::to_string(pid));
  if (missing.empty()) return;
  V1Manager others(std::move(missing), user_);
  others.create();
  others.attach(pid);
}

void SystemdManager::enter_subgroup(int pid) const {
  if (leaves_.subgroup.empty()) return;
  const std::string& scope = paths().at("");
  make_subgroup(scope, leaves_);
  sys::write_file(here, place_of_init(scope, leaves_) + "/cgroup.procs", std::to_string(pid));
  hand_down_controllers(scope);
}

void SystemdManager::delegate(uid_t owner) {
  if (leaves_.subgroup.empty() && leaves_.delegated.empty()) return files_->delegate(owner);
  const std::string& scope = paths().at("");
  if (leaves_.delegated.empty()) return give_away(place_of_init(scope, leaves_), owner);
  delegate_leaf(scope, leaves_, owner);
}

Versions SystemdManager::versions() const {
  Versions result;
  for (const auto& [controller, directory] : paths())
    if (controller.empty() || controller == "unified")
      result.v2 = true;
    else
      result.v1.push_back(controller);
  return result;
}

/// "" for what is not there.
std::string SystemdManager::read_file(const std::string& file) const {
  const auto directory = find_controller(paths(), file.substr(0, file.find('.')));
  if (!directory) return "";
  return read_cgroup_file(here, directory->path + "/" + file).value_or("");
}

void SystemdManager::apply(const spec::Resources& resources) {
  const auto current = [this](const std::string& file) { return read_file(file); };
  auto properties = limit_properties(settings_of(resources, versions()), current);
  if (paths().count("devices") != 0) {
    const auto devices = device_properties(resources.devices);
    properties.insert(properties.end(), devices.begin(), devices.end());
  }
  if (!properties.empty()) ask("set", properties);
  client_.reset();
  // After systemd, which rounds.
  files_->apply(resources);
}

void SystemdManager::update(const spec::Resources& resources) {
  const auto current = [this](const std::string& file) { return read_file(file); };
  const std::vector<Setting> settings = settings_of(resources, versions());
  const std::vector<Setting> before = settings_in_force(settings, current);
  const auto properties = limit_properties(settings, current);
  // The kernel is the stricter of the two, and undoes what it has taken of a list it refuses a part of.
  files_->update(resources);
  if (properties.empty()) return;
  try {
    ask("set", properties);
  } catch (const Error&) {
    put_back(before);
    throw;
  }
  client_.reset();
  files_->update(resources);  // what systemd has rounded
}

/// Twice: one value may have to go before another can come.
void SystemdManager::put_back(const std::vector<Setting>& settings) const {
  for (int round = 0; round < 2; ++round)
    for (const Setting& setting : settings) {
      const auto directory = find_controller(paths(), setting.controller);
      if (!directory) continue;
      const std::string path = directory->path + "/" + setting.file;
      const int error_number = sys::try_write_file(here, path, setting.value);
      if (error_number != 0 && round > 0)
        sys::log_warning("put " + sys::quote(setting.value) + " back into " + sys::quote(path) + ": " +
                         errno_text(error_number) + ", ignoring");
    }
}

bool SystemdManager::exists() const {
  const std::vector<std::string> directories = directories_of(paths());
  return std::any_of(directories.begin(), directories.end(),
                     [](const std::string& directory) { return sys::fstatat(here, directory).has_value(); });
}

/// Kills what is left. False when something stays.
bool SystemdManager::wait_until_empty() const {
  const sys::Deadline deadline(removal_ms);
  const std::vector<std::string> directories = directories_of(paths());
  while (!members_of(directories).empty()) {
    files_->kill_all();
    if (!wait_for_members(directories, deadline) || deadline.passed()) return false;
  }
  return true;
}

void SystemdManager::stop_unit() {
  try {
    client();  // connects while the processes end
    if (wait_until_empty()) ask("stop");
  } catch (const Error& error) {
    sys::log_warning(std::string(error.what()) + ", ignoring");
  }
  client_.reset();
}

/// systemd ends an empty scope by itself, mostly before anybody asks for its removal; then nothing is there
/// any more. Its directory is not taken away under it: it would never notice that the scope is empty.
void SystemdManager::remove() {
  if (!entered_) return;
  if (exists()) stop_unit();
  files_->remove();
}

/// systemd takes requests as they come: it has dealt with the dead create's when it answers this one.
void SystemdManager::remove_unfinished() {
  stop_unit();
  files_->remove();
}

}  // namespace ocx::cgroups
