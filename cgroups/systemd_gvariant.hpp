// Values in GVariant's text format (docs.gtk.org/glib/gvariant-text-format.html). Pure.
#pragma once

#include <string_view>

#include "cgroups/systemd_request.hpp"

namespace ocx::cgroups {

/// A value and its type: "uint64 5" is t, "['a']" is as, "(1, true)" is (ib). Booleans, strings, object
/// paths, signatures, all numbers, byte strings, arrays and tuples of them, `@type value`; variants,
/// dictionaries and maybe types are refused: no property of a scope has one. Throws Error.
UnitProperty parse_gvariant(std::string_view text);

}  // namespace ocx::cgroups
