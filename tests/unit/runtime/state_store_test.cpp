#include "runtime/state_store.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/mount.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <sstream>

#include "runtime/messages.hpp"
#include "runtime/operations.hpp"
#include "runtime/record.hpp"
#include "sys/error.hpp"
#include "sys/socket.hpp"
#include "tests/harness/skip.hpp"
#include "tests/unit/runtime/state_directory.hpp"

using namespace ocx;
using namespace ocx::runtime;
using ocx::test::StateRoot;
using ocx::test::WaitingProcess;

namespace {

mode_t mode_of(const std::string& path) {
  struct ::stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

template <typename Call>
ErrorKind kind_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind();
  }
  FAIL("no error");
  return ErrorKind::failed;
}

Record full_record() {
  Record record;
  record.id = "full";
  record.oci_version = "1.2.0";
  record.created = true;
  record.pid = 4711;
  record.start_time = 18446744073709551615ULL;
  record.bundle = "/b";
  record.rootfs = "/b/rootfs";
  record.created_at = "2026-01-02T03:04:05.000000006Z";
  record.owner_uid = 1000;
  record.annotations = {{"a=b", "c=d"}, {"x", ""}};
  record.cgroup_driver = CgroupDriver::disabled;
  record.cgroup_paths = {{"memory", "/sys/fs/cgroup/memory/full"}};
  record.cgroups_made = {"/sys/fs/cgroup/memory/full"};
  record.intel_rdt = {"/sys/fs/resctrl", "/sys/fs/resctrl/full", true,
                      "/sys/fs/resctrl/full/mon_groups/full"};
  record.namespace_paths = {{"mnt", "/proc/4711/ns/mnt"}, {"pid", "/proc/4711/ns/pid"}};
  record.own_pid_namespace = false;
  record.has_process = false;
  record.notify = true;
  record.poststart = {{"/p", {"p", "1"}, std::nullopt, std::nullopt}};
  record.poststop = {{"/q", {}, std::vector<std::string>{}, 5},
                     {"/r", {}, std::vector<std::string>{"A=1"}, std::nullopt}};
  record.stop_signal = "SIGINT";
  return record;
}

}  // namespace

TEST_CASE("ids", "[state]") {
  for (const char* id : {"a", "A-1_b+c.d", "...", ".x", "0"}) CHECK_NOTHROW(check_id(id));
  CHECK_THROWS_WITH(check_id(""), Catch::Contains(messages::empty_id));
  for (const char* id : {".", "..", "a/b", "../x", "a b", "ä", "a\n", "%s"})
    CHECK_THROWS_WITH(check_id(id), Catch::Contains(messages::invalid_id));
  const StateRoot root;
  CHECK_THROWS_WITH(StateDirectory::reserve(root.globals(), "a/b"), Catch::Contains(messages::invalid_id));
  CHECK_THROWS_WITH(StateDirectory::open(root.globals(), "a/b"), Catch::Contains(messages::invalid_id));
}

TEST_CASE("a directory is reserved once", "[state]") {
  const StateRoot root;
  StateDirectory first = StateDirectory::reserve(root.globals(), "x");
  CHECK(mode_of(root.of("")) == 0700);
  CHECK((mode_of(root.of("x")) & 0700) == 0700);
  CHECK((mode_of(root.of("x")) & 0066) == 0);
  CHECK(kind_of([&] { StateDirectory::reserve(root.globals(), "x"); }) == ErrorKind::already_exists);
  CHECK_THROWS_WITH(StateDirectory::reserve(root.globals(), "x"), Catch::Contains(messages::already_exists));
  first.erase();
  CHECK_FALSE(std::filesystem::exists(root.of("x")));
  CHECK_NOTHROW(StateDirectory::reserve(root.globals(), "x"));
}

