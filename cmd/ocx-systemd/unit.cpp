#include "cmd/ocx-systemd/unit.hpp"

#include <algorithm>
#include <cctype>
#include <functional>
#include <optional>

#include "cmd/ocx-systemd/append.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::helper {
namespace {

using cgroups::UnitProperty;
using cgroups::UnitReply;
using cgroups::UnitRequest;

constexpr const char* unit_exists = "org.freedesktop.systemd1.UnitExists";
constexpr const char* no_such_unit = "org.freedesktop.systemd1.NoSuchUnit";
constexpr const char* unit_interface = "org.freedesktop.systemd1.Unit";
constexpr int leave_ms = 10'000;

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

const char* type_interface(const std::string& unit) {
  return ends_with(unit, ".slice") ? "org.freedesktop.systemd1.Slice" : "org.freedesktop.systemd1.Scope";
}

/// "Cannot set property X, or unknown property.", "Invalid value for X": the one the text names as a word.
const UnitProperty* named_in(const std::string& text, const std::vector<UnitProperty>& properties) {
  const auto is_letter = [&](std::size_t i) {
    return i < text.size() && std::isalnum(static_cast<unsigned char>(text[i])) != 0;
  };
  for (const UnitProperty& property : properties) {
    const std::size_t at = text.find(property.name);
    if (at == std::string::npos || (at > 0 && is_letter(at - 1)) || is_letter(at + property.name.size()))
      continue;
    return &property;
  }
  return nullptr;
}

bool is_unknown_property(const BusError& error) {
  return error.name() == "org.freedesktop.DBus.Error.PropertyReadOnly" ||
         error.name() == "org.freedesktop.DBus.Error.UnknownProperty";
}

class Session {
 public:
  Session(const Bus& bus, UnitRequest request) : bus_(bus), request_(std::move(request)) {}

  UnitReply run() {
    try {
      if (request_.verb == "start")
        start();
      else if (request_.verb == "set")
        set();
      else if (request_.verb == "stop")
        stop();
      else
        throw Error("unknown request " + sys::quote(request_.verb));
      reply_.ok = true;
    } catch (const BusError& error) {
      reply_.error_name = error.name();
      reply_.error_text = error.text();
      if (const UnitProperty* property = named_in(error.text(), request_.properties))
        reply_.property = property->name;
    }
    return std::move(reply_);
  }

 private:
  void start();
  void set();
  void stop();
  std::string request_start();
  void make_way();
  void reset_failed() const;
  bool has_processes() const;
  std::string with_known_properties(const std::function<std::string()>& call);
  std::string wait_for_job(const std::string& job) const;
  void wait_until_removed() const;
  bool is_loaded() const;

