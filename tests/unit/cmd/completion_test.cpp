#include "cmd/completion.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

#include "cmd/globals.hpp"
#include "sys/text.hpp"
#include "tests/harness/process.hpp"
#include "tests/harness/skip.hpp"
#include "tests/unit/cmd/find_command.hpp"

using namespace ocx;
using ocx::test::command;
using Words = std::vector<std::string>;

namespace {

const cmd::Option& option(std::string_view name, std::string_view of_command) {
  for (const cmd::Option& each :
       of_command.empty() ? cmd::global_options : cmd::find_command(of_command)->options)
    if (each.name == name) return each;
  FAIL("no option " << name << " of " << of_command);
  throw std::logic_error("unreachable");
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Every option there is.
template <class Visitor>
void for_each_option(Visitor visit) {
  for (const cmd::Option& each : cmd::global_options) visit("", each);
  for (const cmd::Command* each : cmd::all_commands())
    for (const cmd::Option& own : cmd::options_of(*each)) visit(std::string(each->name), own);
}

// What readline hands over for a line: it cuts at blanks, = and :.
Words readline_words(const std::string& line) {
  Words words{""};
  for (const char c : line) {
    const bool breaks = c == '=' || c == ':';
    if (c == ' ' || breaks) words.emplace_back();
    if (breaks) words.back() = c;
    if (breaks) words.emplace_back();
    if (c != ' ' && !breaks) words.back() += c;
  }
  words.erase(std::remove(words.begin(), words.end() - 1, ""), words.end() - 1);
  // At the end of "--root=" the word is "=".
  if (words.back().empty() && !line.ends_with(' ')) words.pop_back();
  return words;
}

std::string quoted(const Words& words) {
  std::string text;
  for (const std::string& word : words) text += " '" + word + "'";
  return text;
}

// `ocx list -q` of this one depends on --root.
constexpr const char* stand_in = R"(
stand_in() {
  [[ $1 == --root ]] && { echo "in${2//\//-}"; return; }
  [[ $* == 'list -q' ]] && printf '%s\n' web db
}
compopt() { :; }
)";

// What bash offers for each line, sorted.
std::vector<Words> completed(const Words& lines) {
  std::string script = cmd::bash_completion(cmd::all_commands(), cmd::global_options) + stand_in;
  for (const std::string& line : lines) {
    const Words words = readline_words(line);
    script += "COMP_LINE='" + line + "' COMP_POINT=" + std::to_string(line.size()) + " COMP_WORDS=(" +
              quoted(words) + ") COMP_CWORD=" + std::to_string(words.size() - 1) +
              "\n_ocx stand_in; echo \"${COMPREPLY[@]}\"\n";
  }
  test::RunOptions options;
  options.input = script;
  options.cwd = "/proc/self";  // files of known names
  const test::Result result = test::run({"bash", "--norc"}, options);
  INFO(result.describe());
  REQUIRE(result.status == 0);
  REQUIRE(result.err.empty());
  std::vector<Words> offers;
  for (const std::string& row : sys::split(result.out, '\n')) {
    Words& words = offers.emplace_back();
    for (const std::string& word : sys::split(row, ' '))
      if (!word.empty()) words.push_back(word);
    std::sort(words.begin(), words.end());
  }
  return offers;
}

}  // namespace

TEST_CASE("what a value is comes from the option's row", "[completion]") {
  using Kind = cmd::Offer::Kind;
  CHECK(cmd::offer_for(option("root", "")).kind == Kind::directories);
  CHECK(cmd::offer_for(option("log", "")).kind == Kind::files);
  CHECK(cmd::offer_for(option("log-format", "")).words == Words{"text", "json"});
  CHECK(cmd::offer_for(option("bundle", "run")).kind == Kind::directories);
  CHECK(cmd::offer_for(option("pid-file", "exec")).kind == Kind::files);
  CHECK(cmd::offer_for(option("cwd", "exec")).kind == Kind::nothing);  // a path of the container's
  CHECK(cmd::offer_for(option("cpu-idle", "update")).words == Words{"0", "1"});
  CHECK(cmd::offer_for(option("memory", "update")).kind == Kind::nothing);
  CHECK(cmd::offer_for(option("detach", "run")).kind == Kind::nothing);
  CHECK(cmd::offer_for(option("cap", "exec")).words.size() > 40);
  CHECK(cmd::is_repeatable(option("cap", "exec")));
  CHECK_FALSE(cmd::is_repeatable(option("cwd", "exec")));
}

TEST_CASE("what an argument is comes from the command's row", "[completion]") {
  using Kind = cmd::Offer::Kind;
  const auto kinds = [](std::string_view name) {
    std::vector<Kind> all;
    for (const cmd::Positional& each : cmd::positionals_of(command(name))) all.push_back(each.offer.kind);
    return all;
  };
  CHECK(kinds("list").empty());
  CHECK(kinds("state") == std::vector{Kind::containers});
  CHECK(kinds("kill") == std::vector{Kind::containers, Kind::words});
  CHECK(kinds("explain") == std::vector{Kind::directories, Kind::directories});
  CHECK(kinds("bundle") == std::vector{Kind::files, Kind::directories, Kind::nothing, Kind::nothing});
  for (const char* maker : {"create", "restore"}) CHECK(kinds(maker) == std::vector{Kind::nothing});
  CHECK(kinds("run") == std::vector{Kind::directories, Kind::nothing, Kind::nothing});
  CHECK_FALSE(cmd::positionals_of(command("run")).front().optional);
  CHECK(cmd::positionals_of(command("run"))[1].optional);
  CHECK(cmd::positionals_of(command("run")).back().name == "ARGUMENT");
  CHECK(cmd::positionals_of(command("run")).back().repeated);
  CHECK(kinds("exec") == std::vector{Kind::containers, Kind::nothing, Kind::nothing});
  CHECK(cmd::positionals_of(command("exec")).back().repeated);
  CHECK(cmd::positionals_of(command("stats")).front().repeated);
  CHECK(cmd::positionals_of(command("kill")).back().optional);
}