TEST_CASE("what isn't there does not exist", "[state]") {
  const StateRoot root;
  CHECK(kind_of([&] { StateDirectory::open(root.globals(), "x"); }) == ErrorKind::does_not_exist);
  const StateDirectory reserved = StateDirectory::reserve(root.globals(), "x");
  CHECK(kind_of([&] { StateDirectory::open(root.globals(), "y"); }) == ErrorKind::does_not_exist);
  CHECK(kind_of([&] { reserved.load(); }) == ErrorKind::does_not_exist);
  CHECK_THROWS_WITH(state(root.globals(), "x"), Catch::Contains(messages::does_not_exist));
  std::ofstream(root.of("file")) << "x";
  std::filesystem::create_directory_symlink(root.of("x"), root.of("link"));
  CHECK(kind_of([&] { StateDirectory::open(root.globals(), "file"); }) == ErrorKind::does_not_exist);
  CHECK(kind_of([&] { StateDirectory::open(root.globals(), "link"); }) == ErrorKind::does_not_exist);
}

TEST_CASE("a record comes back as it was saved", "[state]") {
  const StateRoot root;
  const StateDirectory directory = StateDirectory::reserve(root.globals(), "full");
  const Record saved = full_record();
  directory.save(Record{});
  directory.save(saved);
  CHECK(mode_of(root.of("full/state.json")) == 0600);
  const Record loaded = StateDirectory::open(root.globals(), "full").load();
  CHECK(write_record(loaded) == write_record(saved));
  CHECK(loaded.start_time == saved.start_time);
  CHECK(loaded.annotations == saved.annotations);
  CHECK(loaded.cgroups_made == saved.cgroups_made);
  CHECK(loaded.intel_rdt == saved.intel_rdt);
  CHECK(loaded.namespace_paths == saved.namespace_paths);
  CHECK(loaded.cgroup_driver == CgroupDriver::disabled);
  CHECK_FALSE(loaded.own_pid_namespace);
  CHECK_FALSE(loaded.has_process);
  CHECK(loaded.notify);
  REQUIRE(loaded.poststop.size() == 2);
  CHECK(loaded.poststop[0].timeout == 5);
  REQUIRE(loaded.poststop[0].env);
  CHECK(loaded.poststop[0].env->empty());
  CHECK(loaded.poststart.at(0).args == std::vector<std::string>{"p", "1"});
  CHECK_FALSE(loaded.poststart.at(0).env);
  CHECK(loaded.stop_signal == "SIGINT");
  // Replaced by rename, nothing left beside it.
  CHECK(std::distance(std::filesystem::directory_iterator(root.of("full")), {}) == 1);
}

TEST_CASE("other tools find runc's keys", "[state]") {
  const auto json = nlohmann::json::parse(write_record(full_record()));
  CHECK(json["id"] == "full");
  CHECK(json["init_process_pid"] == 4711);
  CHECK(json["init_process_start"] == 18446744073709551615ULL);
  CHECK(json["created"] == "2026-01-02T03:04:05.000000006Z");
  CHECK(json["cgroup_paths"]["memory"] == "/sys/fs/cgroup/memory/full");
  CHECK(json["namespace_paths"]["NEWNS"] == "/proc/4711/ns/mnt");
  CHECK(json["config"]["rootfs"] == "/b/rootfs");
  CHECK(json["config"]["labels"] == nlohmann::json::array({"bundle=/b", "a=b=c=d", "x="}));
  CHECK(json["config"]["namespaces"][0]["type"] == "NEWNS");
}

