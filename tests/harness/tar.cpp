#include "tests/harness/tar.hpp"

#include <cstdio>
#include <cstring>

#include "tests/harness/process.hpp"

namespace ocx::test {
namespace {

constexpr std::size_t block = 512, longest_name = 99;

void put(std::string& header, std::size_t offset, const std::string& text) {
  header.replace(offset, text.size(), text);
}

std::string octal(unsigned long value, int width) {
  char text[24];
  std::snprintf(text, sizeof(text), "%0*lo", width, value);
  return text;
}

std::string padded(std::string data) {
  data.resize((data.size() + block - 1) / block * block, '\0');
  return data;
}

std::string header_of(const TarEntry& entry) {
  std::string header(block, '\0');
  put(header, 0, entry.name.substr(0, longest_name));
  put(header, 100, octal(entry.mode, 7));
  put(header, 108, octal(entry.uid, 7));
  put(header, 116, octal(entry.gid, 7));
  put(header, 124, octal(entry.content.size(), 11));
  put(header, 136, octal(entry.time, 11));
  put(header, 148, "        ");
  header[156] = entry.type;
  put(header, 157, entry.target.substr(0, longest_name));
  put(header, 257, std::string("ustar\00000", 8));
  put(header, 329, octal(entry.major, 7));
  put(header, 337, octal(entry.minor, 7));
  unsigned long sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(header, 148, octal(sum, 6) + std::string("\0 ", 2));
  return header;
}

/// "LENGTH KEY=VALUE\n", the length with its own digits.
std::string pax_record(const std::string& key, const std::string& value) {
  const std::string rest = " " + key + "=" + value + "\n";
  std::size_t size = rest.size();
  while (std::to_string(size).size() + rest.size() != size) size = std::to_string(size).size() + rest.size();
  return std::to_string(size) + rest;
}

}  // namespace

std::string tar_entry(TarEntry entry) {
  if (entry.name.size() > longest_name) entry.pax.try_emplace("path", entry.name);
  if (entry.target.size() > longest_name) entry.pax.try_emplace("linkpath", entry.target);
  std::string archive;
  if (!entry.pax.empty()) {
    TarEntry extended{.name = "PaxHeaders/0", .type = 'x'};
    for (const auto& [key, value] : entry.pax) extended.content += pax_record(key, value);
    archive += header_of(extended) + padded(extended.content);
  }
  return archive + header_of(entry) + padded(entry.content);
}

std::string tar_archive(const std::vector<TarEntry>& entries) {
  std::string archive;
  for (const TarEntry& entry : entries) archive += tar_entry(entry);
  return archive + std::string(2 * block, '\0');
}

std::string sha256(const std::string& data) {
  RunOptions options;
  options.input = data;
  return run({"sha256sum"}, options).out.substr(0, 64);
}

}  // namespace ocx::test
