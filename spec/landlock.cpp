#include "spec/landlock.hpp"

#include <algorithm>
#include <iterator>

#include "spec/json_reader.hpp"
#include "spec/names.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::spec {
namespace {

namespace bits = sys::landlock;
using Handled = bits::Handled;

struct Right {
  std::string_view name;
  std::uint64_t bit;
  int abi;
  std::string_view linux;
};

// The words of setpriv(1).
constexpr Right fs_rights[] = {
    {"execute", bits::fs_execute, 1, "5.13"},       {"write-file", bits::fs_write_file, 1, "5.13"},
    {"read-file", bits::fs_read_file, 1, "5.13"},   {"read-dir", bits::fs_read_dir, 1, "5.13"},
    {"remove-dir", bits::fs_remove_dir, 1, "5.13"}, {"remove-file", bits::fs_remove_file, 1, "5.13"},
    {"make-char", bits::fs_make_char, 1, "5.13"},   {"make-dir", bits::fs_make_dir, 1, "5.13"},
    {"make-reg", bits::fs_make_reg, 1, "5.13"},     {"make-sock", bits::fs_make_sock, 1, "5.13"},
    {"make-fifo", bits::fs_make_fifo, 1, "5.13"},   {"make-block", bits::fs_make_block, 1, "5.13"},
    {"make-sym", bits::fs_make_sym, 1, "5.13"},     {"refer", bits::fs_refer, 2, "5.19"},
    {"truncate", bits::fs_truncate, 3, "6.2"},      {"ioctl-dev", bits::fs_ioctl_dev, 5, "6.10"},
};
constexpr Right tcp_rights[] = {{"bind", bits::net_bind_tcp, 4, "6.7"},
                                {"connect", bits::net_connect_tcp, 4, "6.7"}};
constexpr Right scopes[] = {{"abstract-unix-socket", bits::scope_abstract_unix_socket, 6, "6.12"},
                            {"signal", bits::scope_signal, 6, "6.12"}};

template <std::size_t N>
constexpr std::uint64_t all_of(const Right (&table)[N]) {
  std::uint64_t all = 0;
  for (const Right& right : table) all |= right.bit;
  return all;
}

constexpr std::uint64_t fs_read = bits::fs_read_file | bits::fs_read_dir;
constexpr Named<std::uint64_t> fs_groups[] = {{"read", fs_read},
                                              {"write", all_of(fs_rights) & ~fs_read & ~bits::fs_execute},
                                              {"all", all_of(fs_rights)}};

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\n";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

Error wrong(std::string message) {
  return Error(std::move(message), ErrorKind::invalid_config);
}

/// The bits of every word a table may hold.
using Words = std::vector<Named<std::uint64_t>>;

template <std::size_t N>
Words words_of(const Right (&table)[N]) {
  Words words;
  for (const Right& right : table) words.push_back({right.name, right.bit});
  return words;
}

Words fs_words() {
  Words words(std::begin(fs_groups), std::end(fs_groups));
  for (const Right& right : fs_rights) words.push_back({right.name, right.bit});
  return words;
}

std::uint64_t bits_of(std::string_view word, const Words& known, std::string_view what) {
  std::vector<std::string_view> names;
  for (const Named<std::uint64_t>& row : known) {
    if (row.name == word) return row.value;
    names.push_back(row.name);
  }
  Error error = wrong("unknown " + std::string(what) + " " + sys::quote(word));
  const std::string_view nearest = closest_name(word, names);
  throw nearest.empty() ? error : error.hint("did you mean " + sys::quote(nearest) + "?");
}

std::uint64_t bits_of_list(std::string_view list, const Words& known, std::string_view what) {
  std::uint64_t all = 0;
  for (const std::string& word : sys::split(list, ',')) all |= bits_of(trim(word), known, what);
  return all;
}

struct Rule {
  std::uint64_t access = 0;
  std::vector<std::string> objects;
};

/// "RIGHT,RIGHT:OBJECT,OBJECT; …"
std::vector<Rule> parse_rules(std::string_view text, const Words& known, std::string_view objects) {
  std::vector<Rule> rules;
  if (text.find('\0') != std::string_view::npos) throw wrong("a NUL byte");
  for (const std::string& piece : sys::split(text, ';')) {
    const std::string_view rule = trim(piece);
    if (rule.empty()) continue;  // after the last ";"
    const std::size_t colon = rule.find(':');
    if (colon == std::string_view::npos)
      throw wrong("rule " + sys::quote(rule) + " has no \":\"").hint("write RIGHTS:" + std::string(objects));
    Rule parsed{bits_of_list(rule.substr(0, colon), known, "right"), {}};
    for (const std::string& object : sys::split(rule.substr(colon + 1), ','))
      parsed.objects.emplace_back(trim(object));
    rules.push_back(std::move(parsed));
  }
  return rules;
}

void read_fs(std::string_view text, LandlockRules& out) {
  out.handled.fs = all_of(fs_rights);
  for (const Rule& rule : parse_rules(text, fs_words(), "PATH,PATH"))
    for (const std::string& path : rule.objects) {
      if (!path.starts_with('/')) throw wrong("path " + sys::quote(path) + " is not absolute");
      out.paths.push_back({path, rule.access});
    }
  if (out.paths.empty()) throw wrong("no rule, so nothing could be executed");
}

void read_tcp(std::string_view text, LandlockRules& out) {
  out.handled.net = all_of(tcp_rights);
  for (const Rule& rule : parse_rules(text, words_of(tcp_rights), "PORT,PORT"))
    for (const std::string& object : rule.objects) {
      const auto port = sys::parse_uint(object);
      if (!port || *port > 65535) throw wrong(sys::quote(object) + " is no port (0 to 65535)");
      out.ports.push_back({static_cast<std::uint16_t>(*port), rule.access});
    }
}

void read_compat(std::string_view text, LandlockRules& out) {
  bits_of(text, {{"strict", 1}, {"best-effort", 2}}, "value");
  out.best_effort = text == "best-effort";
}

void read(std::string_view name, std::string_view text, LandlockRules& out) {
  if (name == "fs") return read_fs(text, out);
  if (name == "tcp") return read_tcp(text, out);
  if (name == "compat") return read_compat(text, out);
  if (name == "scope") {
    out.handled.scoped = bits_of_list(text, words_of(scopes), "scope");
    return;
  }
  // Rules that a misspelt name would turn off in silence.
  Error error = wrong("unknown annotation " + sys::quote(std::string(landlock_prefix) + std::string(name)));
  const std::string_view nearest =
      closest_name(name, {std::begin(landlock_annotations), std::end(landlock_annotations)});
  throw nearest.empty()
      ? error
      : error.hint("did you mean " + sys::quote(std::string(landlock_prefix).append(nearest)) + "?");
}

template <std::size_t N>
void add_lacks(std::vector<LandlockLack>& lacks, const Right (&table)[N], std::string_view annotation,
               std::uint64_t wanted, int abi) {
  for (const Right& right : table)
    if ((wanted & right.bit) != 0 && right.abi > abi)
      lacks.push_back({annotation, right.name, right.abi, right.linux});
}

template <std::size_t N>
std::uint64_t known_to(int abi, const Right (&table)[N]) {
  std::uint64_t known = 0;
  for (const Right& right : table)
    if (right.abi <= abi) known |= right.bit;
  return known;
}

template <std::size_t N>
std::string words_for(std::uint64_t access, const Right (&table)[N]) {
  std::vector<std::string> words;
  if constexpr (N == std::size(fs_rights))
    for (const Named<std::uint64_t>& group : fs_groups)
      if ((access & group.value) == group.value && group.name != "all") {
        words.emplace_back(group.name);
        access &= ~group.value;
      }
  for (const Right& right : table)
    if ((access & right.bit) != 0) words.emplace_back(right.name);
  return sys::join(words, ", ");
}

}  // namespace

