#include "runtime/environment.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <unordered_map>

#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/root_path.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

std::string_view name_of(std::string_view entry) {
  return entry.substr(0, entry.find('='));
}

/// The image is not trusted: /etc/passwd may be a FIFO, a device or endless.
std::string read_passwd(sys::FdRef root) {
  constexpr std::size_t limit = 4U << 20U;
  const sys::FdResult file =
      sys::try_open_in_root(root, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (!file || !S_ISREG(sys::fstat(file.fd).st_mode)) return {};
  try {
    return sys::read_all(file.fd, limit);
  } catch (const Error&) {
    return {};  // unreadable or larger than any passwd file: HOME falls back to "/"
  }
}

}  // namespace

std::vector<std::string> payload_environment(const std::vector<std::string>& env) {
  std::vector<std::string> out;
  out.reserve(env.size() + 4);
  std::unordered_map<std::string_view, std::size_t>
      place;  // engines pass thousands of variables: no quadratic search
  for (const std::string& entry : env) {
    const auto [at, fresh] = place.emplace(name_of(entry), out.size());
    if (fresh)
      out.push_back(entry);
    else
      out[at->second] = entry;
  }
  return out;
}

std::optional<std::string> variable(const std::vector<std::string>& env, std::string_view name) {
  for (const std::string& entry : env)
    if (name_of(entry) == name && entry.size() > name.size()) return entry.substr(name.size() + 1);
  return std::nullopt;
}

void set_variable(std::vector<std::string>& env, std::string_view name, std::string_view value) {
  std::string entry(name);
  entry.append("=").append(value);
  for (std::string& existing : env) {
    if (name_of(existing) != name) continue;
    existing = std::move(entry);
    return;
  }
  env.push_back(std::move(entry));
}

std::string home_directory(sys::FdRef root, uid_t uid) {
  const std::string wanted = std::to_string(uid);
  for (const std::string& line : sys::split(read_passwd(root), '\n')) {
    const std::vector<std::string> fields = sys::split(line, ':');
    // passwd(5): name, password, uid, gid, gecos, directory, shell. Only the number decides (CVE-2016-3697).
    if (fields.size() >= 6 && fields[2] == wanted && !fields[5].empty()) return fields[5];
  }
  return "/";
}

}  // namespace ocx::runtime
