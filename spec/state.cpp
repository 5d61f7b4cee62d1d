#include "spec/state.hpp"

#include <string_view>
#include <vector>

#include "spec/version.hpp"
#include "sys/text.hpp"

namespace ocx::spec {
namespace {

/// The members of one object, written by hand: `state` is called so often that no JSON library is worth its
/// start-up.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string_view indent) : indent_(indent) {}

  void string(std::string_view key, std::string_view value) { raw(key, sys::json_string(value)); }
  void raw(std::string_view key, std::string_view value) {
    if (!members_.empty()) members_ += indent_.empty() ? "," : ",\n";
    members_.append(indent_).append(sys::json_string(key)).append(indent_.empty() ? ":" : ": ").append(value);
  }
  /// `outer` is the indentation of the line the object begins on.
  std::string finish(std::string_view outer) const {
    if (members_.empty()) return "{}";
    if (indent_.empty()) return "{" + members_ + "}";
    return "{\n" + members_ + "\n" + std::string(outer) + "}";
  }

 private:
  std::string indent_, members_;
};

std::string annotations_object(const State& state, std::string_view indent, std::string_view outer) {
  ObjectWriter object(indent);
  for (const auto& [key, value] : state.annotations) object.string(key, value);
  return object.finish(outer);
}

/// runtime.md: pid is REQUIRED while created or running; "paused" is a running container, a creating one may
/// have a pid already.
bool has_pid(const State& state) {
  return state.status != Status::stopped && state.pid > 0;
}

std::string full_object(const State& state, const std::string& indent) {
  ObjectWriter object(indent);
  object.string("ociVersion", oci_version_max);
  object.string("id", state.id);
  object.raw("pid", has_pid(state) ? std::to_string(state.pid) : "0");
  object.string("status", status_name(state.status));
  object.string("bundle", state.bundle);
  object.string("rootfs", state.rootfs);
  object.string("created", state.created);
  if (!state.annotations.empty())
    object.raw("annotations", annotations_object(state, indent + indent, indent));
  object.string("owner", state.owner);
  return object.finish("");
}

}  // namespace

const char* status_name(Status status) {
  switch (status) {
    case Status::creating:
      return "creating";
    case Status::created:
      return "created";
    case Status::running:
      return "running";
    case Status::paused:
      return "paused";
    case Status::stopped:
      return "stopped";
  }
  return "stopped";
}

std::string write_hook_state(const State& state) {
  ObjectWriter object("");
  // state-schema.json knows four statuses; paused is ours.
  const Status status = state.status == Status::paused ? Status::running : state.status;
  object.string("ociVersion", oci_version_max);
  object.string("id", state.id);
  object.string("status", status_name(status));
  if (has_pid(state)) object.raw("pid", std::to_string(state.pid));
  object.string("bundle", state.bundle);
  if (!state.annotations.empty()) object.raw("annotations", annotations_object(state, "", ""));
  return object.finish("");
}

std::string write_state(const State& state) {
  return full_object(state, "  ");
}

std::string write_state_list(const std::vector<State>& states) {
  if (states.empty()) return "null";
  std::string list;
  for (const State& state : states) list.append(list.empty() ? "[" : ",").append(full_object(state, ""));
  return list + "]";
}

}  // namespace ocx::spec
