#include "runtime/criu_message.hpp"

#include <climits>
#include <type_traits>

#include "runtime/protobuf.hpp"
#include "sys/error.hpp"

namespace ocx::runtime {
namespace {

using protobuf::Field;
using protobuf::Writer;

constexpr int verbose = 4;  // what criu(8) calls -v4: a log that explains a failure

void flag(Writer& out, unsigned field, bool value) {
  if (value) out.number(field, 1);
}

void text_if_any(Writer& out, unsigned field, const std::string& value) {
  if (!value.empty()) out.text(field, value);
}

template <class Value>
Writer pair(const std::string& first, const Value& second) {
  Writer out;
  out.text(1, first);
  if constexpr (std::is_same_v<Value, int>)
    out.number(2, second);
  else
    out.text(2, second);
  return out;
}

Writer cgroup_root(const std::string& controller, const std::string& path) {
  Writer out;
  text_if_any(out, 1, controller);
  out.text(2, path);
  return out;
}

void write_page_server(Writer& out, const CriuPageServer& server) {
  Writer nested;
  nested.text(1, server.address);
  nested.number(2, server.port);
  out.message(11, nested);
}

void write_settings(Writer& out, const CriuSettings& settings) {
  flag(out, 4, settings.ext_unix_sk);
  flag(out, 5, settings.tcp_established);
  flag(out, 7, settings.shell_job);
  flag(out, 8, settings.file_locks);
  if (settings.page_server) write_page_server(out, *settings.page_server);
  flag(out, 16, settings.auto_dedup);
  flag(out, 18, settings.link_remap);
  out.number(24, 1);  // with the mode below: before 3.x there were no modes
  out.number(34, static_cast<int>(settings.cgroup_mode));
  if (settings.empty_namespaces != 0) out.number(38, static_cast<std::int64_t>(settings.empty_namespaces));
  flag(out, 46, settings.tcp_skip_in_flight);
  flag(out, 48, settings.lazy_pages);
  if (settings.status_fd >= 0) out.number(49, settings.status_fd);
  flag(out, 52, settings.tcp_close);
  if (settings.network_lock) out.number(64, static_cast<int>(*settings.network_lock));
}

Writer write_options(const CriuOptions& options) {
  Writer out;
  out.number(1, options.images_fd);
  if (options.pid != 0) out.number(2, options.pid);
  flag(out, 3, options.leave_running);
  out.number(9, verbose);
  text_if_any(out, 10, options.log_file);
  out.number(12, 1);  // notifications
  text_if_any(out, 13, options.root);
  text_if_any(out, 14, options.parent_images);
  flag(out, 15, options.track_memory);
  if (options.work_fd >= 0) out.number(17, options.work_fd);
  for (const auto& [controller, path] : options.cgroup_roots) out.message(25, cgroup_root(controller, path));
  flag(out, 26, options.restore_sibling);
  for (const auto& [key, fd] : options.inherited) out.message(27, pair(key, fd));
  for (const std::string& name : options.external) out.text(37, name);
  for (const auto& [type, path] : options.join_namespaces) out.message(39, pair(type, path));
  text_if_any(out, 44, options.freeze_cgroup);
  flag(out, 50, options.orphan_terminal);
  text_if_any(out, 51, options.config_file);
  text_if_any(out, 53, options.lsm_profile);
  text_if_any(out, 63, options.lsm_mount_context);
  write_settings(out, options.settings);
  return out;
}

int to_int(const Field& field) {
  const auto value = static_cast<std::int64_t>(field.value);
  if (field.kind != Field::Kind::number || value < INT_MIN || value > INT_MAX)
    throw Error("criu: field " + std::to_string(field.number) + " of its answer is no number");
  return static_cast<int>(value);
}

std::string_view to_bytes(const Field& field) {
  if (field.kind != Field::Kind::bytes)
    throw Error("criu: field " + std::to_string(field.number) + " of its answer is no text");
  return field.bytes;
}

/// The numbers of a nested message, by field; those it lacks are 0.
std::vector<int> nested_numbers(const Field& field, unsigned highest) {
  std::vector<int> values(highest + 1, 0);
  for (const Field& inner : protobuf::parse(to_bytes(field)))
    if (inner.number <= highest && inner.kind == Field::Kind::number) values[inner.number] = to_int(inner);
  return values;
}

void parse_notification(const Field& field, CriuResponse& response) {
  for (const Field& inner : protobuf::parse(to_bytes(field))) {
    if (inner.number == 1) response.script = to_bytes(inner);
    if (inner.number == 2) response.notify_pid = to_int(inner);
  }
}

void parse_field(const Field& field, CriuResponse& response) {
  switch (field.number) {
    case 1:
      response.call = to_int(field);
      break;
    case 2:
      response.success = to_int(field) != 0;
      break;
    case 4:
      response.restored_pid = nested_numbers(field, 1)[1];
      break;
    case 5:
      parse_notification(field, response);
      break;
    case 7:
      response.error_number = to_int(field);
      break;
    case 8: {
      const std::vector<int> features = nested_numbers(field, 2);
      response.features = {features[1] != 0, features[2] != 0};
      break;
    }
    case 9:
      response.error_message = to_bytes(field);
      break;
    case 10: {
      const std::vector<int> version = nested_numbers(field, 4);
      response.version = {version[1], version[2], version[4]};
      break;
    }
    default:
      break;
  }
}

}  // namespace

std::string write_criu_request(const CriuRequest& request) {
  Writer out;
  out.number(1, static_cast<int>(request.call));
  if (request.options) out.message(2, write_options(*request.options));
  if (request.notify_success) out.number(3, *request.notify_success ? 1 : 0);
  flag(out, 4, request.keep_open);
  if (request.features) {
    Writer features;
    flag(features, 1, request.features->memory_tracking);
    flag(features, 2, request.features->lazy_pages);
    out.message(5, features);
  }
  return out.bytes();
}

CriuResponse parse_criu_response(std::string_view message) {
  CriuResponse response;
  bool has_type = false, has_success = false;
  for (const Field& field : protobuf::parse(message)) {
    has_type = has_type || field.number == 1;
    has_success = has_success || field.number == 2;
    parse_field(field, response);
  }
  if (!has_type || !has_success) throw Error("criu: its answer lacks the type or the result");
  return response;
}

}  // namespace ocx::runtime
