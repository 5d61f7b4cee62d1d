#include "runtime/environment.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "sys/file.hpp"
#include "tests/harness/bundle.hpp"

using namespace ocx;
using namespace ocx::runtime;
using Words = std::vector<std::string>;

namespace {

std::string home_with(const std::string& passwd, uid_t uid) {
  test::TempDir root;
  test::write_file(root.path() / "etc/passwd", passwd);
  return home_directory(sys::openat(sys::FdRef::cwd(), root.path(), O_PATH | O_DIRECTORY), uid);
}

}  // namespace

TEST_CASE("each name once: the last value, at the place of the first") {
  CHECK(payload_environment({}) == Words{});
  CHECK(payload_environment({"A=1", "B=2", "A=3", "C", "B="}) == Words{"A=3", "B=", "C"});
  CHECK(payload_environment({"A", "A=1", "=x", "=y"}) == Words{"A=1", "=y"});
  CHECK(payload_environment({"AB=1", "A=2"}) == Words{"AB=1", "A=2"});
}

TEST_CASE("thousands of variables take no quadratic time") {
  Words many;
  for (int i = 0; i < 50000; ++i)
    many.push_back("NAME" + std::to_string(i % 40000) + "=" + std::to_string(i));
  const Words once = payload_environment(many);
  CHECK(once.size() == 40000);
  CHECK(once[0] == "NAME0=40000");
  CHECK(once[20000] == "NAME20000=20000");
}

TEST_CASE("a variable is found by its whole name") {
  const Words env = {"PATH=/bin", "EMPTY=", "BARE", "PATHS=x", "WITH=a=b"};
  CHECK(variable(env, "PATH") == "/bin");
  CHECK(variable(env, "EMPTY") == "");
  CHECK(variable(env, "WITH") == "a=b");
  CHECK_FALSE(variable(env, "BARE").has_value());
  CHECK_FALSE(variable(env, "PAT").has_value());
}

TEST_CASE("a variable is replaced in its place or added") {
  Words env = {"A=1", "B=2"};
  set_variable(env, "A", "x");
  set_variable(env, "C", "");
  CHECK(env == Words{"A=x", "B=2", "C="});
}

TEST_CASE("HOME comes from the container's passwd, by number only") {
  const std::string passwd =
      "root:x:0:0:root:/root:/bin/sh\n1000:x:7:7::/by-name:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n";
  CHECK(home_with(passwd, 0) == "/root");
  CHECK(home_with(passwd, 1000) == "/home/user");
  CHECK(home_with(passwd, 7) == "/by-name");
  CHECK(home_with(passwd, 8) == "/");
}

TEST_CASE("lines that are no entries are passed over") {
  CHECK(home_with("", 0) == "/");
  CHECK(home_with("root:x:0\n:::::\n\n#x\nroot:x:0:0:r:/second", 0) == "/second");
  CHECK(home_with("root:x:0:0:r::/bin/sh\n", 0) == "/");
  CHECK(home_with(std::string("ro\0ot:x:0:0:r:/nul:/bin/sh\n", 27), 0) == "/nul");
  CHECK(home_with("root:x: 0:0:r:/space:/bin/sh\nroot:x:00:0:r:/zeros:/bin/sh\n", 0) == "/");
}

TEST_CASE("a passwd that is no file, or no end, gives the fallback") {
  test::TempDir root;
  const test::Path passwd = root.path() / "etc/passwd";
  std::filesystem::create_directories(passwd.parent_path());
  const sys::UniqueFd fd = sys::openat(sys::FdRef::cwd(), root.path(), O_PATH | O_DIRECTORY);
  CHECK(home_directory(fd, 0) == "/");
  REQUIRE(::mkfifo(passwd.c_str(), 0666) == 0);
  CHECK(home_directory(fd, 0) == "/");
  std::filesystem::remove(passwd);
  test::write_file(passwd, "root:x:0:0::/root:/bin/sh\n");
  std::filesystem::resize_file(passwd, 1L << 30);
  CHECK(home_directory(fd, 0) == "/");
}

TEST_CASE("a passwd that is a link stays inside the root") {
  test::TempDir root;
  test::write_file(root.path() / "outside", "root:x:0:0::/outside:/bin/sh\n");
  test::write_file(root.path() / "root/inside", "root:x:0:0::/inside:/bin/sh\n");
  std::filesystem::create_directories(root.path() / "root/etc");
  const sys::UniqueFd fd = sys::openat(sys::FdRef::cwd(), root.path() / "root", O_PATH | O_DIRECTORY);
  const test::Path passwd = root.path() / "root/etc/passwd";
  for (const std::string& target : {std::string("../../outside"), (root.path() / "outside").string()}) {
    std::filesystem::create_symlink(target, passwd);
    CHECK(home_directory(fd, 0) == "/");
    std::filesystem::remove(passwd);
  }
  std::filesystem::create_symlink("/inside", passwd);
  CHECK(home_directory(fd, 0) == "/inside");
}
