// Tar archives as a test wants them, also such as no tar(1) would write.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace ocx::test {

struct TarEntry {
  std::string name;
  char type = '0';  // '0' file, '1' hard link, '2' symlink, '3' char, '4' block, '5' directory, '6' fifo
  std::string content = {}, target = {};
  unsigned mode = 0644, uid = 0, gid = 0, time = 1'000'000'000;
  unsigned major = 0, minor = 0;                // of devices
  std::map<std::string, std::string> pax = {};  // extended header: "SCHILY.xattr.user.x", "path", …
};

/// A ustar archive with its end mark. A name or target too long for ustar goes into a pax header.
std::string tar_archive(const std::vector<TarEntry>& entries);
/// The same without end mark: pieces that are put together.
std::string tar_entry(TarEntry entry);

/// SHA-256 in hexadecimal, by sha256sum(1).
std::string sha256(const std::string& data);

}  // namespace ocx::test
