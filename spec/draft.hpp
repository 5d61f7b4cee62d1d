// A configuration that is read in spite of its mistakes: what an error is about is set aside, so that the
// next one shows. The parser, the validator and the planner, which stop at the first, need to know nothing of
// it.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "spec/config.hpp"
#include "spec/json_reader.hpp"
#include "spec/parse.hpp"

namespace ocx::spec {

class Draft {
 public:
  /// Syntax errors throw; they leave nothing to read. Names that occur twice are in duplicates().
  explicit Draft(std::string_view document);
  const std::vector<Error>& duplicates() const { return duplicates_; }

  /// As parse_config(): what is left of the document.
  Config parse(Warnings& warnings) const { return parse_config(document_, warnings); }

  /// Takes the value at that JSON pointer out. What can't be missing is replaced: by what the hint of the
  /// error proposes (`did you mean "x"?`), else by something harmless. The same place a second time takes
  /// what is around it. False when nothing can be taken out.
  bool set_aside(std::string_view pointer, std::string_view hint);

  /// The pointer, of what is left, as it was in the document: what was taken out of arrays is counted.
  std::string written(std::string_view pointer) const;
  /// set_aside() has put something there (a place as written), or above it, or has taken it away: what is
  /// wrong with that is no mistake of the document's.
  bool is_set_aside(std::string_view written) const;

 private:
  using Node = JsonDocument::Node;
  static constexpr std::uint32_t none = JsonDocument::none;

  /// A node, or none; with its parent, when that is there.
  struct Place {
    std::uint32_t node = none, parent = none;
  };
  std::uint32_t child(std::uint32_t node, std::string_view token) const;
  Place find(const std::vector<std::string>& tokens) const;
  void erase(std::uint32_t node);
  void replace(std::uint32_t node, std::string_view json);
  void insert(std::uint32_t object, std::string_view key, std::string_view json);
  /// The nodes of that JSON text behind the others; the first is to have this parent.
  std::uint32_t append(std::string_view json, std::uint32_t parent);
  bool mend(const Place& place, const std::vector<std::string>& tokens, std::string_view hint);

  std::vector<Error> duplicates_;
  JsonDocument document_;
  std::vector<std::uint32_t> written_;  // index of a node in its list, as it was
  std::set<std::string> aside_;         // pointers, as written
};

}  // namespace ocx::spec
