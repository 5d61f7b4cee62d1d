// Mount options are never refused by themselves: each is understood or goes to the file system, once.
#include <cstddef>
#include <cstdint>

#include "runtime/plan.hpp"
#include "spec/mount_options.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace ocx;
using namespace ocx::fuzz;

// linux/mount.h: both the bits to set of an atime mode need the whole field cleared.
void check_attributes(const spec::MountAttributes& attributes) {
  constexpr std::uint64_t atime = 0x70;
  if ((attributes.set & atime) != 0) require((attributes.clear & atime) == atime);
  require((attributes.set & attributes.clear & ~atime) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::string> words =
      sys::split(std::string(reinterpret_cast<const char*>(data), size), '\n');
  runtime::step::Mount mount;
  try {
    mount.options = spec::parse_mount_options(words);
  } catch (const Error&) {
    return 0;
  }
  check_attributes(mount.options.attributes);
  check_attributes(mount.options.recursive_attributes);
  std::size_t after = 0;
  for (const spec::MountOptions::Data& word : mount.options.data) {
    require(word.index < words.size() && word.index >= after && words[word.index] == word.text);
    after = word.index + 1;
  }
  require(!runtime::describe(mount).empty());
  return 0;
}
