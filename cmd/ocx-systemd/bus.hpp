// The connection to systemd: sd-bus(3), owned objects, errors as exceptions.
#pragma once

#include <systemd/sd-bus.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>

#include "sys/clock.hpp"

namespace ocx::helper {

struct BusDeleter {
  void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using BusPointer = std::unique_ptr<sd_bus, BusDeleter>;
using Message = std::unique_ptr<sd_bus_message, BusDeleter>;

/// What systemd, the bus or libsystemd said: `name` is D-Bus's, as org.freedesktop.systemd1.UnitExists.
class BusError : public std::exception {
 public:
  BusError(std::string name, std::string text) : name_(std::move(name)), text_(std::move(text)) {}
  /// Of libsystemd's result, a negative errno.
  static BusError from_result(const char* call, int result);
  const std::string& name() const { return name_; }
  const std::string& text() const { return text_; }
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string name_, text_;
};

/// Throws BusError when an sd-bus call failed; else its result.
int check(const char* call, int result);

class Bus {
 public:
  /// To the system's manager, or to that of this user. Error: it can't be reached.
  explicit Bus(bool user);

  sd_bus* get() const { return bus_.get(); }
  /// A method of org.freedesktop.systemd1.Manager.
  Message manager_call(const char* method) const;
  Message send(const Message& call, const sys::Deadline& deadline) const;
  /// The next message that is no reply, or nothing when the time is over.
  Message next(const sys::Deadline& deadline) const;
  std::string string_property(const std::string& path, const char* interface, const char* name) const;

 private:
  bool open_direct(const std::string& path);
  void subscribe() const;

  BusPointer bus_;
};

/// The object path of a unit.
std::string unit_path(const std::string& unit);

}  // namespace ocx::helper
