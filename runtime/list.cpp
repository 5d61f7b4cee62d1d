#include "runtime/list.hpp"

#include <regex.h>

#include <array>
#include <optional>

#include "runtime/operations.hpp"
#include "runtime/state_store.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

/// A container that was deleted while the list was made is none.
std::optional<spec::State> load_entry(const Globals& globals, const std::string& id,
                                      std::string_view passwd) {
  try {
    const StateDirectory directory = StateDirectory::open(globals, id);
    const Record record = directory.load();
    spec::State state = to_state(record, live_status(directory, record));
    state.owner = owner_name(passwd, record.owner_uid);
    return state;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::does_not_exist)
      sys::log_debug("load container " + id + ": no record, ignoring");
    else
      sys::log_warning("load container " + id + ": " + error.what() + ", ignoring");
    return std::nullopt;
  }
}

/// A compiled regex(3).
class Expression {
 public:
  explicit Expression(const std::string& text) {
    const int code = ::regcomp(&compiled_, text.c_str(), REG_EXTENDED | REG_NOSUB);
    if (code == 0) return;
    std::array<char, 256> why{};
    ::regerror(code, &compiled_, why.data(), why.size());
    throw Error("regular expression " + sys::quote(text) + ": " + why.data(), ErrorKind::usage);
  }
  ~Expression() { ::regfree(&compiled_); }
  Expression(const Expression&) = delete;
  Expression& operator=(const Expression&) = delete;

  bool matches(const std::string& text) const {
    return ::regexec(&compiled_, text.c_str(), 0, nullptr, 0) == 0;
  }

 private:
  regex_t compiled_{};
};

}  // namespace

std::string owner_name(std::string_view passwd, std::uint32_t uid) {
  for (const std::string& line : sys::split(passwd, '\n')) {
    const std::vector<std::string> fields = sys::split(line, ':');
    if (fields.size() >= 3 && !fields[0].empty() && sys::parse_uint(fields[2]) == uid) return fields[0];
  }
  return "#" + std::to_string(uid);
}

std::vector<spec::State> list(const Globals& globals) {
  const std::vector<std::string> ids = container_ids(globals);
  std::vector<spec::State> states;
  if (ids.empty()) return states;
  const std::string passwd = sys::read_file_if_any(sys::FdRef::cwd(), "/etc/passwd").value_or("");
  for (const std::string& id : ids)
    if (auto entry = load_entry(globals, id, passwd)) states.push_back(std::move(*entry));
  return states;
}

std::vector<std::string> matching_ids(const Globals& globals, const std::string& expression) {
  const Expression compiled(expression);
  std::vector<std::string> matching;
  for (std::string& id : container_ids(globals))
    if (compiled.matches(id)) matching.push_back(std::move(id));
  return matching;
}

}  // namespace ocx::runtime
