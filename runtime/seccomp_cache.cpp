#include "runtime/seccomp_cache.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/seccomp.hpp"

namespace ocx::runtime {
namespace {

constexpr std::string_view magic = "ocxbpf1\n";

struct Header {
  std::array<char, 8> magic;
  std::uint32_t key_size, program_size;
  std::uint64_t checksum;
};
static_assert(sizeof(Header) == 24);

// FNV-1a, eight bytes a step: for names and against damage; what must not be mistaken is compared.
std::uint64_t hash(std::string_view bytes, std::uint64_t state = 0xcbf29ce484222325ULL) {
  constexpr std::uint64_t prime = 0x100000001b3ULL;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    state = (state ^ word) * prime;
    state ^= state >> 32U;
  }
  for (const char byte : bytes) state = (state ^ static_cast<unsigned char>(byte)) * prime;
  return state ^ state >> 29U;
}

std::string file_name(const std::string& key) {
  std::string name;
  const std::uint64_t value = hash(key);
  for (int shift = 60; shift >= 0; shift -= 4) name += "0123456789abcdef"[value >> shift & 15U];
  return name;
}

bool is_program_size(std::size_t size) {
  return size > 0 && size % sizeof(sock_filter) == 0 && size <= BPF_MAXINSNS * sizeof(sock_filter);
}

/// Of this user, and nobody else may write it.
bool is_ours(const struct ::stat& status) {
  return status.st_uid == ::geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool may_be_read(const struct ::stat& status) {
  return S_ISREG(status.st_mode) && is_ours(status) &&
         static_cast<std::uint64_t>(status.st_size) <= SeccompCache::largest_file;
}

}  // namespace

std::string write_seccomp_file(const SeccompFile& file) {
  Header header{};
  magic.copy(header.magic.data(), magic.size());
  header.key_size = static_cast<std::uint32_t>(file.key.size());
  header.program_size = static_cast<std::uint32_t>(file.program.size());
  header.checksum = hash(file.program, hash(file.key));
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  return bytes.append(file.key).append(file.program);
}

std::optional<SeccompFile> parse_seccomp_file(std::string_view bytes) {
  Header header{};
  if (bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::string_view(header.magic.data(), magic.size()) != magic) return std::nullopt;
  bytes.remove_prefix(sizeof header);
  if (bytes.size() != std::uint64_t{header.key_size} + header.program_size) return std::nullopt;
  const std::string_view key = bytes.substr(0, header.key_size), program = bytes.substr(header.key_size);
  if (!is_program_size(program.size()) || header.checksum != hash(program, hash(key))) return std::nullopt;
  return SeccompFile{std::string(key), std::string(program)};
}

std::optional<SeccompFile> load_seccomp_file(sys::FdRef directory, const std::string& name) {
  // O_NONBLOCK: a fifo that somebody put there must not stop us.
  const sys::FdResult opened =
      sys::try_openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (!opened) return std::nullopt;
  const struct ::stat status = sys::fstat(opened.fd);
  if (!may_be_read(status)) return std::nullopt;
  return parse_seccomp_file(sys::read_from_start(opened.fd, static_cast<std::size_t>(status.st_size)));
}

bool SeccompCache::open() {
  if (directory_) return true;
  sys::FdResult opened =
      sys::try_openat(container_, std::string("../") + directory_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (opened && is_ours(sys::fstat(opened.fd))) directory_ = std::move(opened.fd);
  return static_cast<bool>(directory_);
}

std::optional<std::string> SeccompCache::find(const std::string& key) {
  if (!open()) return std::nullopt;
  std::optional<SeccompFile> file = load_seccomp_file(directory_, file_name(key));
  if (!file || file->key != key) return std::nullopt;
  return std::move(file->program);
}

void SeccompCache::make() {
  if (open()) return;
  sys::try_mkdirat(container_, std::string("../") + directory_name, 0700);
  open();
}

void SeccompCache::store(const SeccompFile& file) {
  const std::string bytes = write_seccomp_file(file);
  if (bytes.size() > largest_file) return;
  make();
  if (!directory_) return;
  try {
    sys::replace_file(directory_, file_name(file.key), bytes, 0600);
    evict();
  } catch (const Error& error) {
    sys::log_debug(std::string("seccomp cache: ") + error.what() + ", ignoring");
  }
}

// Temporary files of writers that died are among them, and go the same way.
void SeccompCache::evict() {
  const std::vector<std::string> names = sys::list_directory(directory_);
  if (names.size() <= most_files) return;
  std::vector<std::pair<std::int64_t, std::string>> ages;
  for (const std::string& name : names)
    if (const auto status = sys::fstatat(directory_, name, AT_SYMLINK_NOFOLLOW))
      ages.emplace_back(status->st_mtim.tv_sec * 1'000'000'000 + status->st_mtim.tv_nsec, name);
  std::sort(ages.begin(), ages.end());
  for (std::size_t i = 0; i + most_files < ages.size(); ++i) sys::try_unlinkat(directory_, ages[i].second);
}

}  // namespace ocx::runtime
