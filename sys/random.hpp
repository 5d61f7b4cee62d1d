#pragma once

#include <cstddef>
#include <string>

namespace ocx::sys {

/// Lower case hexadecimal digits from getrandom(2).
std::string random_digits(std::size_t count);

}  // namespace ocx::sys
