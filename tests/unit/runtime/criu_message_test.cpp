#include "runtime/criu_message.hpp"

#include <catch2/catch.hpp>
#include <sched.h>

#include "runtime/protobuf.hpp"
#include "sys/error.hpp"

using namespace ocx;
using namespace ocx::runtime;
using protobuf::Field;

namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

std::string varint(std::int64_t value) {
  protobuf::Writer out;
  out.number(1, value);
  return out.bytes().substr(1);
}

/// The fields of that number, as text: "7", or the bytes.
std::vector<std::string> fields(const std::string& message, unsigned number) {
  std::vector<std::string> found;
  for (const Field& field : protobuf::parse(message))
    if (field.number == number)
      found.push_back(field.kind == Field::Kind::number
                          ? std::to_string(static_cast<std::int64_t>(field.value))
                          : std::string(field.bytes));
  return found;
}

std::string options_of(const CriuRequest& request) {
  const auto found = fields(write_criu_request(request), 2);
  REQUIRE(found.size() == 1);
  return found[0];
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("varints as the encoding defines them", "[criu]") {
  CHECK(varint(0) == bytes({0}));
  CHECK(varint(127) == bytes({0x7f}));
  CHECK(varint(128) == bytes({0x80, 1}));
  CHECK(varint(150) == bytes({0x96, 1}));  // the example of the encoding's documentation
  CHECK(varint(-1) == std::string(9, '\xff') + '\x01');
  protobuf::Writer out;
  out.text(2, "testing");
  CHECK(out.bytes() == "\x12\x07testing");
  out = {};
  out.number(37, 1);
  CHECK(out.bytes() == bytes({0xa8, 2, 1}));
}

TEST_CASE("parsed messages keep order, nesting and unknown kinds", "[criu]") {
  const std::string message =
      bytes({0x08, 0x96, 1, 0x12, 2, 'h', 'i', 0x19, 1, 2, 3, 4, 5, 6, 7, 8, 0x25, 1, 2, 3, 4});
  const std::vector<Field> found = protobuf::parse(message);
  REQUIRE(found.size() == 4);
  CHECK(found[0].value == 150);
  CHECK(found[1].bytes == "hi");
  CHECK(found[2].kind == Field::Kind::other);
  CHECK(found[3].number == 4);
  CHECK(protobuf::parse("").empty());
}

TEST_CASE("malformed messages are errors", "[criu]") {
  const std::string messages[] = {bytes({0x08}),
                                  bytes({0x08, 0x80}),
                                  std::string(1, '\x08') + std::string(10, '\x80') + '\x01',
                                  bytes({0x12, 5, 'a'}),
                                  std::string(1, '\x12') + std::string(9, '\xff') + '\x01',
                                  bytes({0x00, 1}),
                                  bytes({0x0b}),
                                  bytes({0x0e}),
                                  bytes({0x19, 1, 2}),
                                  bytes({0xf8, 0xff, 0xff, 0xff, 0x7f, 1})};
  for (const std::string& message : messages) CHECK_THROWS_AS(protobuf::parse(message), Error);
}

TEST_CASE("a dump request says what is asked for and nothing else", "[criu]") {
  CriuRequest request;
  request.call = CriuCall::dump;
  CriuOptions& options = request.options.emplace();
  options.images_fd = 5;
  options.work_fd = 6;
  options.pid = 300;
  options.log_file = "dump.log";
  options.external = {"mnt[/a]:/a", "net[4]:k"};
  options.freeze_cgroup = "/sys/fs/cgroup/x";
  options.parent_images = "../p";
  options.track_memory = options.leave_running = true;
  options.settings.page_server = CriuPageServer{"::1", 80};
  options.settings.empty_namespaces = CLONE_NEWNET;
  options.settings.network_lock = CriuNetworkLock::skip;
  const std::string message = write_criu_request(request), sent = options_of(request);
  CHECK(fields(message, 1) == Texts{"1"});
  CHECK(fields(message, 3).empty());
  const std::pair<unsigned, Texts> rows[] = {{1, {"5"}},
                                             {2, {"300"}},
                                             {3, {"1"}},
                                             {4, {}},
                                             {5, {}},
                                             {7, {}},
                                             {9, {"4"}},
                                             {10, {"dump.log"}},
                                             {12, {"1"}},
                                             {13, {}},
                                             {14, {"../p"}},
                                             {15, {"1"}},
                                             {17, {"6"}},
                                             {24, {"1"}},
                                             {26, {}},
                                             {34, {"3"}},
                                             {37, {"mnt[/a]:/a", "net[4]:k"}},
                                             {38, {"1073741824"}},
                                             {44, {"/sys/fs/cgroup/x"}},
                                             {48, {}},
                                             {49, {}},
                                             {50, {}},
                                             {51, {}},
                                             {64, {"3"}}};
  for (const auto& [number, wanted] : rows) {
    INFO("field " << number);
    CHECK(fields(sent, number) == wanted);
  }
  const Texts server = fields(sent, 11);
  REQUIRE(server.size() == 1);
  CHECK(fields(server[0], 1) == Texts{"::1"});
  CHECK(fields(server[0], 2) == Texts{"80"});
}

TEST_CASE("a restore request has its descriptors, cgroups and namespaces", "[criu]") {
  CriuRequest request;
  request.call = CriuCall::restore;
  CriuOptions& options = request.options.emplace();
  options.root = "/r";
  options.restore_sibling = options.orphan_terminal = true;
  options.inherited = {{"pipe:[7]", 4}};
  options.cgroup_roots = {{"cpu", "/a"}, {"", "/b"}};
  options.join_namespaces = {{"ipc", "/proc/1/ns/ipc"}};
  options.settings.cgroup_mode = CriuCgroupMode::ignore;
  const std::string sent = options_of(request);
  CHECK(fields(sent, 26) == Texts{"1"});
  CHECK(fields(sent, 50) == Texts{"1"});
  CHECK(fields(sent, 34) == Texts{"0"});
  CHECK(fields(fields(sent, 27).at(0), 1) == Texts{"pipe:[7]"});
  CHECK(fields(fields(sent, 27).at(0), 2) == Texts{"4"});
  CHECK(fields(fields(sent, 25).at(0), 1) == Texts{"cpu"});
  CHECK(fields(fields(sent, 25).at(1), 1).empty());
  CHECK(fields(fields(sent, 25).at(1), 2) == Texts{"/b"});
  CHECK(fields(fields(sent, 39).at(0), 2) == Texts{"/proc/1/ns/ipc"});
}

TEST_CASE("answers to notifications and feature checks", "[criu]") {
  CriuRequest request;
  request.call = CriuCall::notify;
  request.notify_success = false;
  CHECK(write_criu_request(request) == bytes({0x08, 6, 0x18, 0}));
  request.notify_success = true;
  CHECK(write_criu_request(request) == bytes({0x08, 6, 0x18, 1}));
  request = {};
  request.call = CriuCall::feature_check;
  request.keep_open = true;
  request.features = CriuFeatures{true, false};
  CHECK(write_criu_request(request) == bytes({0x08, 9, 0x20, 1, 0x2a, 2, 0x08, 1}));
}

TEST_CASE("responses", "[criu]") {
  const CriuResponse version =
      parse_criu_response(bytes({0x08, 10, 0x10, 1, 0x52, 6, 0x08, 3, 0x10, 17, 0x20, 1}));
  CHECK(version.success);
  CHECK(version.version.number() == 31701);
  const CriuResponse notification =
      parse_criu_response(bytes({0x08, 6, 0x10, 1, 0x2a, 7, 0x0a, 2, 'h', 'i', 0x10, 0x96, 1}));
  CHECK(notification.call == static_cast<int>(CriuCall::notify));
  CHECK(notification.script == "hi");
  CHECK(notification.notify_pid == 150);
  const CriuResponse restored = parse_criu_response(bytes({0x08, 2, 0x10, 1, 0x22, 2, 0x08, 9}));
  CHECK(restored.restored_pid == 9);
  const CriuResponse failed =
      parse_criu_response(bytes({0x08, 1, 0x10, 0, 0x38, 2, 0x4a, 1, 'x', 0x7a, 1, 'y'}));
  CHECK_FALSE(failed.success);
  CHECK(failed.error_number == 2);
  CHECK(failed.error_message == "x");
  CHECK(parse_criu_response(bytes({0x08, 9, 0x10, 1, 0x42, 2, 0x08, 1})).features.memory_tracking);
}

TEST_CASE("responses that are none", "[criu]") {
  const std::string messages[] = {"",
                                  bytes({0x08, 1}),
                                  bytes({0x10, 1}),
                                  bytes({0x0a, 1, 'x', 0x10, 1}),               // a text for the type
                                  bytes({0x08, 6, 0x10, 1, 0x28, 1}),           // a number for a message
                                  bytes({0x08, 6, 0x10, 1, 0x2a, 2, 0x0a, 9}),  // nested and cut short
                                  bytes({0x08, 0x80, 0x80, 0x80, 0x80, 0x10, 0x10, 1})};  // beyond int
  for (const std::string& message : messages) CHECK_THROWS_AS(parse_criu_response(message), Error);
}
