#include "cgroups/systemd_request.hpp"

#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

void put(std::string& packet, std::string_view token) {
  packet.append(token).append(1, '\0');
}

/// Takes one string after another.
class Tokens {
 public:
  explicit Tokens(std::string_view packet) : rest_(packet) {}
  bool empty() const { return rest_.empty(); }
  std::string take() {
    const std::size_t end = rest_.find('\0');
    if (end == std::string_view::npos) throw Error("a message to or from ocx-systemd is cut short");
    std::string token(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return token;
  }
  std::string take_one_of(std::string_view a, std::string_view b) {
    std::string token = take();
    if (token != a && token != b)
      throw Error("a message to or from ocx-systemd is malformed at " + sys::quote(token));
    return token;
  }
  std::size_t take_count() {
    const std::string token = take();
    const auto count = sys::parse_uint(token);
    if (!count || *count > largest_packet)
      throw Error("a message to or from ocx-systemd is malformed at " + sys::quote(token));
    return static_cast<std::size_t>(*count);
  }

 private:
  std::string_view rest_;
};

UnitProperty take_property(Tokens& tokens) {
  UnitProperty property;
  property.name = tokens.take();
  property.optional = tokens.take_one_of("?", "!") == "?";
  property.signature = tokens.take();
  for (std::size_t left = tokens.take_count(); left > 0; --left) property.tokens.push_back(tokens.take());
  return property;
}

}  // namespace

std::string encode(const UnitRequest& request) {
  std::string packet;
  put(packet, request.verb);
  put(packet, request.unit);
  for (const UnitProperty& property : request.properties) {
    put(packet, property.name);
    put(packet, property.optional ? "?" : "!");
    put(packet, property.signature);
    put(packet, std::to_string(property.tokens.size()));
    for (const std::string& token : property.tokens) put(packet, token);
  }
  return packet;
}

std::string encode(const UnitReply& reply) {
  std::string packet;
  put(packet, reply.ok ? "ok" : "error");
  for (const std::string* text :
       {&reply.control_group, &reply.error_name, &reply.error_text, &reply.property})
    put(packet, *text);
  for (const std::string& warning : reply.warnings) put(packet, warning);
  return packet;
}

UnitRequest decode_request(std::string_view packet) {
  Tokens tokens(packet);
  UnitRequest request;
  request.verb = tokens.take();
  request.unit = tokens.take();
  while (!tokens.empty()) request.properties.push_back(take_property(tokens));
  return request;
}

UnitReply decode_reply(std::string_view packet) {
  Tokens tokens(packet);
  UnitReply reply;
  reply.ok = tokens.take_one_of("ok", "error") == "ok";
  for (std::string* text : {&reply.control_group, &reply.error_name, &reply.error_text, &reply.property})
    *text = tokens.take();
  while (!tokens.empty()) reply.warnings.push_back(tokens.take());
  return reply;
}

}  // namespace ocx::cgroups
