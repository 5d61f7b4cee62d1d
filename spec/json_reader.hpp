// JSON as config.json needs it read: nothing is lost or guessed. Names are unique, integers are exact, `null`
// is an absent property, and every complaint carries the JSON pointer (RFC 6901) of the value it is about.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sys/error.hpp"

namespace ocx::spec {

enum class JsonType : std::uint8_t {
  null,
  boolean,
  unsigned_integer,
  negative_integer,
  real,
  string,
  array,
  object
};

/// `key` as a reference token of a JSON pointer: ~ and / escaped; control characters too, and cut when very
/// long, because pointers end up in one-line messages.
std::string pointer_token(std::string_view key);

class Json;

/// A parsed document: a flat list of nodes that its cursors (Json) point into, so it must outlive them.
class JsonDocument {
 public:
  /// Throws Error (invalid_config) with line and column for syntax errors and invalid UTF-8, with a JSON
  /// pointer for duplicate names and nesting deeper than 256.
  explicit JsonDocument(std::string_view text);
  Json root() const;
  /// Goes on after a name that occurs twice, and appends an error for each to `duplicates`; the first is
  /// read.
  JsonDocument(std::string_view text, std::vector<Error>& duplicates);

 private:
  friend class Json;
  friend class Draft;
  friend class JsonBuilder;
  static constexpr std::uint32_t none = 0xffffffff;

  struct Node {
    JsonType type = JsonType::null;
    std::uint32_t parent = none, first_child = none, next = none;
    std::uint32_t index = 0;   // in the parent's list
    std::uint64_t number = 0;  // boolean, or two's complement of the integer
    std::string key;           // when a member of an object
    std::string text;          // string, or a real as written
  };

  void build(std::string_view text, std::vector<Error>* duplicates);
  std::string pointer(std::uint32_t node) const;

  std::vector<Node> nodes_;
};

/// A cursor: one value of a document, or the place where one is missing.
class Json {
 public:
  /// True unless missing or `null`.
  bool present() const { return node_ != JsonDocument::none && type() != JsonType::null; }
  JsonType type() const { return document_->nodes_[node_].type; }
  std::string pointer() const;
  /// This value's name in its object.
  const std::string& key() const { return document_->nodes_[node_].key; }

  /// An invalid_config error with this value's pointer as origin, to be thrown.
  Error error(std::string message) const;

  /// The member of that name, possibly not present. Throws when this is not an object.
  Json operator[](std::string_view name) const;
  /// The member of that name; throws `"name" is required` when it is not present.
  Json need(std::string_view name) const;

  /// The elements of an array, the members of an object: nothing when not present, an error when of another
  /// type.
  std::vector<Json> elements() const;
  std::vector<Json> members() const;

  /// Strict reads: anything but a value of the type and in its range is an error.
  bool boolean() const;
  const std::string& string() const;
  std::int64_t integer(std::int64_t low, std::int64_t high) const;
  std::uint64_t unsigned_integer(std::uint64_t high) const;

  template <class T>
  T get() const {
    if constexpr (std::same_as<T, bool>) {
      return boolean();
    } else if constexpr (std::same_as<T, std::string>) {
      return string();
    } else if constexpr (std::unsigned_integral<T>) {
      return static_cast<T>(unsigned_integer(std::numeric_limits<T>::max()));
    } else {
      static_assert(std::signed_integral<T>);
      return static_cast<T>(integer(std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
    }
  }

  /// Reads that leave the target alone when the value is not present.
  template <class T>
  void read(T& target) const {
    if (present()) target = get<T>();
  }
  template <class T>
  void read(std::optional<T>& target) const {
    if (present()) target = get<T>();
  }
  template <class T>
  void read(std::vector<T>& target) const {
    const std::vector<Json> list = elements();
    target.reserve(list.size());
    for (const Json& element : list) target.push_back(element.get<T>());
  }
  void read(std::map<std::string, std::string>& target) const {
    for (const Json& member : members()) target.emplace(member.key(), member.string());
  }

 private:
  friend class JsonDocument;
  Json(const JsonDocument& document, std::uint32_t node) : document_(&document), node_(node) {}

  void expect(JsonType wanted) const;
  Error wrong_type(std::string_view wanted) const;
  Error not_an_integer(std::string_view range) const;
  std::vector<Json> children() const;

  const JsonDocument* document_;
  std::uint32_t node_;
  std::uint32_t parent_ = JsonDocument::none;  // with name_: where a missing value would be
  std::string_view name_;
};

}  // namespace ocx::spec
