// Names of users for the OWNER column.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ocx::runtime {

/// The name of `uid` in the text of a passwd(5) file, "#UID" when it has none. By hand: NSS would be loaded
/// with dlopen.
std::string owner_name(std::string_view passwd, std::uint32_t uid);

}  // namespace ocx::runtime
