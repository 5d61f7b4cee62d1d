#include "spec/archive_name.hpp"

#include <climits>

#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::spec {
namespace {

constexpr std::string_view prefix = ".wh.";

void check_part(const std::string& part, std::string_view name) {
  if (part == "..") throw Error("the name " + sys::quote(name) + " leads out by \"..\"");
  if (part.size() > NAME_MAX)
    throw Error("the name " + sys::quote(name) + " has a part of " + std::to_string(part.size()) +
                " bytes; no file system takes more than " + std::to_string(NAME_MAX));
}

}  // namespace

std::string archive_name(std::string_view name) {
  if (name.empty()) throw Error("an entry has no name");
  if (name.front() == '/') throw Error("the name " + sys::quote(name) + " is absolute");
  if (name.find('\0') != std::string_view::npos)
    throw Error("the name " + sys::quote(name) + " has a NUL in it");
  std::string clean;
  for (const std::string& part : sys::split(name, '/')) {
    if (part.empty() || part == ".") continue;
    check_part(part, name);
    clean.append(clean.empty() ? "" : "/").append(part);
  }
  if (clean.size() >= PATH_MAX)
    throw Error("the name " + sys::quote(name) + " has " + std::to_string(clean.size()) +
                " bytes; no path can have more than " + std::to_string(PATH_MAX - 1));
  return clean;
}

Whiteout whiteout_of(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  const std::string base = slash == std::string::npos ? name : name.substr(slash + 1);
  if (!base.starts_with(prefix)) return {};
  Whiteout whiteout;
  whiteout.directory = slash == std::string::npos ? "" : name.substr(0, slash);
  whiteout.name = base.substr(prefix.size());
  whiteout.kind = Whiteout::Kind::entry;
  if (whiteout.name == ".wh..opq") return {Whiteout::Kind::opaque, whiteout.directory, ""};
  if (whiteout.name.starts_with(prefix)) return {Whiteout::Kind::aufs, "", ""};
  if (whiteout.name.empty() || whiteout.name == "." || whiteout.name == "..")
    throw Error("the whiteout " + sys::quote(name) + " hides no entry of its directory");
  return whiteout;
}

}  // namespace ocx::spec
