#include "cmd/arguments.hpp"

#include <boost/program_options.hpp>

#include <algorithm>
#include <climits>

#include "spec/names.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

namespace po = boost::program_options;

Error usage_error(std::string message) {
  return Error(std::move(message), ErrorKind::usage);
}

po::options_description describe(std::span<const Option> options) {
  po::options_description description;
  for (const Option& option : options) {
    std::string names = option.name;
    if (option.letter != 0) names.append(",").append(1, option.letter);
    auto* semantic = po::value<std::string>();
    if (option.value == nullptr) semantic->implicit_value("true");
    description.add_options()(names.c_str(), semantic, option.help);
  }
  return description;
}

const po::option_description* find(const po::options_description& known, const std::string& name) {
  // The library keeps short names with their dash.
  return known.find_nothrow(name.size() == 1 ? "-" + name : name, false);
}

[[noreturn]] void refuse_unknown(std::span<const Option> options, const std::string& name) {
  std::vector<std::string_view> names;
  for (const Option& option : options) names.emplace_back(option.name);
  const std::string_view nearest = spec::closest_name(name, names);
  std::string message = "unknown option --" + name;
  if (!nearest.empty()) message.append("; did you mean --").append(nearest).append("?");
  // The words in brackets are what scripts written for runc look for.
  throw UnknownOption(message + " (flag provided but not defined: -" + name + ")", name);
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

std::string boolean(const std::string& name, const std::string& text) {
  if (is_one_of(text, {"1", "t", "T", "true", "TRUE", "True"})) return "true";
  if (is_one_of(text, {"0", "f", "F", "false", "FALSE", "False"})) return "false";
  throw usage_error("invalid boolean value " + sys::quote(text) + " for --" + name + ": use true or false");
}

/// The parsing style that program_options lacks; it eats the words it understands from the front of the list.
class GoStyle {
 public:
  GoStyle(std::span<const Option> options, const po::options_description& known, Order order)
      : options_(options), known_(known), order_(order) {}

  std::vector<po::option> operator()(std::vector<std::string>& words) const {
    const std::string& word = words.front();
    if (word == "--" && order_ == Order::command_after_dashes) return take_command(words);
    if (word == "--") return {};  // the library's own rule: what follows is positional
    const bool is_option = word.size() > 1 && word[0] == '-';
    if (is_option) return {take_option(words)};
    return order_ == Order::before_positionals ? take_rest(words) : std::vector<po::option>{};
  }

 private:
  po::option take_option(std::vector<std::string>& words) const {
    const std::string word = words.front();
    words.erase(words.begin());
    const std::string text = word.substr(word[1] == '-' ? 2 : 1);
    const std::size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    const po::option_description* option = name.empty() ? nullptr : find(known_, name);
    if (option == nullptr) refuse_unknown(options_, name);
    const std::string& key = option->long_name();
    const bool is_boolean = option->semantic()->min_tokens() == 0;
    if (equals != std::string::npos) return made(key, word, text.substr(equals + 1), is_boolean);
    if (is_boolean) return made(key, word, "true", true);
    if (words.empty()) throw usage_error("flag needs an argument: --" + key);
    const std::string value = words.front();
    words.erase(words.begin());
    return made(key, word, value, false);
  }

  static po::option made(const std::string& key, const std::string& word, const std::string& value,
                         bool is_boolean) {
    po::option option(key, {is_boolean ? boolean(key, value) : value});
    option.original_tokens.push_back(word);
    return option;
  }

  // Marked by the dashes as their original: the library numbers all that has no name as positionals.
  static std::vector<po::option> take_command(std::vector<std::string>& words) {
    words.erase(words.begin());
    std::vector<po::option> command = take_rest(words);
    for (po::option& word : command) word.original_tokens = {"--"};
    return command;
  }

  static std::vector<po::option> take_rest(std::vector<std::string>& words) {
    std::vector<po::option> rest;
    for (const std::string& word : words) {
      rest.emplace_back("", std::vector<std::string>{word});
      rest.back().position_key = INT_MAX;
    }
    words.clear();
    return rest;
  }

  std::span<const Option> options_;
  const po::options_description& known_;
  Order order_;
};

}  // namespace

Arguments parse_arguments(std::span<const Option> options, const std::vector<std::string>& words,
                          Order order) {
  const po::options_description known = describe(options);
  const po::parsed_options parsed =
      po::command_line_parser(words).options(known).extra_style_parser(GoStyle(options, known, order)).run();
  Arguments arguments;
  for (const po::option& option : parsed.options) {
    if (option.position_key < 0)
      arguments.add_option(option.string_key, option.value.front());
    else if (!option.original_tokens.empty() && option.original_tokens.front() == "--")
      arguments.add_command_word(option.value.front());
    else
      arguments.add_positional(option.value.front());
  }
  return arguments;
}

bool Arguments::flag(std::string_view name) const {
  return value_or(name, "false") == "true";
}

std::optional<std::string> Arguments::value(std::string_view name) const {
  std::optional<std::string> last;
  for (const auto& [key, text] : options_)
    if (key == name) last = text;
  return last;
}

std::vector<std::string> Arguments::values(std::string_view name) const {
  std::vector<std::string> all;
  for (const auto& [key, text] : options_)
    if (key == name) all.push_back(text);
  return all;
}

std::string Arguments::value_or(std::string_view name, std::string_view fallback) const {
  return value(name).value_or(std::string(fallback));
}

unsigned count_value(std::string_view option, std::string_view text) {
  const auto number = sys::parse_uint(text);
  if (!number || *number > 1023)
    throw usage_error("invalid value " + sys::quote(text) + " for --" + std::string(option) +
                      ": use a number from 0 to 1023");
  return static_cast<unsigned>(*number);
}

}  // namespace ocx::cmd
