#include "spec/json_reader.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

#include "sys/text.hpp"

namespace ocx::spec {
namespace {

constexpr std::size_t deepest_nesting = 256;
constexpr std::size_t longest_token = 256, longest_pointer = 1024;

Error invalid(std::string message) {
  return Error(std::move(message), ErrorKind::invalid_config);
}

// At a character boundary, so that messages stay UTF-8.
std::string_view cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0U) == 0x80U) --limit;
  return text.substr(0, limit);
}

std::string_view type_name(JsonType type) {
  switch (type) {
    case JsonType::null:
      return "null";
    case JsonType::boolean:
      return "a boolean";
    case JsonType::unsigned_integer:
    case JsonType::negative_integer:
      return "an integer";
    case JsonType::real:
      return "a number";
    case JsonType::string:
      return "a string";
    case JsonType::array:
      return "an array";
    case JsonType::object:
      return "an object";
  }
  return "";
}

std::string printable(std::string_view text) {
  std::string result;
  for (const char c : cut(text, longest_token)) result += c >= ' ' && c <= '~' ? c : '?';
  return result;
}

/// The library's reason without its prefix and without the text last read, which can be megabytes.
std::string syntax_reason(std::string_view what) {
  const std::size_t dash = what.find(" - ");
  std::string_view reason = dash == std::string_view::npos ? what : what.substr(dash + 3);
  const std::size_t last_read = reason.find("; last read:");
  const std::size_t expected = reason.rfind("; expected ");
  std::string result = printable(reason.substr(0, std::min(last_read, expected)));
  if (expected != std::string_view::npos) result += printable(reason.substr(expected));
  return result;
}

/// `position` is the number of bytes read when the error was seen, so the byte in question is the one before
/// it.
std::string line_and_column(std::string_view text, std::size_t position) {
  const std::string_view before = text.substr(0, std::min(text.size(), position > 0 ? position - 1 : 0));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t newline = before.rfind('\n');
  const std::size_t column = before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

}  // namespace

std::string pointer_token(std::string_view key) {
  static constexpr char hex[] = "0123456789abcdef";
  std::string token;
  for (const char c : cut(key, longest_token)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '~') {
      token += "~0";
    } else if (c == '/') {
      token += "~1";
    } else if (byte < 0x20 || byte == 0x7f) {
      token += std::string("\\u00") + hex[byte >> 4U] + hex[byte & 15U];
    } else {
      token += c;
    }
  }
  if (key.size() > longest_token) token += "...";
  return token;
}

/// Receives the parser's events and appends nodes. The first event is the document's root, node 0.
class JsonBuilder {
 public:
  using number_integer_t = std::int64_t;
  using number_unsigned_t = std::uint64_t;
  using number_float_t = double;
  using string_t = std::string;
  using binary_t = nlohmann::json::binary_t;

  /// `duplicates` null: a name that occurs twice is an error.
  JsonBuilder(JsonDocument& document, std::string_view text, std::vector<Error>* duplicates)
      : document_(document), text_(text), duplicates_(duplicates) {}

  bool null() { return add(JsonType::null), true; }
  bool boolean(bool value) { return add(JsonType::boolean).number = value ? 1 : 0, true; }
  bool number_unsigned(number_unsigned_t value) {
    return add(JsonType::unsigned_integer).number = value, true;
  }
  bool number_integer(number_integer_t value) {
    const JsonType type = value < 0 ? JsonType::negative_integer : JsonType::unsigned_integer;
    return add(type).number = static_cast<std::uint64_t>(value), true;
  }
  bool number_float(number_float_t, const string_t& written) {
    return add(JsonType::real).text = written, true;
  }
  bool string(string_t& value) { return add(JsonType::string).text = std::move(value), true; }
  static bool binary(binary_t&) { return false; }

  bool start_object(std::size_t) { return open(JsonType::object); }
  bool start_array(std::size_t) { return open(JsonType::array); }
  bool key(string_t& name) { return key_ = std::move(name), true; }
  bool end_object() {
    refuse_duplicates(open_.back().node);
    return open_.pop_back(), true;
  }
  bool end_array() { return open_.pop_back(), true; }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& error) {
    throw invalid("invalid JSON at " + line_and_column(text_, position) + ": " + syntax_reason(error.what()));
  }

 private:
  struct Open {
    std::uint32_t node, last_child, children;
  };

  JsonDocument::Node& add(JsonType type) {
    auto& nodes = document_.nodes_;
    const auto id = static_cast<std::uint32_t>(nodes.size());
    JsonDocument::Node& node = nodes.emplace_back();
    node.type = type;
    if (!open_.empty()) {
      Open& parent = open_.back();
      node.parent = parent.node;
      node.index = parent.children++;
      node.key = std::move(key_);
      key_.clear();
      (parent.last_child == JsonDocument::none ? nodes[parent.node].first_child
                                               : nodes[parent.last_child].next) = id;
      parent.last_child = id;
    }
    return node;
  }

  bool open(JsonType type) {
    add(type);
    const auto id = static_cast<std::uint32_t>(document_.nodes_.size() - 1);
    if (open_.size() >= deepest_nesting)
      throw invalid("nested deeper than " + std::to_string(deepest_nesting) + " levels")
          .at(document_.pointer(id));
    open_.push_back({id, JsonDocument::none, 0});
    return true;
  }

  // runtime-spec, "Configuration": RFC 8259 names are to be unique; keeping one of two would be a guess.
  void refuse_duplicates(std::uint32_t object) const {
    const auto& nodes = document_.nodes_;
    std::vector<std::uint32_t> members;
    for (std::uint32_t id = nodes[object].first_child; id != JsonDocument::none; id = nodes[id].next)
      members.push_back(id);
    std::sort(members.begin(), members.end(),
              [&](std::uint32_t a, std::uint32_t b) { return nodes[a].key < nodes[b].key; });
    const auto same = [&](std::uint32_t a, std::uint32_t b) { return nodes[a].key == nodes[b].key; };
    auto twice = std::adjacent_find(members.begin(), members.end(), same);
    for (; twice != members.end(); twice = std::adjacent_find(twice + 1, members.end(), same)) {
      Error error = invalid("name " + sys::quote(nodes[*twice].key) + " occurs twice in one object")
                        .at(document_.pointer(*twice))
                        .hint("remove one of the two");
      if (duplicates_ == nullptr) throw error;
      duplicates_->push_back(std::move(error));
    }
  }

  JsonDocument& document_;
  std::string_view text_;
  std::vector<Error>* duplicates_;
  std::vector<Open> open_;
  std::string key_;
};

