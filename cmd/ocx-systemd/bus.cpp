#include "cmd/ocx-systemd/bus.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "sys/error.hpp"

namespace ocx::helper {
namespace {

constexpr const char* service = "org.freedesktop.systemd1";
constexpr const char* manager_path = "/org/freedesktop/systemd1";
constexpr const char* manager_interface = "org.freedesktop.systemd1.Manager";
constexpr const char* system_socket = "/run/systemd/private";

std::string runtime_directory() {
  const char* value = std::getenv("XDG_RUNTIME_DIR");
  if (value != nullptr && *value == '/') return value;
  return "/run/user/" + std::to_string(::getuid());
}

std::uint64_t microseconds(const sys::Deadline& deadline) {
  // 0 would mean the library's own default.
  return static_cast<std::uint64_t>(deadline.remaining_ms()) * 1000 + 1;
}

}  // namespace

BusError BusError::from_result(const char* call, int result) {
  return {"System.Error." + std::to_string(-result), std::string(call) + ": " + errno_text(-result)};
}

int check(const char* call, int result) {
  if (result < 0) throw BusError::from_result(call, result);
  return result;
}

/// systemd listens on a socket of its own, where it takes what it takes on the bus, from its own user alone.
/// It saves the way through dbus-daemon, and is there when no bus is.
bool Bus::open_direct(const std::string& path) {
  sd_bus* bus = nullptr;
  check("sd_bus_new", sd_bus_new(&bus));
  BusPointer made(bus);
  check("sd_bus_set_address", sd_bus_set_address(bus, ("unix:path=" + path).c_str()));
  if (sd_bus_start(bus) < 0) return false;
  bus_ = std::move(made);
  return true;
}

Bus::Bus(bool user) {
  if (open_direct(user ? runtime_directory() + "/systemd/private" : system_socket)) return;
  sd_bus* bus = nullptr;
  // The library knows $DBUS_SESSION_BUS_ADDRESS and $XDG_RUNTIME_DIR/bus.
  const int result = user ? sd_bus_open_user(&bus) : sd_bus_open_system(&bus);
  bus_.reset(bus);
  check(user ? "connect to the user's bus" : "connect to the system bus", result);
  subscribe();
}

/// Nobody waits for the answers: systemd takes one message after the other.
void Bus::subscribe() const {
  for (const char* member : {"JobRemoved", "UnitRemoved"})
    check("sd_bus_match_signal_async",
          sd_bus_match_signal_async(bus_.get(), nullptr, service, manager_path, manager_interface, member,
                                    nullptr, nullptr, nullptr));
  const Message call = manager_call("Subscribe");
  check("sd_bus_send", sd_bus_send(bus_.get(), call.get(), nullptr));
}

Message Bus::manager_call(const char* method) const {
  sd_bus_message* message = nullptr;
  check(
      "sd_bus_message_new_method_call",
      sd_bus_message_new_method_call(bus_.get(), &message, service, manager_path, manager_interface, method));
  return Message(message);
}

Message Bus::send(const Message& call, const sys::Deadline& deadline) const {
  sd_bus_error error{};  // SD_BUS_ERROR_NULL is not C++
  sd_bus_message* reply = nullptr;
  const int result = sd_bus_call(bus_.get(), call.get(), microseconds(deadline), &error, &reply);
  if (result >= 0) return Message(reply);
  const BusError thrown = error.name != nullptr
                              ? BusError(error.name, error.message != nullptr ? error.message : "")
                              : BusError::from_result("sd_bus_call", result);
  sd_bus_error_free(&error);
  throw thrown;
}

Message Bus::next(const sys::Deadline& deadline) const {
  while (!deadline.passed()) {
    sd_bus_message* message = nullptr;
    const int result = check("read from systemd", sd_bus_process(bus_.get(), &message));
    if (message != nullptr) return Message(message);
    if (result == 0) check("wait for systemd", sd_bus_wait(bus_.get(), microseconds(deadline)));
  }
  return {};
}

std::string Bus::string_property(const std::string& path, const char* interface, const char* name) const {
  sd_bus_error error{};  // SD_BUS_ERROR_NULL is not C++
  char* text = nullptr;
  const int result =
      sd_bus_get_property_string(bus_.get(), service, path.c_str(), interface, name, &error, &text);
  const std::unique_ptr<char, decltype(&std::free)> owner(text, &std::free);
  sd_bus_error_free(&error);
  return result >= 0 && text != nullptr ? text : "";
}

std::string unit_path(const std::string& unit) {
  char* text = nullptr;
  check("sd_bus_path_encode", sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &text));
  const std::unique_ptr<char, decltype(&std::free)> owner(text, &std::free);
  return text;
}

}  // namespace ocx::helper
