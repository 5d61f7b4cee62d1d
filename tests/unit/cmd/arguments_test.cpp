#include "cmd/arguments.hpp"

#include <catch2/catch.hpp>

#include "sys/error.hpp"

using namespace ocx;
using cmd::Order;
using Words = std::vector<std::string>;

namespace {

constexpr cmd::Option options[] = {
    {"bundle", 'b', "DIR", ""},
    {"pid-file", 0, "PATH", ""},
    {"detach", 'd', nullptr, ""},
    {"no-subreaper", 0, nullptr, ""},
};

cmd::Arguments parse(const Words& words, Order order = Order::anywhere) {
  return cmd::parse_arguments(options, words, order);
}

std::string error_of(const Words& words) {
  try {
    parse(words);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("every way to write a value", "[arguments]") {
  const Words rows[] = {{"--bundle", "/b", "id"}, {"--bundle=/b", "id"}, {"-bundle", "/b", "id"},
                        {"-bundle=/b", "id"},     {"-b", "/b", "id"},    {"-b=/b", "id"},
                        {"id", "--bundle", "/b"}, {"id", "-b", "/b"}};
  for (const Words& words : rows) {
    INFO(words[0]);
    const cmd::Arguments arguments = parse(words);
    CHECK(arguments.value("bundle") == "/b");
    CHECK(arguments.positional() == Words{"id"});
    CHECK_FALSE(arguments.flag("detach"));
  }
}

TEST_CASE("a value may look like anything", "[arguments]") {
  CHECK(parse({"--bundle", "--pid-file"}).value("bundle") == "--pid-file");
  CHECK(parse({"--bundle="}).value("bundle") == "");
  CHECK(parse({"--bundle=a=b"}).value("bundle") == "a=b");
  CHECK(parse({"--bundle", "-"}).value("bundle") == "-");
  CHECK(parse({"--bundle", "a,b"}).value("bundle") == "a,b");
}

TEST_CASE("booleans take no second word", "[arguments]") {
  for (const char* word : {"--detach", "-detach", "-d", "--d", "--detach=true", "-d=1", "--detach=T"}) {
    INFO(word);
    const cmd::Arguments arguments = parse({word, "true"});
    CHECK(arguments.flag("detach"));
    CHECK(arguments.positional() == Words{"true"});
  }
  for (const char* word : {"--detach=false", "--detach=0", "-d=F"}) CHECK_FALSE(parse({word}).flag("detach"));
  CHECK(error_of({"--detach=maybe"}) == "invalid boolean value \"maybe\" for --detach: use true or false");
  CHECK(error_of({"--detach="}) == "invalid boolean value \"\" for --detach: use true or false");
}

TEST_CASE("the last of a repeated option wins", "[arguments]") {
  CHECK(parse({"-b", "1", "--bundle", "2", "id", "-bundle=3"}).value("bundle") == "3");
  CHECK_FALSE(parse({"-d", "--detach=false"}).flag("detach"));
}

TEST_CASE("unknown options name themselves and the nearest known one", "[arguments]") {
  CHECK(error_of({"--bundel", "x"}) ==
        "unknown option --bundel; did you mean --bundle? (flag provided but not defined: -bundel)");
  CHECK(error_of({"-x"}) == "unknown option --x (flag provided but not defined: -x)");
  CHECK(error_of({"--bun", "x"}).starts_with("unknown option --bun"));  // no guessing by prefix
  CHECK(error_of({"--=x"}).starts_with("unknown option --"));
  CHECK(error_of({"-db"}).starts_with("unknown option --db"));
}

TEST_CASE("a missing value is an error that scripts know", "[arguments]") {
  CHECK(error_of({"id", "--pid-file"}) == "flag needs an argument: --pid-file");
  CHECK(error_of({"-b"}) == "flag needs an argument: --bundle");
}

TEST_CASE("after -- everything is positional, and so is a lone dash", "[arguments]") {
  CHECK(parse({"-d", "--", "--bundle", "-x"}).positional() == Words{"--bundle", "-x"});
  CHECK(parse({"-", "id"}).positional() == Words{"-", "id"});
}

TEST_CASE("before_positionals leaves the words after the first positional alone", "[arguments]") {
  const cmd::Arguments arguments = parse({"-d", "id", "-9", "--bundle", "--"}, Order::before_positionals);
  CHECK(arguments.flag("detach"));
  CHECK(arguments.positional() == Words{"id", "-9", "--bundle", "--"});
  CHECK_FALSE(arguments.value("bundle"));
}

TEST_CASE("count_value takes 0 to 1023", "[arguments]") {
  CHECK(cmd::count_value("preserve-fds", "0") == 0);
  CHECK(cmd::count_value("preserve-fds", "1023") == 1023);
  for (const char* bad : {"", "-1", "1024", "x", "1 "})
    CHECK_THROWS_AS(cmd::count_value("preserve-fds", bad), Error);
}

TEST_CASE("what follows two dashes is a command", "[arguments]") {
  const cmd::Arguments arguments =
      parse({"id", "-d", "--", "ls", "-l", "--", "--detach=no"}, Order::command_after_dashes);
  CHECK(arguments.positional() == Words{"id"});
  CHECK(arguments.command() == Words{"ls", "-l", "--", "--detach=no"});
  CHECK(arguments.flag("detach"));
  CHECK(parse({"--", "id", "-d"}).positional() == Words{"id", "-d"});
  CHECK(parse({"a", "b", "--"}, Order::command_after_dashes).positional() == Words{"a", "b"});
}
