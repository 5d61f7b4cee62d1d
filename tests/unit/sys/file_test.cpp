#include "sys/file.hpp"

#include <catch2/catch.hpp>
#include <linux/magic.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "sys/error.hpp"

using namespace ocx;

namespace {

/// A directory of its own, removed with the names a test put into it.
class Scratch {
 public:
  Scratch() {
    char name[] = "/tmp/ocx-file-test.XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
    fd = sys::openat(sys::FdRef::cwd(), path, O_RDONLY | O_DIRECTORY);
  }
  ~Scratch() { remove(path); }
  std::string path;
  sys::UniqueFd fd;

 private:
  static void remove(const std::string& directory) {
    const sys::UniqueFd own = sys::openat(sys::FdRef::cwd(), directory, O_RDONLY | O_DIRECTORY);
    for (const std::string& name : sys::list_directory(own))
      if (sys::try_unlinkat(own, name) == EISDIR) remove(directory + "/" + name);
    sys::try_unlinkat(sys::FdRef::cwd(), directory, AT_REMOVEDIR);
  }
};

template <typename Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

mode_t permissions(const Scratch& scratch, const std::string& name) {
  return sys::fstatat(scratch.fd, name)->st_mode & 07777U;
}

}  // namespace

TEST_CASE("openat is close-on-exec and names the path in its error", "[file]") {
  const Scratch scratch;
  const sys::UniqueFd file = sys::openat(scratch.fd, "a", O_WRONLY | O_CREAT, 0640);
  CHECK((::fcntl(file.ref().raw(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(permissions(scratch, "a") == 0640);
  CHECK(message_of([&] { sys::openat(scratch.fd, "none", O_RDONLY); }) ==
        "openat \"none\": no such file or directory");
  CHECK(sys::try_openat(scratch.fd, "none", O_RDONLY).error_number == ENOENT);
  CHECK_FALSE(sys::try_openat(scratch.fd, "none", O_RDONLY));
}

TEST_CASE("read_file reads all sizes and refuses more than its limit", "[file]") {
  const Scratch scratch;
  for (const std::size_t size : {0UL, 1UL, 4095UL, 4096UL, 4097UL, 100000UL}) {
    const std::string data(size, 'x');
    sys::replace_file(scratch.fd, "f", data, 0600);
    CHECK(sys::read_file(scratch.fd, "f") == data);
    CHECK(sys::read_file(scratch.fd, "f", size) == data);
    if (size > 0) CHECK_THROWS_AS(sys::read_file(scratch.fd, "f", size - 1), Error);
  }
  CHECK(message_of([&] { sys::read_file(scratch.fd, "f", 10); }) ==
        "\"f\": read: content is larger than 10 bytes");
  CHECK(message_of([&] { sys::read_file(scratch.fd, "."); }) == "\".\": read: is a directory");
}

TEST_CASE("read_file_if_any tells absent from unreadable", "[file]") {
  const Scratch scratch;
  CHECK_FALSE(sys::read_file_if_any(scratch.fd, "f"));
  sys::replace_file(scratch.fd, "f", "1", 0600);
  CHECK(sys::read_file_if_any(scratch.fd, "f") == "1");
  CHECK_THROWS_AS(sys::read_file_if_any(scratch.fd, "f/x"), Error);
}

TEST_CASE("write_all writes through a pipe smaller than the data", "[file]") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  sys::UniqueFd reader(ends[0]), writer(ends[1]);
  const int size = ::fcntl(ends[1], F_GETPIPE_SZ);
  const std::string data(static_cast<std::size_t>(size), 'y');
  sys::write_all(writer, data);
  writer.reset();
  CHECK(sys::read_all(reader) == data);
}

TEST_CASE("write_file writes an existing file only", "[file]") {
  const Scratch scratch;
  CHECK(sys::try_write_file(scratch.fd, "f", "1") == ENOENT);
  sys::replace_file(scratch.fd, "f", "", 0600);
  CHECK(sys::try_write_file(scratch.fd, "f", "1") == 0);
  CHECK(sys::read_file(scratch.fd, "f") == "1");
  CHECK(message_of([] { sys::write_file(sys::FdRef::cwd(), "/proc/self/oom_score_adj", "5000"); }) ==
        "write \"5000\" to \"/proc/self/oom_score_adj\": invalid argument");
  CHECK(sys::try_write_file(sys::FdRef::cwd(), "/proc/self/oom_score_adj", "5000") == EINVAL);
}

TEST_CASE("replace_file replaces by rename and leaves nothing else", "[file]") {
  const Scratch scratch;
  sys::replace_file(scratch.fd, "f", "old", 0600);
  const auto old = sys::openat(scratch.fd, "f", O_RDONLY);
  sys::replace_file(scratch.fd, "f", "new", 0644);
  CHECK(sys::read_all(old) == "old");  // a reader in between keeps what it opened
  CHECK(sys::read_file(scratch.fd, "f") == "new");
  CHECK(permissions(scratch, "f") == 0644);
  sys::mkdirat(scratch.fd, "d", 0700);
  CHECK(message_of([&] {
          sys::replace_file(scratch.fd, "d", "x", 0600);
        }).starts_with("replace \"d\": renameat"));
  CHECK(sys::list_directory(scratch.fd).size() == 2);
}

TEST_CASE("mkdirat, unlinkat, readlinkat report their path", "[file]") {
  const Scratch scratch;
  sys::mkdirat(scratch.fd, "d", 0711);
  CHECK(permissions(scratch, "d") == 0711);
  CHECK(sys::try_mkdirat(scratch.fd, "d", 0711) == EEXIST);
  CHECK(message_of([&] { sys::mkdirat(scratch.fd, "d", 0711); }) == "mkdirat \"d\": file exists");
  CHECK(message_of([&] { sys::unlinkat(scratch.fd, "none"); }) ==
        "unlinkat \"none\": no such file or directory");
  REQUIRE(::symlinkat("target/x", scratch.fd.ref().raw(), "l") == 0);
  CHECK(sys::readlinkat(scratch.fd, "l") == "target/x");
  CHECK(message_of([&] { sys::readlinkat(scratch.fd, "d"); }) == "readlinkat \"d\": invalid argument");
  sys::unlinkat(scratch.fd, "d", AT_REMOVEDIR);
  CHECK_FALSE(sys::fstatat(scratch.fd, "d"));
}

TEST_CASE("fstat works on O_PATH, fstatat tells absent from failing", "[file]") {
  const Scratch scratch;
  const sys::UniqueFd path = sys::openat(scratch.fd, ".", O_PATH);
  CHECK(S_ISDIR(sys::fstat(path).st_mode));
  CHECK(sys::fstat(path).st_ino == sys::fstat(scratch.fd).st_ino);
  CHECK_FALSE(sys::fstatat(scratch.fd, "none"));
  sys::replace_file(scratch.fd, "f", "", 0600);
  CHECK_THROWS_AS(sys::fstatat(scratch.fd, "f/x"), Error);
}

TEST_CASE("list_directory gives every name, again and again, also through O_PATH", "[file]") {
  const Scratch scratch;
  for (int i = 0; i < 700; ++i)
    sys::openat(scratch.fd, "a-name-of-some-length-" + std::to_string(i), O_WRONLY | O_CREAT, 0600);
  CHECK(sys::list_directory(scratch.fd).size() == 700);
  CHECK(sys::list_directory(scratch.fd).size() == 700);
  const sys::UniqueFd path = sys::openat(scratch.fd, ".", O_PATH);
  const auto names = sys::list_directory(path);
  CHECK(std::count(names.begin(), names.end(), "a-name-of-some-length-699") == 1);
}

TEST_CASE("make_directories makes what is missing and keeps what is there", "[file]") {
  const Scratch scratch;
  sys::mkdirat(scratch.fd, "a", 0755);
  sys::make_directories(scratch.path + "/a/b/c", 0700);
  CHECK(permissions(scratch, "a") == 0755);
  CHECK(permissions(scratch, "a/b") == 0700);
  CHECK(permissions(scratch, "a/b/c") == 0700);
  CHECK_NOTHROW(sys::make_directories(scratch.path + "/a/b/c", 0700));
  sys::replace_file(scratch.fd, "f", "", 0600);
  CHECK(message_of([&] { sys::make_directories(scratch.path + "/f/x", 0700); }).ends_with("not a directory"));
}

TEST_CASE("small ones: current_directory, filesystem_type, descriptor_path", "[file]") {
  CHECK(sys::current_directory().front() == '/');
  CHECK(sys::filesystem_type(sys::openat(sys::FdRef::cwd(), "/proc", O_PATH)) == PROC_SUPER_MAGIC);
  CHECK(sys::descriptor_path(sys::FdRef(17)) == "/proc/self/fd/17");
}
