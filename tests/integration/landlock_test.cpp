// Landlock rules by annotation, as the container's processes meet them.
#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "tests/integration/mount_table.hpp"

using namespace ocx::test;

namespace {

using Words = std::vector<std::string>;

long landlock_version() {
  return ::syscall(444, nullptr, 0UL, 1U);
}

struct Landlocked : Bundle {
  explicit Landlocked(Words payload, bool no_new_privileges = true) : Bundle(std::move(payload)) {
    process()["noNewPrivileges"] = no_new_privileges;
  }
  Landlocked& rules(const std::string& name, const std::string& value) {
    config["annotations"]["org.ocx.landlock." + name] = value;
    return *this;
  }
};

Words outcomes(Bundle& bundle) {
  Container container(bundle);
  return lines(container.output());
}

/// A listening abstract socket of the test's own network namespace.
class AbstractSocket {
 public:
  explicit AbstractSocket(const std::string& name) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path + 1, name.c_str(), sizeof address.sun_path - 2);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    REQUIRE(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(fd_.get(), 8) == 0);
  }

 private:
  Fd fd_;
};

}  // namespace

#define NEEDS_LANDLOCK(version)       \
  ONLY_OCX("annotations of its own"); \
  if (landlock_version() < (version)) \
  SKIP_TEST("the kernel's Landlock is version " + std::to_string(landlock_version()))

TEST_CASE("Landlock: files may be used as the rules say", "[landlock]") {
  NEEDS_LANDLOCK(5);
  const Words actions{"/bin/probe", "try",     "read",   "/etc/passwd",  "read",   "/secret",
                      "list",       "/data",   "create", "/data/new",    "create", "/new",
                      "truncate",   "/secret", "exec",   "/bin/busybox", "write",  "/etc/passwd"};
  const bool both[] = {true, false};
  for (const bool no_new_privileges : both) {
    INFO("no_new_privs " << no_new_privileges);
    Landlocked bundle(actions, no_new_privileges);
    write_file(bundle.rootfs() / "secret", "s");
    std::filesystem::create_directory(bundle.rootfs() / "data");
    write_file(bundle.rootfs() / "etc" / "passwd", "root:x:0:0::/home/of/root:/bin/sh\n");
    bundle.rules("fs", "read,execute:/bin/probe; read:/etc/passwd; read,write:/data");
    CHECK(outcomes(bundle) == Words{"ok", "EACCES", "ENODATA", "ok", "EACCES", "EACCES", "EACCES", "EACCES"});
    CHECK(read_file(bundle.rootfs() / "secret") == "s");
  }
}

TEST_CASE("Landlock: HOME is known although the rules hide /etc/passwd", "[landlock]") {
  NEEDS_LANDLOCK(5);
  Landlocked bundle({"/bin/probe", "facts"}, false);
  write_file(bundle.rootfs() / "etc" / "passwd", "root:x:0:0::/home/of/root:/bin/sh\n");
  bundle.rules("fs", "read,execute:/bin/probe; read:/proc");
  CHECK(payload_facts(bundle)["env"].dump().find("HOME=/home/of/root") != std::string::npos);
}

TEST_CASE("Landlock: a program that the rules do not let start is start's error, with the reason",
          "[landlock]") {
  NEEDS_LANDLOCK(5);
  Landlocked bundle({"/bin/probe", "facts"});
  bundle.rules("fs", "read:/");
  Container container(bundle);
  REQUIRE_OK(container.create());
  const std::string message = error_message(container.start());
  CHECK(contains(message, "exec \"/bin/probe\": permission denied"));
  CHECK(contains(message, "Landlock rules (\"read,execute\""));
}

TEST_CASE("Landlock: TCP ports", "[landlock]") {
  NEEDS_LANDLOCK(4);
  Landlocked bundle(
      {"/bin/probe", "try", "bind", "8080", "bind", "8081", "connect", "8081", "connect", "8080"});
  bundle.rules("tcp", "bind:8080; connect:8081");
  CHECK(outcomes(bundle) == Words{"ok", "EACCES", "ECONNREFUSED", "EACCES"});
  bundle.rules("tcp", "");
  CHECK(outcomes(bundle) == Words(4, "EACCES"));
}

TEST_CASE("Landlock: scopes keep the container from sockets and processes outside", "[landlock]") {
  NEEDS_LANDLOCK(6);
  const std::string name = "ocx-test-" + std::to_string(::getpid());
  const AbstractSocket socket(name);
  Landlocked bundle({"/bin/probe", "try", "abstract", name, "signal", std::to_string(::getpid())});
  bundle.remove_namespace("network");
  bundle.remove_mount("/sys");
  bundle.remove_namespace("pid");
  CHECK(outcomes(bundle) == Words{"ok", "ok"});
  bundle.rules("scope", "abstract-unix-socket");
  CHECK(outcomes(bundle) == Words{"EPERM", "ok"});
  bundle.rules("scope", "abstract-unix-socket,signal");
  CHECK(outcomes(bundle) == Words{"EPERM", "EPERM"});
}

TEST_CASE("Landlock: rules are found in the container's root, links included", "[landlock]") {
  NEEDS_LANDLOCK(5);
  Landlocked bundle({"/bin/probe", "try", "read", "/data/file", "read", "/other/file"});
  for (const char* directory : {"data", "other"}) {
    std::filesystem::create_directory(bundle.rootfs() / directory);
    write_file(bundle.rootfs() / directory / "file", "x");
  }
  std::filesystem::create_symlink("/data", bundle.rootfs() / "link");
  bundle.rules("fs", "read,execute:/bin; read:/link");
  CHECK(outcomes(bundle) == Words{"ok", "EACCES"});
}

TEST_CASE("Landlock: a process that joins is under the same rules", "[landlock][exec]") {
  NEEDS_LANDLOCK(5);
  Landlocked bundle({"/bin/probe", "pause"});
  write_file(bundle.rootfs() / "secret", "s");
  bundle.rules("fs", "read,execute:/bin/probe").rules("tcp", "");
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  Result result =
      container.command({"exec", container.id(), "/bin/probe", "try", "read", "/secret", "connect", "80"});
  REQUIRE_OK(result);
  CHECK(result.out == "EACCES\nEACCES\n");
}

TEST_CASE("Landlock: mistakes are create's errors, with their place", "[landlock][errors]") {
  NEEDS_LANDLOCK(1);
  struct Row {
    const char *name, *value;
    std::vector<std::string> texts;
  };
  const Row rows[] = {
      {"fs",
       "reed:/",
       {"unknown right \"reed\"", "(/annotations/org.ocx.landlock.fs)", "did you mean \"read\"?"}},
      {"f", "read:/", {"unknown annotation \"org.ocx.landlock.f\"", "(/annotations/org.ocx.landlock.f)"}},
      {"tcp", "bind:web", {"\"web\" is no port", "(/annotations/org.ocx.landlock.tcp)"}},
  };
  for (const Row& row : rows) {
    Landlocked bundle({});
    bundle.rules(row.name, row.value);
    check_refused(bundle, row.texts);
  }
}

TEST_CASE("Landlock: a path that the image lacks is named", "[landlock][errors]") {
  NEEDS_LANDLOCK(5);
  Landlocked bundle({}, false);
  bundle.rules("fs", "all:/; read:/no/such");
  check_refused(bundle,
                {"Landlock rule for \"/no/such\"", "no such file", "(/annotations/org.ocx.landlock.fs)"});
}
