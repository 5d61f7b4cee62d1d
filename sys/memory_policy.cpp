#include "sys/memory_policy.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace ocx::sys {

int try_set_mempolicy(int mode, const std::vector<unsigned>& nodes) {
  constexpr std::size_t word_bits = sizeof(unsigned long) * CHAR_BIT;
  std::vector<unsigned long> mask;
  for (const unsigned node : nodes) {
    mask.resize(std::max(mask.size(), node / word_bits + 1));
    mask[node / word_bits] |= 1UL << (node % word_bits);
  }
  // The kernel takes one bit less than it is told.
  const unsigned long bits = mask.empty() ? 0 : mask.size() * word_bits + 1;
  return ::syscall(SYS_set_mempolicy, mode, mask.empty() ? nullptr : mask.data(), bits) == 0 ? 0 : errno;
}

}  // namespace ocx::sys