TEST_CASE("an option with a choice of words offers them", "[completion]") {
  for_each_option([](const std::string& name, const cmd::Option& each) {
    INFO("ocx " << name << " --" << each.name);
    const std::string_view value = each.value == nullptr ? "" : each.value;
    for (const char* choice : {"FORMAT", "LEVEL", "MODE", "METHOD", "WHEN", "TYPE"})
      if (value == choice) CHECK_FALSE(cmd::offer_for(each).words.empty());
    if (each.offers != nullptr)
      for (const std::string& word : cmd::offer_for(each).words) CHECK(contains(each.help, word));
  });
}

TEST_CASE("each script knows every command and option", "[completion]") {
  const std::string bash = cmd::bash_completion(cmd::all_commands(), cmd::global_options);
  const std::string zsh = cmd::zsh_completion(cmd::all_commands(), cmd::global_options);
  const std::string fish = cmd::fish_completion(cmd::all_commands(), cmd::global_options);
  for (const cmd::Command* each : cmd::all_commands()) {
    const std::string name(each->name);
    INFO(name);
    CHECK(contains(bash, "'" + name + "') kind='words"));
    CHECK(contains(zsh, "        " + name + ")\n"));
    CHECK(contains(fish, "-a '" + name + "' -d "));
  }
  for_each_option([&](const std::string& name, const cmd::Option& each) {
    INFO("ocx " << name << " --" << each.name);
    CHECK(contains(bash, std::string(" --") + each.name));
    CHECK(contains(zsh, std::string("--") + each.name + (each.value == nullptr ? "[" : "=[")));
    const std::string letter = each.letter == 0 ? "" : std::string(" -s ") + each.letter;
    CHECK(contains(fish, "complete -c ocx -n \"__ocx_in '" + name + "'\"" + letter + " -l " + each.name));
  });
}

TEST_CASE("the scripts are what their shells can read", "[completion]") {
  const std::pair<const char*, std::string> rows[] = {
      {"bash", cmd::bash_completion(cmd::all_commands(), cmd::global_options)},
      {"zsh", cmd::zsh_completion(cmd::all_commands(), cmd::global_options)},
      {"fish", cmd::fish_completion(cmd::all_commands(), cmd::global_options)},
  };
  for (const auto& [shell, script] : rows) {
    INFO(shell);
    // Only bash is there on each machine.
    if (test::run({"sh", "-c", std::string("command -v ") + shell}).status != 0) continue;
    test::RunOptions options;
    options.input = script;
    const test::Result result = test::run({shell, "-n"}, options);
    CHECK(result.status == 0);
    CHECK(result.err == "");
  }
}

TEST_CASE("bash completes commands, options, values, files and containers", "[completion]") {
  const std::pair<const char*, Words> rows[] = {
      {"ocx sta", {"start", "state", "stats"}},
      {"ocx --log-", {"--log-format", "--log-level"}},
      {"ocx --log-format ", {"json", "text"}},
      {"ocx --log-format=j", {"json"}},
      {"ocx -log-format=", {"json", "text"}},
      {"ocx --log-format json sta", {"start", "state", "stats"}},
      {"ocx run --no-", {"--no-new-keyring", "--no-pivot", "--no-subreaper"}},
      {"ocx run -b n", {"net", "ns"}},
      {"ocx run --bundle=n", {"net", "ns"}},
      {"ocx run --config statu", {"status"}},
      {"ocx create ", {}},  // the id is yours to choose
      {"ocx run n", {"net", "ns"}},
      {"ocx start ", {"db", "web"}},
      {"ocx start w", {"web"}},
      {"ocx --debug start ", {"db", "web"}},
      {"ocx --root /x start ", {"in-x"}},
      {"ocx --root=/x/y start ", {"in-x-y"}},
      {"ocx delete web --f", {"--force"}},
      {"ocx delete -- ", {"db", "web"}},
      {"ocx stats web ", {"db", "web"}},
      {"ocx start web ", {}},
      {"ocx kill web US", {"USR1", "USR2"}},
      {"ocx kill web -", {}},  // words after the id are taken as they are
      {"ocx exec -u 1000:1000 ", {"db", "web"}},
      {"ocx exec --cwd ", {}},
      {"ocx exec --cap CAP_NET_B", {"CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST"}},
      {"ocx exec web --", {}},
      {"ocx completion ", {"bash", "fish", "zsh"}},
      {"ocx no-such-command ", {}},
  };
  Words lines;
  for (const auto& [line, wanted] : rows) lines.emplace_back(line);
  const std::vector<Words> offers = completed(lines);
  REQUIRE(offers.size() >= lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    INFO(lines[i]);
    CHECK(offers[i] == rows[i].second);
  }
}
