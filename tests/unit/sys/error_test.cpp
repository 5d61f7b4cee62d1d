#include "sys/error.hpp"

#include <catch2/catch.hpp>

#include <cerrno>

using ocx::Error;
using ocx::ErrorKind;

TEST_CASE("errno is worded as engines match it", "[error]") {
  CHECK(ocx::errno_text(ENOENT) == "no such file or directory");
  CHECK(ocx::errno_text(EACCES) == "permission denied");
  CHECK(ocx::errno_text(EPERM) == "operation not permitted");
  CHECK(ocx::errno_text(ENOTDIR) == "not a directory");
  CHECK(ocx::errno_text(EDOTDOT) == "RFS specific error");
  CHECK(ocx::errno_text(99999) == "error 99999");
}

TEST_CASE("an error is one line of context, call, errno, origin, hint", "[error]") {
  Error error = Error::from_errno("mount \"tmpfs\"", EINVAL);
  CHECK(error.what() == std::string("mount \"tmpfs\": invalid argument"));
  error.at("/mounts/4").hint("drop the option").in("on \"/run\"");
  CHECK(error.what() ==
        std::string("on \"/run\": mount \"tmpfs\": invalid argument (/mounts/4); drop the option"));
  CHECK(error.error_number() == EINVAL);
  CHECK(error.kind() == ErrorKind::failed);
}

TEST_CASE("the innermost origin and hint stay", "[error]") {
  Error error("x", ErrorKind::invalid_config);
  error.at("/mounts/4/options/2").at("/mounts/4").hint("first").hint("second");
  CHECK(error.origin() == "/mounts/4/options/2");
  CHECK(error.hint() == "first");
  CHECK(error.kind() == ErrorKind::invalid_config);
}

TEST_CASE("throw_errno takes errno before anything changes it", "[error]") {
  errno = ENOSPC;
  try {
    ocx::throw_errno("write");
  } catch (const Error& error) {
    CHECK(error.error_number() == ENOSPC);
  }
}
