#include "spec/json_reader.hpp"

#include <catch2/catch.hpp>

namespace ocx::spec {
namespace {

Error document_error(const std::string& text) {
  try {
    const JsonDocument document(text);
  } catch (const Error& error) {
    return error;
  }
  return Error("accepted");
}

template <class Read>
Error read_error(const std::string& text, Read read) {
  const JsonDocument document(text);
  try {
    read(document.root());
  } catch (const Error& error) {
    return error;
  }
  return Error("accepted");
}

}  // namespace

TEST_CASE("syntax errors say line and column", "[json]") {
  struct Row {
    std::string text;
    const char* place;
  };
  const Row row = GENERATE(values<Row>({
      {"", "line 1, column 1"},
      {"{]", "line 1, column 2"},
      {"{\n  \"a\": 1,\n  oops\n}", "line 3, column 3"},
      {"{} x", "line 1, column 4"},
      {"{} {}", "line 1, column 4"},
      {"{\"a\": 01}", "line 1, column 8"},
      {"[1,]", "line 1, column 4"},
      {"{\"a\": \"\xff\"}", "line 1, column 8"},
      {"{\"a\": \"\xc0\xaf\"}", "line 1, column 8"},
      {"{\"\xed\xa0\x80\": 1}", "line 1"},
      {"{\"a\": \"\\ud800\"}", "line 1"},
      {"{\"a\": \"\n\"}", "line 1"},
      {"nul", "line 1"},
      {"/* no comment */ {}", "line 1, column 1"},
      {std::string("{}\0", 3), "line 1, column 3"},
  }));
  const Error error = document_error(row.text);
  CAPTURE(row.text, error.what());
  CHECK(error.kind() == ErrorKind::invalid_config);
  CHECK_THAT(error.message(), Catch::StartsWith("invalid JSON at "));
  CHECK_THAT(error.message(), Catch::Contains(row.place));
  CHECK_THAT(error.message(), !Catch::Contains("last read"));
  CHECK_THAT(error.message(), !Catch::Contains("json.exception"));
}

TEST_CASE("a syntax error in a long line gives a short message", "[json]") {
  const Error error = document_error("{\"a\": \"" + std::string(1 << 20, 'x') + "\n");
  CHECK(error.message().size() < 600);
}

TEST_CASE("a name may occur once in an object", "[json]") {
  CHECK(document_error(R"({"a": 1, "b": {"c": [0, {"x": 1, "y": 2, "x": 1}]}})").origin() == "/b/c/1/x");
  CHECK(document_error(R"({"a": null, "a": null})").origin() == "/a");
  CHECK(document_error(R"({"a~/b": 1, "a~\/b": 2})").origin() == "/a~0~1b");
  CHECK(document_error(R"({"": 1, "": 2})").origin() == "/");
  CHECK(document_error("{\"a\": 1, \"\\u0061\": 2}").origin() == "/a");
  CHECK(document_error(R"({"a": {"x": 1}, "b": {"x": 1}, "A": 1})").message() == "accepted");
}

TEST_CASE("nesting ends at 256 levels", "[json]") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(document_error(nested(256)).message() == "accepted");
  CHECK_THAT(document_error(nested(257)).message(), Catch::Contains("nested deeper than 256 levels"));
  CHECK_THAT(document_error(std::string(1000000, '[')).message(), Catch::Contains("nested deeper"));
  std::string objects;
  for (int i = 0; i < 300; ++i) objects += R"({"a":)";
  CHECK_THAT(document_error(objects).origin(), Catch::StartsWith("/a/a/a/a"));
}

TEST_CASE("integers are exact and stay in their range", "[json]") {
  const JsonDocument document(
      R"([18446744073709551615, -9223372036854775808, 9007199254740993, 0, -0, 4294967295])");
  const auto list = document.root().elements();
  CHECK(list[0].get<std::uint64_t>() == 18446744073709551615ULL);
  CHECK(list[1].get<std::int64_t>() == std::numeric_limits<std::int64_t>::min());
  CHECK(list[2].get<std::int64_t>() == 9007199254740993);
  CHECK(list[3].get<std::int64_t>() == 0);
  CHECK(list[4].get<std::uint32_t>() == 0);
  CHECK(list[5].get<std::uint32_t>() == 4294967295U);
}

