// A document with every property that concerns Linux, and the means to change one of them.
#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

#include "spec/parse.hpp"
#include "sys/error.hpp"

namespace ocx::spec {

extern const char* const full_document;

/// The full document with the value (JSON text) set at a pointer; without the value, with that property
/// removed.
std::string with(const std::string& pointer, const std::string& value);
std::string without(const std::string& pointer);

/// The error that parsing the document gives, or nothing.
std::optional<Error> failure_of(const std::string& document);

inline Config parsed(const std::string& document) {
  Warnings warnings;
  return parse_config(document, warnings);
}

inline Warnings warnings_of(const std::string& document) {
  Warnings warnings;
  parse_config(document, warnings);
  return warnings;
}

/// One property set to a value that must be refused there, with a piece of the message.
struct BadValue {
  const char* pointer;
  const char* value;
  const char* origin;
  const char* message;
};

/// Checks that the full document is accepted without the change and refused as described with it.
void check_refused(const BadValue& row);

}  // namespace ocx::spec
