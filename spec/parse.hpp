// config.json -> Config. The document is untrusted in form: any byte sequence gives a Config or an Error,
// never a crash.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "spec/config.hpp"

namespace ocx::spec {

/// What a reader may want to know and no error: unknown capability names, deprecated forms. Each ends ",
/// ignoring" or says what was assumed, and names its JSON pointer.
using Warnings = std::vector<std::string>;

/// Parses and validates every rule that needs no look at the machine. Errors carry a JSON pointer as origin:
/// duplicate keys, invalid UTF-8, wrong types, numbers out of range (config.md, "Specification version" and
/// on).
/// `exec_document`, if given, gets what exec_document.hpp makes of the document.
Config parse_config(std::string_view document, Warnings& warnings, std::string* exec_document = nullptr);
class JsonDocument;
Config parse_config(const JsonDocument& json, Warnings& warnings, std::string* exec_document = nullptr);

/// The same for one `process` object (exec --process) and one `linux.resources` object (update --resources).
Process parse_process(std::string_view document, Warnings& warnings);
Resources parse_resources(std::string_view document, Warnings& warnings);

}  // namespace ocx::spec
