#include "spec/draft.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

#include "sys/text.hpp"

namespace ocx::spec {
namespace {

/// What must not be missing, and what stands in for it. "*" is any name or index.
struct StandIn {
  std::string_view pattern, json;
};
constexpr StandIn stand_ins[] = {
    {"/ociVersion", R"("1.0.0")"},
    {"/root", R"({"path":"/"})"},
    {"/root/path", R"("/")"},
    {"/process/cwd", R"("/")"},
    {"/process/args", R"(["/"])"},
    {"/process/args/*", R"("")"},
    {"/process/user", "{\"uid\":0,\"gid\":0}"},
    {"/process/user/uid", "0"},
    {"/process/user/gid", "0"},
    {"/process/rlimits/*/soft", "0"},
    {"/process/rlimits/*/hard", "18446744073709551615"},
    {"/mounts/*/destination", R"("/mnt")"},
    {"/hooks/*/*/path", R"("/")"},
    {"/linux/devices/*/path", R"("/dev/null")"},
    {"/linux/uidMappings/*/size", "1"},
    {"/linux/gidMappings/*/size", "1"},
    {"/linux/seccomp/defaultAction", R"("SCMP_ACT_ALLOW")"},
};

std::vector<std::string> tokens_of(std::string_view pointer) {
  std::vector<std::string> tokens = sys::split(pointer, '/');
  if (!tokens.empty()) tokens.erase(tokens.begin());  // before the first slash
  return tokens;
}

bool matches(std::string_view pattern, const std::vector<std::string>& tokens) {
  const std::vector<std::string> wanted = tokens_of(pattern);
  return std::equal(wanted.begin(), wanted.end(), tokens.begin(), tokens.end(),
                    [](const std::string& want, const std::string& is) { return want == "*" || want == is; });
}

std::optional<std::string> stand_in(const std::vector<std::string>& tokens, std::string_view hint) {
  constexpr std::string_view proposal = "did you mean \"";
  if (hint.starts_with(proposal))
    return sys::json_string(hint.substr(proposal.size(), hint.rfind('"') - proposal.size()));
  for (const StandIn& row : stand_ins)
    if (matches(row.pattern, tokens)) return std::string(row.json);
  return std::nullopt;
}

}  // namespace

Draft::Draft(std::string_view document) : document_(document, duplicates_) {
  written_.reserve(document_.nodes_.size());
  for (const Node& node : document_.nodes_) written_.push_back(node.index);
}

std::uint32_t Draft::child(std::uint32_t node, std::string_view token) const {
  const auto& nodes = document_.nodes_;
  const bool object = nodes[node].type == JsonType::object;
  std::uint32_t child = nodes[node].first_child;
  while (child != none &&
         (object ? pointer_token(nodes[child].key) : std::to_string(nodes[child].index)) != token)
    child = nodes[child].next;
  return child;
}

Draft::Place Draft::find(const std::vector<std::string>& tokens) const {
  Place place{0, none};
  for (std::size_t i = 0; i < tokens.size() && place.node != none; ++i) {
    place.parent = i + 1 == tokens.size() ? place.node : none;
    place.node = child(place.node, tokens[i]);
  }
  return place;
}

void Draft::erase(std::uint32_t node) {
  auto& nodes = document_.nodes_;
  std::uint32_t* link = &nodes[nodes[node].parent].first_child;
  while (*link != node) link = &nodes[*link].next;
  *link = nodes[node].next;
  for (std::uint32_t later = nodes[node].next; later != none; later = nodes[later].next) --nodes[later].index;
}

std::uint32_t Draft::append(std::string_view json, std::uint32_t parent) {
  auto& nodes = document_.nodes_;
  const auto base = static_cast<std::uint32_t>(nodes.size());
  JsonDocument part(json);
  for (Node& node : part.nodes_) {
    for (std::uint32_t* link : {&node.parent, &node.first_child, &node.next})
      if (*link != none) *link += base;
    written_.push_back(node.index);
    nodes.push_back(std::move(node));
  }
  nodes[base].parent = parent;
  return base;
}

// The node itself stays, so that what precedes it still finds it.
void Draft::replace(std::uint32_t node, std::string_view json) {
  const std::uint32_t part = append(json, none);
  auto& nodes = document_.nodes_;
  nodes[node].type = nodes[part].type;
  nodes[node].number = nodes[part].number;
  nodes[node].text = nodes[part].text;
  nodes[node].first_child = nodes[part].first_child;
  for (std::uint32_t child = nodes[node].first_child; child != none; child = nodes[child].next)
    nodes[child].parent = node;
}

void Draft::insert(std::uint32_t object, std::string_view key, std::string_view json) {
  const std::uint32_t made = append(json, object);
  auto& nodes = document_.nodes_;
  nodes[made].key = key;
  nodes[made].next = nodes[object].first_child;
  nodes[object].first_child = made;
}

bool Draft::mend(const Place& place, const std::vector<std::string>& tokens, std::string_view hint) {
  const std::optional<std::string> json = stand_in(tokens, hint);
  if (!json || place.parent == none) return false;
  if (!aside_.insert(written("/" + sys::join(tokens, "/"))).second) return false;
  if (place.node != none)
    replace(place.node, *json);
  else if (document_.nodes_[place.parent].type == JsonType::object)
    insert(place.parent, tokens.back(), *json);
  else
    return false;
  return true;
}

bool Draft::set_aside(std::string_view pointer, std::string_view hint) {
  std::vector<std::string> tokens = tokens_of(pointer);
  for (; !tokens.empty(); tokens.pop_back()) {
    const Place place = find(tokens);
    if (mend(place, tokens, hint)) return true;
    if (place.node != none) {
      aside_.insert(written("/" + sys::join(tokens, "/")));
      erase(place.node);
      return true;
    }
    hint = {};
  }
  return false;
}

bool Draft::is_set_aside(std::string_view written) const {
  return std::any_of(aside_.begin(), aside_.end(), [&](const std::string& place) {
    return written == place || written.starts_with(place + "/");
  });
}

std::string Draft::written(std::string_view pointer) const {
  std::string result;
  std::uint32_t node = 0;
  for (const std::string& token : tokens_of(pointer)) {
    const std::uint32_t next = node == none ? none : child(node, token);
    const bool element = next != none && document_.nodes_[node].type == JsonType::array;
    result += '/' + (element ? std::to_string(written_[next]) : token);
    node = next;
  }
  return result;
}

}  // namespace ocx::spec
