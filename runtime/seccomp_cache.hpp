// Compiled filters in files: <root>/.cache:seccomp/<hash of the key>, and <root>/<id>/seccomp.
//
//   "ocxbpf1\n"  size of the key (4 bytes)  size of the program (4)  checksum of both (8)  key  program
//
// The name of the directory is none that a container can have. A file counts only when it is a regular file
// of this user's that nobody else can write, of the size its header says, with the right checksum and, in the
// cache, with the whole key: two profiles can share a name of 64 bits, never a filter.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "spec/seccomp.hpp"
#include "sys/fd.hpp"

namespace ocx::runtime {

struct SeccompFile {
  std::string key, program;
};

/// Everything that decides the program, each part with its length in front: the profile but for who listens,
/// versions of ocx and libseccomp, the machine.
std::string seccomp_key(const spec::Seccomp& profile, bool fail_unknown);

/// The bytes of a file, and back; nothing when they are not what was written.
std::string write_seccomp_file(const SeccompFile& file);
std::optional<SeccompFile> parse_seccomp_file(std::string_view bytes);

/// The file of that name, never through a symbolic link. Nothing when it is absent or must not be trusted.
std::optional<SeccompFile> load_seccomp_file(sys::FdRef directory, const std::string& name);

/// The cache of one state root. Nothing here is an error: without a cache filters are compiled.
class SeccompCache {
 public:
  static constexpr const char* directory_name = ".cache:seccomp";
  static constexpr std::size_t most_files = 64;
  static constexpr std::size_t largest_file = 128U * 1024U;

  /// `container`: a directory in the state root.
  explicit SeccompCache(sys::FdRef container) : container_(container) {}

  std::optional<std::string> find(const std::string& key);
  /// Makes the directory when there is none; removes the oldest files beyond `most_files`.
  void store(const SeccompFile& file);

 private:
  bool open();
  void make();
  void evict();

  sys::FdRef container_;
  sys::UniqueFd directory_;
};

}  // namespace ocx::runtime
