// What the READMEs of bundles/ and the tutorial say that one types and sees is what one sees.
#include <catch2/catch.hpp>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <set>
#include <stdexcept>

#include "tests/harness/console_session.hpp"
#include "tests/harness/skip.hpp"
#include "tests/integration/user_container.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

// Of a document that an ordinary user's commands are in.
bool user_gets_there(const Path& document) {
  for (const ConsoleStep& step : parse_console(read_file(document)))
    if (!step.as_root)
      return user_reaches_runtime() && run(drop + Words{"test", "-r", document.string()}).status == 0;
  return true;
}

void take(const Path& document, const Path& directory) {
  if (!fs::exists(document)) FAIL("no " << document);
  if (!user_gets_there(document)) return skip("uid 1000 can't read this directory, or not run ocx");
  run_console_document(document, directory);
}

void lesson(const std::string& name) {
  if (!runtime_is_ocx()) return skip("only ocx: the READMEs use its commands");
  const Path bundles = lessons();
  if (!fs::exists(bundles / "busybox/rootfs")) FAIL("no root file systems: `make bundles` fills them");
  take(bundles / name / "README.md", bundles.parent_path());
}

double free_gibibytes() {
  for (const std::string& line : lines(read_file("/proc/meminfo"))) {
    unsigned long kibibytes = 0;
    if (std::sscanf(line.c_str(), "MemAvailable: %lu kB", &kibibytes) == 1)
      return static_cast<double>(kibibytes) / (1 << 20);
  }
  return 0;
}

constexpr const char* example = R"(# A document

# not a command
```sh
# neither
```
```console
# echo one; echo two
one
…

# cat <<EOF
> text
> EOF
text
$ id -u
1000
```
```console
# true
```
)";

struct OutputRow {
  const char *wanted, *got;
  bool matches;
};

const OutputRow outputs[] = {
    {"", "", true},
    {"", "a\n", false},
    {"a\n", "", false},
    {"a\n", "a", true},
    {"a\n", "a\n\n", true},
    {"a\n\nb\n", "a\nb\n", false},
    {"a b\n", "a\t  b \n", true},
    {"a b\n", "ab\n", false},
    {"  a\n", "\ta\n", true},
    {"pid …\n", "pid 12\n", true},
    {"pid …\n", "pid\n", false},
    {"…a…b\n", "xaxbxb\n", true},
    {"…a…b\n", "xbxa\n", false},
    {"a…a\n", "a\n", false},
    {"…\n", "", true},
    {"…\n", "a\nb\n", true},
    {"a\n…\nb\n", "a\nb\n", true},
    {"a\n…\nb\n", "a\nb\nc\nb\n", true},
    {"a\n…\nb\n", "a\nb\nc\n", false},
    {"…\nb\n…\nd\n", "b\nc\nb\nd\n", true},
    {"…\nb\n…\nd\n", "d\nb\n", false},
};

}  // namespace

TEST_CASE("the commands of a document's console blocks, and what they print", "[lessons]") {
  const std::vector<ConsoleStep> steps = parse_console(example);
  REQUIRE(steps.size() == 4);
  CHECK(steps[0].command == "echo one; echo two");
  CHECK(steps[0].wanted == std::vector<std::string>{"one", "…"});
  CHECK(steps[0].line == 8);
  CHECK(steps[1].command == "cat <<EOF\ntext\nEOF");
  CHECK(steps[1].wanted == std::vector<std::string>{"text"});
  CHECK_FALSE(steps[2].as_root);
  CHECK(steps[2].wanted == std::vector<std::string>{"1000"});
  CHECK(steps[3].wanted.empty());

  CHECK(parse_console("").empty());
  CHECK_THROWS_AS(parse_console("```console\noutput\n```\n"), std::runtime_error);
  CHECK_THROWS_AS(parse_console("```console\n# true\n"), std::runtime_error);
  CHECK_THROWS_AS(parse_console("```console\n# true\n```\n```console\noutput\n```\n"), std::runtime_error);
}

TEST_CASE("output is compared line by line, with … for anything", "[lessons]") {
  for (const OutputRow& row : outputs) {
    INFO("wanted " << row.wanted << "\ngot " << row.got);
    CHECK(output_matches(lines(row.wanted), lines(row.got)) == row.matches);
  }
}