void JsonDocument::build(std::string_view text, std::vector<Error>* duplicates) {
  if (text.size() >= none) throw invalid("the document is larger than 4 GiB");
  // The library takes a NUL for the end and would accept whatever follows.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos)
    throw invalid("invalid JSON at " + line_and_column(text, nul + 1) + ": NUL byte");
  nodes_.reserve(text.size() / 32 + 1);
  JsonBuilder builder(*this, text, duplicates);
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
}

JsonDocument::JsonDocument(std::string_view text) {
  build(text, nullptr);
}

JsonDocument::JsonDocument(std::string_view text, std::vector<Error>& duplicates) {
  build(text, &duplicates);
}

Json JsonDocument::root() const {
  return {*this, 0};
}

std::string JsonDocument::pointer(std::uint32_t node) const {
  std::vector<std::uint32_t> path;
  for (; nodes_[node].parent != none; node = nodes_[node].parent) path.push_back(node);
  std::string result;
  for (auto id = path.rbegin(); id != path.rend(); ++id) {
    const bool member = nodes_[nodes_[*id].parent].type == JsonType::object;
    result += '/' + (member ? pointer_token(nodes_[*id].key) : std::to_string(nodes_[*id].index));
    if (result.size() > longest_pointer) return result + "/...";
  }
  return result;
}

std::string Json::pointer() const {
  if (node_ != JsonDocument::none) return document_->pointer(node_);
  return document_->pointer(parent_) + '/' + pointer_token(name_);
}

Error Json::error(std::string message) const {
  return invalid(std::move(message)).at(pointer());
}

Error Json::wrong_type(std::string_view wanted) const {
  return error("expected " + std::string(wanted) + ", got " + std::string(type_name(type())));
}

void Json::expect(JsonType wanted) const {
  if (type() != wanted) throw wrong_type(type_name(wanted));
}

Json Json::operator[](std::string_view name) const {
  expect(JsonType::object);
  const auto& nodes = document_->nodes_;
  std::uint32_t id = nodes[node_].first_child;
  while (id != JsonDocument::none && nodes[id].key != name) id = nodes[id].next;
  Json member(*document_, id);
  member.parent_ = node_;
  member.name_ = name;
  return member;
}

Json Json::need(std::string_view name) const {
  Json member = (*this)[name];
  if (!member.present()) throw member.error('"' + std::string(name) + "\" is required");
  return member;
}

std::vector<Json> Json::children() const {
  std::vector<Json> result;
  const auto& nodes = document_->nodes_;
  for (std::uint32_t id = nodes[node_].first_child; id != JsonDocument::none; id = nodes[id].next)
    result.push_back(Json(*document_, id));
  return result;
}

std::vector<Json> Json::elements() const {
  if (!present()) return {};
  expect(JsonType::array);
  return children();
}

std::vector<Json> Json::members() const {
  if (!present()) return {};
  expect(JsonType::object);
  std::vector<Json> result = children();
  for (const Json& member : result)
    if (member.key().find('\0') != std::string::npos) throw member.error("the name contains a NUL byte");
  return result;
}

bool Json::boolean() const {
  expect(JsonType::boolean);
  return document_->nodes_[node_].number != 0;
}

// The kernel takes C strings, which would end at a NUL: what was checked would not be what is used.
const std::string& Json::string() const {
  expect(JsonType::string);
  const std::string& text = document_->nodes_[node_].text;
  if (text.find('\0') != std::string::npos) throw error("the string contains a NUL byte");
  return text;
}

Error Json::not_an_integer(std::string_view range) const {
  const JsonDocument::Node& node = document_->nodes_[node_];
  if (node.type == JsonType::real && node.text.find_first_of(".eE") != std::string::npos)
    return error("expected an integer, got " + printable(node.text));
  std::string value;
  switch (node.type) {
    case JsonType::real:
      value = printable(node.text);
      break;
    case JsonType::unsigned_integer:
      value = std::to_string(node.number);
      break;
    case JsonType::negative_integer:
      value = std::to_string(static_cast<std::int64_t>(node.number));
      break;
    default:
      return wrong_type("an integer");
  }
  return error(value + " is out of range " + std::string(range));
}

std::int64_t Json::integer(std::int64_t low, std::int64_t high) const {
  const JsonDocument::Node& node = document_->nodes_[node_];
  const auto value = static_cast<std::int64_t>(node.number);
  const bool fits =
      node.type == JsonType::negative_integer || (node.type == JsonType::unsigned_integer && value >= 0);
  if (!fits || value < low || value > high)
    throw not_an_integer(std::to_string(low) + ".." + std::to_string(high));
  return value;
}

std::uint64_t Json::unsigned_integer(std::uint64_t high) const {
  const JsonDocument::Node& node = document_->nodes_[node_];
  if (node.type != JsonType::unsigned_integer || node.number > high)
    throw not_an_integer("0.." + std::to_string(high));
  return node.number;
}

}  // namespace ocx::spec
