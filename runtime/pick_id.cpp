#include "runtime/pick_id.hpp"

#include <algorithm>

#include "runtime/state_store.hpp"
#include "sys/random.hpp"

namespace ocx::runtime {
namespace {

bool is_id_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_+.-").find(c) != std::string_view::npos;
}

}  // namespace

std::string id_of_bundle(const std::string& bundle) {
  std::string name = bundle.substr(bundle.rfind('/') + 1);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !is_id_character(c); }, '-');
  // An id that looks like an option could not be given to any command.
  if (name.starts_with('-')) name.insert(0, "bundle");
  return name.empty() || name == "." || name == ".." ? "container" : name;
}

std::string pick_id(const Globals& globals, const std::string& bundle) {
  std::string name = id_of_bundle(bundle);
  // An explicit state root that does not exist yet is no error here: run makes it.
  Globals any_root = globals;
  any_root.explicit_root = false;
  const std::vector<std::string> taken = container_ids(any_root);
  if (!std::binary_search(taken.begin(), taken.end(), name)) return name;
  return name + "-" + sys::random_digits(6);
}

}  // namespace ocx::runtime