TEST_CASE("a session keeps variables and $?, and tells what it leaves", "[lessons]") {
  ConsoleSession session("/");
  CHECK(session.run({true, "word=kept; false", {}, 1}).empty());
  CHECK(session.run({true, "echo $? $word $(id -u) $PWD", {}, 2}) == "1 kept 0 /\n");
  if (user_reaches_runtime()) CHECK(session.run({false, "id -u; echo \"[$word]\"", {}, 3}) == "1000\n[]\n");
  CHECK(session.run({true, "cat; echo out; echo err >&2", {}, 4}) == "out\nerr\n");
  CHECK(session.leftovers().empty());
  const std::string name = "ocx-lessons-" + std::to_string(getpid());
  const std::string make = "mkdir /tmp/" + name + "; mount -t tmpfs lesson /tmp/" + name +
                           "; ip link add br9 type bridge; "
                           "setsid -f sleep 1000 >/dev/null 2>&1 </dev/null";
  session.run({true, make, {}, 5});
  const std::vector<std::string> left = session.leftovers();
  std::string all;
  for (const std::string& thing : left) all += thing + "\n";
  INFO(all);
  CHECK(left.size() == 4);
  for (const std::string& thing :
       {std::string("process "), std::string("mount "), std::string("interface br9"), "file /tmp/" + name})
    CHECK(contains(all, thing));
  session.run({true, "umount /tmp/" + name + "; rmdir /tmp/" + name, {}, 6});
}

TEST_CASE("every bundle is a lesson with a test", "[lessons]") {
  std::set<std::string> tests;
  for (const Catch::TestCase& test : Catch::getRegistryHub().getTestCaseRegistry().getAllTests())
    tests.insert(test.name);
  for (const auto& entry : fs::directory_iterator(lessons()))
    if (fs::exists(entry.path() / "config.json"))
      CHECK(tests.count("lesson: " + entry.path().filename().string()) == 1);
}

TEST_CASE("the tutorial", "[lessons]") {
  if (!runtime_is_ocx()) SKIP_TEST("only ocx: it uses its commands");
  for (const char* need : {"/usr/lib/cni/bridge", "/usr/lib/cni/host-local", "/usr/bin/jq"})
    if (!fs::exists(need)) SKIP_TEST(std::string("no ") + need);
  const Path directory = lessons().parent_path();
  take(directory / "docs/tutorial.md", directory);
}

TEST_CASE("lesson: hello", "[lessons]") {
  lesson("hello");
}

TEST_CASE("lesson: busybox", "[lessons]") {
  lesson("busybox");
}

TEST_CASE("lesson: chroot-is-not-enough", "[lessons]") {
  lesson("chroot-is-not-enough");
}

TEST_CASE("lesson: uts-hostname", "[lessons]") {
  lesson("uts-hostname");
}

TEST_CASE("lesson: pid-and-proc", "[lessons]") {
  lesson("pid-and-proc");
}

TEST_CASE("lesson: mount-private", "[lessons]") {
  lesson("mount-private");
}

TEST_CASE("lesson: ipc", "[lessons]") {
  lesson("ipc");
}

TEST_CASE("lesson: network-loopback", "[lessons]") {
  lesson("network-loopback");
}

TEST_CASE("lesson: network-veth", "[lessons]") {
  lesson("network-veth");
}

// User-mode Linux has no nat table for iptables.
TEST_CASE("lesson: network-bridge", "[lessons][qemu]") {
  for (const char* need : {"/usr/lib/cni/bridge", "/usr/lib/cni/host-local", "/usr/sbin/iptables"})
    if (!fs::exists(need)) SKIP_TEST(std::string("no ") + need);
  lesson("network-bridge");
}

TEST_CASE("lesson: user-namespace", "[lessons]") {
  lesson("user-namespace");
}

TEST_CASE("lesson: cgroup-namespace", "[lessons]") {
  lesson("cgroup-namespace");
}

TEST_CASE("lesson: time-namespace", "[lessons]") {
  lesson("time-namespace");
}

TEST_CASE("lesson: fork-bomb", "[lessons]") {
  lesson("fork-bomb");
}

TEST_CASE("lesson: half-a-cpu", "[lessons]") {
  lesson("half-a-cpu");
}

TEST_CASE("lesson: memory-limit", "[lessons]") {
  lesson("memory-limit");
}

TEST_CASE("lesson: memory-2g", "[lessons][big]") {
  if (free_gibibytes() < 4) SKIP_TEST("less than 4 GiB of memory are free");
  lesson("memory-2g");
}

TEST_CASE("lesson: capabilities", "[lessons]") {
  lesson("capabilities");
}

TEST_CASE("lesson: tmpfs-root", "[lessons]") {
  lesson("tmpfs-root");
}

TEST_CASE("lesson: read-only-volume", "[lessons]") {
  lesson("read-only-volume");
}

TEST_CASE("lesson: overlay", "[lessons]") {
  lesson("overlay");
}

TEST_CASE("lesson: join-namespaces", "[lessons]") {
  lesson("join-namespaces");
}

TEST_CASE("lesson: enter", "[lessons]") {
  lesson("enter");
}

TEST_CASE("lesson: seccomp-errno", "[lessons]") {
  lesson("seccomp-errno");
}

TEST_CASE("lesson: hooks", "[lessons]") {
  lesson("hooks");
}

TEST_CASE("lesson: rootless", "[lessons]") {
  lesson("rootless");
}