TEST_CASE("damaged records are named, unknown keys are not damage", "[state]") {
  const StateRoot root;
  const StateDirectory directory = StateDirectory::reserve(root.globals(), "x");
  const char* damaged[] = {"",
                           "{",
                           "[]",
                           "\xff",
                           R"({"id":"y"})",
                           R"({"id":5})",
                           R"({"id":"x","init_process_pid":-1})",
                           R"({"id":"x","init_process_pid":2147483648})",
                           R"({"id":"x","init_process_pid":"1"})",
                           R"({"id":"x","init_process_start":1.5})",
                           R"({"id":"x","cgroup_paths":{"a":1}})",
                           R"({"id":"x","config":3})",
                           R"({"id":"x","ocx":{"cgroup_driver":"magic"}})",
                           R"({"id":"x","ocx":{"cgroups_made":["a",1]}})",
                           R"({"id":"x","ocx":{"poststop":[1]}})"};
  for (const char* text : damaged) {
    INFO(text);
    std::ofstream(root.of("x/state.json")) << text;
    try {
      directory.load();
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::failed);
      CHECK_THAT(error.what(),
                 Catch::Contains(root.of("x/state.json")) && Catch::Contains("ocx delete --force x"));
    }
  }
  std::ofstream(root.of("x/state.json")) << R"({"id":"x","new":[1],"created":null,"ocx":{"newer":{}}})";
  CHECK(directory.load().id == "x");
}

TEST_CASE("text that is no UTF-8 can't be saved", "[state]") {
  Record record;
  record.id = "x";
  record.bundle = "/\xff";
  CHECK_THROWS_WITH(write_record(record), Catch::Contains("UTF-8"));
}

TEST_CASE("one command at a time", "[state]") {
  const StateRoot root;
  auto first = std::make_unique<StateDirectory>(StateDirectory::reserve(root.globals(), "x"));

  SECTION("readers don't wait") {
    CHECK_NOTHROW(StateDirectory::open(root.globals(), "x"));
  }

  // A child that lets go after 200 ms, by `act`.
  const auto in_child = [&](auto act) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::usleep(200'000);
      act();
      ::_exit(0);
    }
    // The child's copy of the descriptor alone holds the lock now.
    first.reset();
    return child;
  };
  SECTION("the lock is waited for") {
    const auto begin = std::chrono::steady_clock::now();
    const pid_t child = in_child([] {});
    CHECK_NOTHROW(StateDirectory::open_locked(root.globals(), "x"));
    CHECK(std::chrono::steady_clock::now() - begin > std::chrono::milliseconds(150));
    ::waitpid(child, nullptr, 0);
  }
  SECTION("a directory that was removed meanwhile does not exist") {
    const pid_t child = in_child([&] { StateDirectory::open(root.globals(), "x").erase(); });
    CHECK(kind_of([&] { StateDirectory::open_locked(root.globals(), "x"); }) == ErrorKind::does_not_exist);
    ::waitpid(child, nullptr, 0);
  }
  SECTION("unlocked and locked again") {
    first->unlock();
    CHECK_NOTHROW(StateDirectory::open_locked(root.globals(), "x"));
    CHECK(first->relock());
    first->unlock();
    StateDirectory::open_locked(root.globals(), "x").erase();
    CHECK_FALSE(first->relock());
  }
}

TEST_CASE("the start gate", "[state]") {
  const StateRoot root;
  const StateDirectory directory = StateDirectory::reserve(root.globals(), "x");
  CHECK_FALSE(directory.has_gate());
  const sys::UniqueFd listener = directory.make_gate();
  CHECK(directory.has_gate());
  const sys::UniqueFd caller = directory.connect_gate();
  const sys::UniqueFd accepted = sys::accept(listener);
  sys::send_packet(caller, "go");
  CHECK(sys::receive_packet(accepted, 16).data == "go");
  directory.close_gate();
  CHECK_FALSE(directory.has_gate());
  CHECK_NOTHROW(directory.close_gate());
  CHECK_THROWS_AS(directory.connect_gate(), Error);
}

