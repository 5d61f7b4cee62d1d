#include "runtime/passed_fds.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "sys/process.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

constexpr unsigned first_passed = 3;
constexpr unsigned last_descriptor = std::numeric_limits<unsigned>::max();

// An absurd count means "all of them", never a wrapped number.
unsigned first_dropped(unsigned keep) {
  return first_passed + std::min(keep, 1U << 30U);
}

}  // namespace

void sanitise_inherited(unsigned keep) {
  sys::open_missing_stdio();
  sys::close_range(first_dropped(keep), last_descriptor, true);
  // A hole in the kept range would be filled by what ocx itself opens next, and that passed on.
  if (keep > 0) sys::occupy_closed(first_passed, first_dropped(keep) - 1);
}

void keep_only(std::vector<int> wanted, unsigned passed) {
  std::sort(wanted.begin(), wanted.end());
  unsigned first = first_dropped(passed);
  for (const int fd : wanted) {
    if (fd < 0 || static_cast<unsigned>(fd) < first) continue;
    if (static_cast<unsigned>(fd) > first) sys::close_range(first, static_cast<unsigned>(fd) - 1, false);
    first = static_cast<unsigned>(fd) + 1;
  }
  sys::close_range(first, last_descriptor, false);
}

void sweep_descriptors(unsigned keep, int except) {
  const unsigned first = first_dropped(keep);
  const unsigned spared = except < 0 ? last_descriptor : static_cast<unsigned>(except);
  if (spared < first || spared == last_descriptor) return sys::close_range(first, last_descriptor, false);
  if (spared > first) sys::close_range(first, spared - 1, false);
  sys::close_range(spared + 1, last_descriptor, false);
}

unsigned listen_fds() {
  const char* text = std::getenv("LISTEN_FDS");
  if (text == nullptr) return 0;
  const std::uint64_t count = sys::parse_uint(text).value_or(0);
  return count <= std::numeric_limits<int>::max() ? static_cast<unsigned>(count) : 0;
}

}  // namespace ocx::runtime
