#include "sys/user_namespace.hpp"

#include <algorithm>

#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::sys {

bool in_user_namespace() {
  const auto map = read_file_if_any(FdRef::cwd(), "/proc/self/uid_map", 1U << 16U);
  if (!map) return false;
  std::vector<std::string> words = split(map->substr(0, map->find('\n')), ' ');
  words.erase(std::remove(words.begin(), words.end(), ""), words.end());
  return words != std::vector<std::string>{"0", "0", "4294967295"};
}

}  // namespace ocx::sys