  const Bus& bus_;
  UnitRequest request_;
  UnitReply reply_;
  sys::Deadline deadline_{cgroups::job_ms};
};

/// The path of an object, the only value of a reply.
std::string object_path(const Message& reply) {
  const char* path = nullptr;
  check("read a job's path", sd_bus_message_read(reply.get(), "o", &path));
  return path;
}

/// Repeats the call without what this systemd is too old for.
std::string Session::with_known_properties(const std::function<std::string()>& call) {
  for (;;) try {
      return call();
    } catch (const BusError& error) {
      const UnitProperty* property = named_in(error.text(), request_.properties);
      if (!is_unknown_property(error) || property == nullptr || !property->optional) throw;
      reply_.warnings.push_back("systemd does not know the property " + property->name);
      request_.properties.erase(request_.properties.begin() + (property - request_.properties.data()));
    }
}

std::string Session::request_start() {
  return with_known_properties([this] {
    const Message call = bus_.manager_call("StartTransientUnit");
    check("append", sd_bus_message_append(call.get(), "ss", request_.unit.c_str(), "fail"));
    append_properties(call.get(), request_.properties);
    check("append", sd_bus_message_append(call.get(), "a(sa(sv))", 0));
    return object_path(bus_.send(call, deadline_));
  });
}

void Session::start() {
  std::string job;
  try {
    job = request_start();
  } catch (const BusError& error) {
    if (error.name() != unit_exists) throw;
    make_way();
    job = request_start();
  }
  const std::string result = wait_for_job(job);
  if (result != "done") {
    reset_failed();
    throw BusError("org.freedesktop.systemd1.JobFailed", "its start job ended as " + sys::quote(result));
  }
  reply_.control_group =
      bus_.string_property(unit_path(request_.unit), type_interface(request_.unit), "ControlGroup");
}

/// A unit of that name that failed, is on its way out, or has lost its processes is none of anybody's.
void Session::make_way() {
  reset_failed();
  const std::string state = bus_.string_property(unit_path(request_.unit), unit_interface, "ActiveState");
  if (state == "active" || state == "activating" || state == "reloading") {
    if (has_processes()) throw BusError(unit_exists, "a unit of this name is active");
    stop();
    return;
  }
  wait_until_removed();
}

bool Session::has_processes() const {
  const Message call = bus_.manager_call("GetUnitProcesses");
  check("append", sd_bus_message_append(call.get(), "s", request_.unit.c_str()));
  try {
    const Message reply = bus_.send(call, deadline_);
    return check("read processes", sd_bus_message_enter_container(reply.get(), 'a', "(sus)")) > 0 &&
           sd_bus_message_at_end(reply.get(), 0) == 0;
  } catch (const BusError& error) {
    if (error.name() == no_such_unit) return false;
    throw;
  }
}

void Session::reset_failed() const {
  const Message call = bus_.manager_call("ResetFailedUnit");
  check("append", sd_bus_message_append(call.get(), "s", request_.unit.c_str()));
  try {
    bus_.send(call, deadline_);
  } catch (const BusError& error) {
    if (error.name() != no_such_unit) throw;
  }
}

/// Returns the job's result: "done", "failed", "timeout", ….
std::string Session::wait_for_job(const std::string& job) const {
  while (const Message signal = bus_.next(deadline_)) {
    if (sd_bus_message_is_signal(signal.get(), nullptr, "JobRemoved") <= 0) continue;
    const char *path = nullptr, *unit = nullptr, *result = nullptr;
    std::uint32_t number = 0;
    check("read JobRemoved", sd_bus_message_read(signal.get(), "uoss", &number, &path, &unit, &result));
    if (job == path) return result;
  }
  throw BusError("org.freedesktop.DBus.Error.Timeout",
                 "no answer within " + std::to_string(cgroups::job_ms / 1000) + " s");
}

bool Session::is_loaded() const {
  const Message call = bus_.manager_call("GetUnit");
  check("append", sd_bus_message_append(call.get(), "s", request_.unit.c_str()));
  try {
    bus_.send(call, deadline_);
    return true;
  } catch (const BusError& error) {
    if (error.name() == no_such_unit) return false;
    throw;
  }
}

/// Until systemd has forgotten the unit, so that its name is free again.
void Session::wait_until_removed() const {
  if (!is_loaded()) return;
  const sys::Deadline deadline(leave_ms);
  while (const Message signal = bus_.next(deadline)) {
    if (sd_bus_message_is_signal(signal.get(), nullptr, "UnitRemoved") <= 0) continue;
    const char *unit = nullptr, *path = nullptr;
    check("read UnitRemoved", sd_bus_message_read(signal.get(), "so", &unit, &path));
    if (request_.unit == unit) return;
  }
  throw BusError("org.freedesktop.DBus.Error.Timeout",
                 "systemd keeps the unit for more than " + std::to_string(leave_ms / 1000) + " s");
}

/// After SetUnitProperties systemd writes the cgroup's files in its own time, but before it takes the next
/// message: with the answer to one more, what ocx writes itself is written last.
void Session::set() {
  with_known_properties([this] {
    const Message call = bus_.manager_call("SetUnitProperties");
    check("append", sd_bus_message_append(call.get(), "sb", request_.unit.c_str(), 1));
    append_properties(call.get(), request_.properties);
    bus_.send(call, deadline_);
    return std::string();
  });
  is_loaded();
}

void Session::stop() {
  const Message call = bus_.manager_call("StopUnit");
  check("append", sd_bus_message_append(call.get(), "ss", request_.unit.c_str(), "replace"));
  try {
    wait_for_job(object_path(bus_.send(call, deadline_)));
  } catch (const BusError& error) {
    if (error.name() == no_such_unit) return;
    throw;
  }
  reset_failed();
  wait_until_removed();
}

}  // namespace

UnitReply serve(const Bus& bus, UnitRequest request) {
  return Session(bus, std::move(request)).run();
}

}  // namespace ocx::helper