std::string landlock_origin(std::string_view annotation) {
  return "/annotations/" + std::string(landlock_prefix) + std::string(annotation);
}

bool has_landlock(const std::map<std::string, std::string>& annotations) {
  const auto at = annotations.lower_bound(std::string(landlock_prefix));
  return at != annotations.end() && at->first.starts_with(landlock_prefix);
}

std::optional<LandlockRules> parse_landlock(const std::map<std::string, std::string>& annotations) {
  LandlockRules rules;
  for (auto at = annotations.lower_bound(std::string(landlock_prefix));
       at != annotations.end() && at->first.starts_with(landlock_prefix); ++at) {
    const std::string_view name = std::string_view(at->first).substr(landlock_prefix.size());
    try {
      read(name, trim(at->second), rules);
    } catch (Error& error) {
      throw error.in("Landlock rules").at("/annotations/" + pointer_token(at->first));
    }
  }
  if (rules.handled.empty()) return std::nullopt;
  return rules;
}

std::vector<LandlockLack> landlock_lacks(const LandlockRules& rules, int abi) {
  std::vector<LandlockLack> lacks;
  add_lacks(lacks, fs_rights, "fs", rules.handled.fs, abi);
  add_lacks(lacks, tcp_rights, "tcp", rules.handled.net, abi);
  add_lacks(lacks, scopes, "scope", rules.handled.scoped, abi);
  return lacks;
}

LandlockRules fit_landlock(LandlockRules rules, int abi) {
  rules.handled.fs &= known_to(abi, fs_rights);
  rules.handled.net &= known_to(abi, tcp_rights);
  rules.handled.scoped &= known_to(abi, scopes);
  for (LandlockRules::Path& rule : rules.paths) rule.access &= rules.handled.fs;
  for (LandlockRules::Port& rule : rules.ports) rule.access &= rules.handled.net;
  std::erase_if(rules.paths, [](const LandlockRules::Path& rule) { return rule.access == 0; });
  std::erase_if(rules.ports, [](const LandlockRules::Port& rule) { return rule.access == 0; });
  return rules;
}

std::string describe_landlock(const LandlockRules& rules) {
  std::vector<std::string> parts;
  for (const LandlockRules::Path& rule : rules.paths)
    parts.push_back(words_for(rule.access, fs_rights) + " beneath " + sys::quote(rule.path));
  for (const LandlockRules::Port& rule : rules.ports)
    parts.push_back(words_for(rule.access, tcp_rights) + " TCP port " + std::to_string(rule.port));
  if (rules.handled.net != 0 && rules.ports.empty()) parts.emplace_back("no TCP");
  if (rules.handled.scoped != 0)
    parts.push_back("nothing outside by " + words_for(rules.handled.scoped, scopes));
  return sys::join(parts, "; ");
}

}  // namespace ocx::spec