TEST_CASE("erase takes everything of the container and nothing else", "[state]") {
  const StateRoot root;
  StateDirectory directory = StateDirectory::reserve(root.globals(), "x");
  const std::string outside = root.of("outside");
  std::filesystem::create_directory(outside);
  std::ofstream(outside + "/keep") << "1";
  directory.save_config("{}");
  CHECK(text_of(root.of("x/config.json")) == "{}");
  CHECK(mode_of(root.of("x/config.json")) == 0600);
  directory.save(Record{});
  std::filesystem::create_directories(root.of("x/notify/deeper"));
  std::ofstream(root.of("x/notify/deeper/file")) << "1";
  std::filesystem::create_directory_symlink(outside, root.of("x/notify/link"));
  std::filesystem::create_directory_symlink(outside, root.of("x/link"));
  directory.erase();
  CHECK_FALSE(std::filesystem::exists(root.of("x")));
  CHECK(text_of(outside + "/keep") == "1");
  CHECK_NOTHROW(directory.erase());
}

TEST_CASE("erase does not reach into a mount", "[state][root]") {
  const StateRoot root;
  StateDirectory directory = StateDirectory::reserve(root.globals(), "x");
  const std::string outside = root.of("outside"), notify = root.of("x/notify");
  std::filesystem::create_directory(outside);
  std::filesystem::create_directory(notify);
  std::ofstream(outside + "/keep") << "1";
  // A bind mount of the same file system: the device number does not give it away.
  if (::geteuid() != 0 || ::mount(outside.c_str(), notify.c_str(), nullptr, MS_BIND, nullptr) != 0)
    SKIP_TEST("bind mounts need root");
  CHECK_THROWS_AS(directory.erase(), Error);
  CHECK(::umount2(notify.c_str(), MNT_DETACH) == 0);
  CHECK(text_of(outside + "/keep") == "1");
  CHECK_NOTHROW(directory.erase());
}

TEST_CASE("the ids of a root", "[state]") {
  const StateRoot root;
  CHECK_THROWS_WITH(container_ids(root.globals()), Catch::Contains("no such file or directory"));
  Globals implicit = root.globals();
  implicit.explicit_root = false;
  CHECK(container_ids(implicit).empty());
  StateDirectory::reserve(root.globals(), "b");
  StateDirectory::reserve(root.globals(), "a1");
  std::ofstream(root.of("file")) << "x";
  std::filesystem::create_directory(root.of("no id"));
  CHECK(container_ids(root.globals()) == std::vector<std::string>{"a1", "b"});
  CHECK(matching_ids(root.globals(), "^[a-z]$") == std::vector<std::string>{"b"});
  CHECK(matching_ids(root.globals(), "a[0-9]+|b") == std::vector<std::string>{"a1", "b"});
  CHECK(kind_of([&] { matching_ids(root.globals(), "("); }) == ErrorKind::usage);
}

TEST_CASE("the state root", "[state]") {
  struct Environment {
    Environment() { ::unsetenv("XDG_RUNTIME_DIR"); }
    ~Environment() { ::unsetenv("XDG_RUNTIME_DIR"); }
  } const environment;
  CHECK(state_root("") == "/run/ocx");
  CHECK(state_root("/x//y/") == "/x/y");
  ::setenv("XDG_RUNTIME_DIR", "", 1);
  CHECK(state_root("") == "/run/ocx");
  const StateRoot root;
  std::filesystem::create_directories(root.globals().root);
  std::filesystem::create_directory_symlink("/", root.of("link"));
  CHECK_THROWS_AS(state_root("/"), Error);
  CHECK_THROWS_AS(state_root("/tmp/.."), Error);
  CHECK_THROWS_AS(state_root(root.of("link")), Error);
  ::setenv("XDG_RUNTIME_DIR", root.of("").c_str(), 1);
  Globals globals;
  globals.root = root.of("ocx");
  ::setenv("XDG_RUNTIME_DIR", root.globals().root.c_str(), 1);
  StateDirectory::reserve(globals, "x");
  CHECK(mode_of(globals.root) == 01700);
  if (::geteuid() != 0) CHECK(state_root("") == globals.root);
}
