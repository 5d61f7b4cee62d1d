// What ocx and ocx-systemd say to each other, one packet each way: strings that end in a NUL. Both ends are
// ocx's own, but what arrives is checked all the same.
//
//   request  verb, unit, { name, "?" or "!", signature, count, token… } for each property
//   reply    "ok" or "error", control group, error name, error text, property, warning…
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ocx::cgroups {

/// One property of a unit as D-Bus has it: the signature, and the values in its order. An array begins with
/// the number of its elements, as with busctl(1).
struct UnitProperty {
  std::string name, signature;
  std::vector<std::string> tokens;
  bool optional = true;  // an older systemd that doesn't know it is done without
  std::string origin;    // JSON pointer; stays in ocx
  bool operator==(const UnitProperty&) const = default;
};

struct UnitRequest {
  std::string verb;  // start, set, stop
  std::string unit;
  std::vector<UnitProperty> properties;
};

struct UnitReply {
  bool ok = false;
  std::string control_group;           // after start
  std::string error_name, error_text;  // D-Bus's
  std::string property;                // the one that was refused, if it was one
  std::vector<std::string> warnings;
};

/// What a unix socket carries as one packet.
inline constexpr std::size_t largest_packet = 128U << 10U;
/// How long ocx-systemd waits for systemd with one request, and how much longer ocx waits for the reply.
inline constexpr int job_ms = 30'000, grace_ms = 5'000;

std::string encode(const UnitRequest& request);
std::string encode(const UnitReply& reply);
/// Error: the packet is malformed.
UnitRequest decode_request(std::string_view packet);
UnitReply decode_reply(std::string_view packet);

}  // namespace ocx::cgroups
