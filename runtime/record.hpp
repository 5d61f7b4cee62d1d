// state.json: keys other tools know from runc, and ocx's own below "ocx".
#pragma once

#include <string>
#include <string_view>

#include "runtime/state_store.hpp"

namespace ocx::runtime {

/// Error: a text that is no UTF-8 (JSON can't carry it).
std::string write_record(const Record& record);
/// Tolerates unknown and missing keys; throws Error saying which key is wrong.
Record parse_record(std::string_view document);

}  // namespace ocx::runtime