TEST_CASE("what is no integer of the range is refused with the value", "[json]") {
  struct Row {
    const char* value;
    const char* message;
  };
  const Row row = GENERATE(values<Row>({
      {"4294967296", "4294967296 is out of range 0..4294967295"},
      {"-1", "-1 is out of range 0..4294967295"},
      {"-9223372036854775808", "-9223372036854775808 is out of range 0..4294967295"},
      {"18446744073709551616", "18446744073709551616 is out of range 0..4294967295"},
      {"-9223372036854775809", "-9223372036854775809 is out of range 0..4294967295"},
      {"1.5", "expected an integer, got 1.5"},
      {"1.0", "expected an integer, got 1.0"},
      {"1e3", "expected an integer, got 1e3"},
      {"\"1\"", "expected an integer, got a string"},
      {"true", "expected an integer, got a boolean"},
      {"[]", "expected an integer, got an array"},
      {"{}", "expected an integer, got an object"},
  }));
  const auto read = [](const Json& root) { root["list"].elements()[0].get<std::uint32_t>(); };
  const Error error = read_error(std::string("{\"list\": [") + row.value + "]}", read);
  CHECK(error.message() == row.message);
  CHECK(error.origin() == "/list/0");
}

TEST_CASE("signed ranges are named too", "[json]") {
  const auto read = [](const Json& root) { root["a"].get<std::int64_t>(); };
  CHECK(read_error(R"({"a": 9223372036854775808})", read).message() ==
        "9223372036854775808 is out of range -9223372036854775808..9223372036854775807");
  const auto read_small = [](const Json& root) { root["a"].integer(-1000, 1000); };
  CHECK(read_error(R"({"a": -1001})", read_small).message() == "-1001 is out of range -1000..1000");
}

TEST_CASE("null counts as absent, but not as an element", "[json]") {
  const JsonDocument document(R"({"a": null, "list": null})");
  const Json root = document.root();
  std::string text = "unchanged";
  root["a"].read(text);
  root["missing"].read(text);
  CHECK(text == "unchanged");
  CHECK(root["list"].elements().empty());
  CHECK(root["list"].members().empty());
  const auto need = [](const Json& json) { json.need("a"); };
  CHECK(read_error(R"({"a": null})", need).message() == "\"a\" is required");
  CHECK(read_error(R"({"a": null})", need).origin() == "/a");
  CHECK(read_error(R"({})", need).origin() == "/a");
  const auto read_list = [](const Json& json) {
    std::vector<std::string> list;
    json["a"].read(list);
  };
  CHECK(read_error(R"({"a": ["x", null]})", read_list).message() == "expected a string, got null");
  CHECK(read_error(R"({"a": ["x", null]})", read_list).origin() == "/a/1");
}

TEST_CASE("a NUL byte in a string that is used is refused", "[json]") {
  const auto read = [](const Json& json) { json["a"].string(); };
  CHECK(read_error(R"({"a": "x\u0000y"})", read).origin() == "/a");
  CHECK(read_error(R"({"unused": "x\u0000y", "a": ""})", read).message() == "accepted");
  const auto members = [](const Json& json) { json["a"].members(); };
  CHECK(read_error(R"({"a": {"x\u0000y": 1}})", members).origin() == "/a/x\\u0000y");
}

TEST_CASE("an object is not taken for an array nor the reverse", "[json]") {
  const auto member = [](const Json& json) { json["a"]; };
  CHECK(read_error("[]", member).message() == "expected an object, got an array");
  CHECK(read_error("[]", member).origin().empty());
  CHECK(read_error("3", member).message() == "expected an object, got an integer");
  CHECK(read_error("null", member).message() == "expected an object, got null");
  const auto elements = [](const Json& json) { json.elements(); };
  CHECK(read_error("{}", elements).message() == "expected an array, got an object");
}

TEST_CASE("pointer tokens are escaped and bounded", "[json]") {
  CHECK(pointer_token("a/b~c") == "a~1b~0c");
  CHECK(pointer_token("") == "");
  CHECK(pointer_token("a\nb\x7f") == "a\\u000ab\\u007f");
  CHECK(pointer_token(std::string(300, 'x')) == std::string(256, 'x') + "...");
  CHECK(pointer_token(std::string(255, 'x') + "\xc3\xa9") == std::string(255, 'x') + "...");
}

}  // namespace ocx::spec
