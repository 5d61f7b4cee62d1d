#include "cgroups/device_policy.hpp"

#include <catch2/catch.hpp>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <atomic>
#include <new>

#include "cgroups/settings.hpp"
#include "sys/bpf.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "tests/harness/bundle.hpp"
#include "tests/harness/forked.hpp"
#include "tests/unit/cgroups/cgroup_view.hpp"
#include "tests/unit/cgroups/device_rules.hpp"

using namespace ocx;
using namespace ocx::cgroups;
using namespace ocx::test;
using ocx::spec::DeviceRule;

namespace {

/// A cgroup of its own in the v2 tree; gone at the end, with its programs.
class Cgroup {
 public:
  explicit Cgroup(const std::string& parent)
      : path_(parent + "/" + unique_name()),
        made_(::mkdir(path_.c_str(), 0755)),
        directory_(sys::openat(sys::FdRef::cwd(), path_, O_RDONLY | O_DIRECTORY)) {}
  ~Cgroup() { ::rmdir(path_.c_str()); }
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;

  const std::string& path() const { return path_; }
  sys::FdRef directory() const { return directory_; }
  std::vector<std::uint32_t> ids() const { return sys::bpf_query_device_programs(directory_).ids; }
  /// Names of the attached programs.
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const std::uint32_t id : ids())
      result.push_back(sys::bpf_program_name(sys::try_bpf_open_program(id).fd));
    return result;
  }
  /// The calling process becomes a member.
  void enter() const { sys::write_file(sys::FdRef::cwd(), path_ + "/cgroup.procs", "0"); }

 private:
  std::string path_;
  int made_;
  sys::UniqueFd directory_;
};

/// A program that gives every request the same answer, attached by somebody else.
sys::UniqueFd other_program(const Cgroup& cgroup, int answer, std::uint32_t flags,
                            const char* name = "sd_devices") {
  bpf_insn move{}, exit{};
  move.code = BPF_ALU64 | BPF_MOV | BPF_K;
  move.imm = answer;
  exit.code = BPF_JMP | BPF_EXIT;
  sys::UniqueFd program = sys::bpf_load_device_program({move, exit}, name);
  REQUIRE(sys::try_bpf_attach(cgroup.directory(), program, flags) == 0);
  return program;
}

struct Node {
  const char* name;
  mode_t type;
  unsigned major, minor;
};
constexpr Node nodes[] = {{"null", S_IFCHR, 1, 3},   {"zero", S_IFCHR, 1, 5}, {"full", S_IFCHR, 1, 7},
                          {"kmsg", S_IFCHR, 1, 11},  {"loop", S_IFBLK, 7, 0}, {"loop1", S_IFBLK, 7, 1},
                          {"urandom", S_IFCHR, 1, 9}};

/// Device nodes on a file system of the test's own.
class Nodes {
 public:
  Nodes() {
    for (const Node& node : nodes)
      made_ &= ::mknod(path(node.name).c_str(), node.type | 0666, makedev(node.major, node.minor)) == 0;
    // Only what may be used as well counts: /tmp may be mounted with nodev, or a policy may be above.
    made_ &= open("null", O_RDWR) == 0;
  }
  bool usable() const { return made_; }
  std::string path(const std::string& name) const { return directory_.path() / name; }
  /// 0 or errno.
  int open(const std::string& name, int flags) const {
    const int fd = ::open(path(name).c_str(), flags | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return errno;
    ::close(fd);
    return 0;
  }

 private:
  TempDir directory_;
  bool made_ = true;
};

std::string v2_mount() {
  const Hierarchies view = only_v2();
  return is_writable(view) ? view.all.front().mount_point : "";
}

#define NEEDS_V2(mount)                 \
  const std::string mount = v2_mount(); \
  if (mount.empty()) SKIP_TEST("no writable cgroup v2 tree here")
#define NEEDS_NODES(name) \
  const Nodes name;       \
  if (!name.usable()) SKIP_TEST("device nodes can't be made and used here")

struct Attempt {
  const char* node;
  int flags;
  bool allowed;
};

/// "" or what was answered otherwise, by a process in the cgroup. Nobody has to have the device: what the
/// policy denies is EPERM, and all else is not its answer.
std::string tried(const Cgroup& cgroup, const Nodes& files, const std::vector<Attempt>& attempts) {
  const std::string result = forked([&] {
    cgroup.enter();
    for (const Attempt& attempt : attempts) {
      const int error_number = files.open(attempt.node, attempt.flags);
      if ((error_number != EPERM) != attempt.allowed)
        throw std::runtime_error(std::string(attempt.node) + " " + std::to_string(attempt.flags) + ": " +
                                 errno_text(error_number));
    }
  });
  return result == "ok" ? "" : result;
}

Error policy_error(sys::FdRef cgroup, const std::vector<DeviceRule>& rules) {
  try {
    attach_device_policy(cgroup, rules);
  } catch (const Error& error) {
    return error;
  }
  return Error("");
}

}  // namespace

TEST_CASE("device rules that nothing can apply are refused before anything exists", "[cgroups]") {
  const Versions v1{{"devices"}, false}, hybrid{{"devices"}, true}, v2{{}, true}, none{{"memory"}, false};
  const auto refused_at = [](const std::vector<DeviceRule>& rules, const Versions& versions) {
    spec::Resources resources;
    resources.devices = rules;
    try {
      check_resources(resources, versions);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::unsupported);
      return error.origin();
    }
    return std::string();
  };
  const std::vector<DeviceRule> partial = {deny_all, rule(true, 'b', any, any, "r"),
                                           rule(false, 'b', 7, 0, "r")};
  for (const Versions& versions : {hybrid, v2}) CHECK(refused_at(partial, versions) == "");
  CHECK(refused_at(partial, v1) == "/linux/resources/devices/2");
  CHECK(refused_at({deny_all, rule(true, 'b', 7, 0, "r")}, v1) == "");
  CHECK(refused_at({deny_all, rule(true, 'b', 7, 0, "r")}, none) == "/linux/resources/devices/1");
  CHECK(refused_at({allow_all}, none) == "/linux/resources/devices/0");
  CHECK(refused_at({deny_all}, none) == "");
}

TEST_CASE("the kernel applies the device policy of a cgroup", "[cgroups][bpf]") {
  NEEDS_V2(mount);
  NEEDS_NODES(files);
  struct Case {
    const char* name;
    std::vector<DeviceRule> rules;
    std::vector<Attempt> attempts;
  };
  const Case cases[] = {
      {"no rules", {}, {{"kmsg", O_RDONLY, true}, {"loop", O_RDONLY, true}}},
      {"nothing but the defaults",
       {deny_all},
       {{"null", O_RDWR, true},
        {"zero", O_RDONLY, true},
        {"full", O_WRONLY, true},
        {"urandom", O_RDONLY, true},
        {"kmsg", O_RDONLY, false},
        {"loop", O_RDONLY, false}}},
      {"everything", {allow_all}, {{"kmsg", O_RDONLY, true}, {"loop", O_RDONLY, true}}},
      {"one direction",
       {deny_all, rule(true, 'b', 7, 0, "r")},
       {{"loop", O_RDONLY, true},
        {"loop", O_WRONLY, false},
        {"loop", O_RDWR, false},
        {"loop1", O_RDONLY, false}}},
      {"the other direction by another rule",
       {deny_all, rule(true, 'b', 7, any, "r"), rule(true, 'b', 7, 0, "w")},
       {{"loop", O_RDWR, true},
        {"loop1", O_RDONLY, true},
        {"loop1", O_RDWR, false},
        {"kmsg", O_RDONLY, false}}},
      {"a part of a wildcard taken back",
       {deny_all, rule(true, 'b', any, any, "rwm"), rule(false, 'b', 7, 1, "w")},
       {{"loop", O_RDWR, true},
        {"loop1", O_RDONLY, true},
        {"loop1", O_WRONLY, false},
        {"kmsg", O_RDONLY, false}}},
      {"allowed but for one",
       {rule(false, 'c', 1, 11, "rwm")},
       {{"kmsg", O_RDONLY, false}, {"null", O_RDWR, true}, {"loop", O_RDONLY, true}}},
      {"the defaults come last", {rule(false, 'c', 1, 3, "rwm")}, {{"null", O_RDWR, true}}},
  };
  for (const Case& item : cases) {
    INFO(item.name);
    const Cgroup cgroup(mount);
    attach_device_policy(cgroup.directory(), item.rules);
    CHECK(tried(cgroup, files, item.attempts) == "");
    const Cgroup below(cgroup.path());
    CHECK(tried(below, files, item.attempts) == "");
  }
}

TEST_CASE("any node may be made, whatever may be opened", "[cgroups][bpf]") {
  NEEDS_V2(mount);
  NEEDS_NODES(files);
  const Cgroup cgroup(mount);
  attach_device_policy(cgroup.directory(), {deny_all});
  const std::string result = forked([&] {
    cgroup.enter();
    EXPECT(::mknod(files.path("made").c_str(), S_IFBLK | 0666, makedev(7, 2)) == 0);
    EXPECT(files.open("made", O_RDONLY) == EPERM);
  });
  CHECK(result == "ok");
}

TEST_CASE("a cgroup has one device program of ocx's", "[cgroups][bpf]") {
  NEEDS_V2(mount);
  NEEDS_NODES(files);
  const Cgroup cgroup(mount);
  attach_device_policy(cgroup.directory(), {deny_all});
  const std::vector<std::uint32_t> first = cgroup.ids();
  REQUIRE(cgroup.names() == std::vector<std::string>{"ocx_device"});
  SECTION("another replaces it") {
    attach_device_policy(cgroup.directory(), {deny_all, rule(true, 'c', 1, 11, "r")});
    CHECK(cgroup.names() == std::vector<std::string>{"ocx_device"});
    CHECK(cgroup.ids() != first);
    CHECK(tried(cgroup, files, {{"kmsg", O_RDONLY, true}, {"loop", O_RDONLY, false}}) == "");
  }
  SECTION("no rules leave it") {
    attach_device_policy(cgroup.directory(), {});
    CHECK(cgroup.ids() == first);
  }
  SECTION("it goes when everything is allowed") {
    attach_device_policy(cgroup.directory(), {allow_all});
    CHECK(cgroup.ids().empty());
  }
  SECTION("two become one") {
    const sys::UniqueFd second = other_program(cgroup, 0, BPF_F_ALLOW_MULTI, "ocx_device");
    REQUIRE(cgroup.ids().size() == 2);
    attach_device_policy(cgroup.directory(), {deny_all});
    CHECK(cgroup.ids().size() == 1);
    CHECK(tried(cgroup, files, {{"null", O_RDWR, true}, {"loop", O_RDONLY, false}}) == "");
  }
}

TEST_CASE("what others have attached stays in force", "[cgroups][bpf]") {
  NEEDS_V2(mount);
  NEEDS_NODES(files);
  const Cgroup cgroup(mount);
  const sys::UniqueFd other = other_program(cgroup, 0, BPF_F_ALLOW_MULTI);
  for (const DeviceRule& first : {deny_all, rule(false, 'b', 7, 0, "r"), allow_all}) {
    attach_device_policy(cgroup.directory(), {first});
    CHECK(cgroup.names().front() == "sd_devices");
    CHECK(cgroup.ids().size() == (first.allow ? 1 : 2));
    CHECK(tried(cgroup, files, {{"null", O_RDWR, false}}) == "");
  }
}

TEST_CASE("a program that stands no other is replaced", "[cgroups][bpf]") {
  NEEDS_V2(mount);
  NEEDS_NODES(files);
  for (const std::uint32_t flags : {0U, std::uint32_t{BPF_F_ALLOW_OVERRIDE}}) {
    const Cgroup cgroup(mount);
    const sys::UniqueFd other = other_program(cgroup, 0, flags);
    attach_device_policy(cgroup.directory(), {deny_all});
    CHECK(cgroup.names() == std::vector<std::string>{"ocx_device"});
    CHECK(tried(cgroup, files, {{"null", O_RDWR, true}, {"loop", O_RDONLY, false}}) == "");
  }
}

TEST_CASE("a cgroup that lets none below have a program is named", "[cgroups][bpf]") {
  NEEDS_V2(mount);
  const Cgroup parent(mount);
  const sys::UniqueFd other = other_program(parent, 1, 0);
  const Cgroup cgroup(parent.path());
  const Error error = policy_error(cgroup.directory(), {deny_all});
  CHECK(error.error_number() == EPERM);
  CHECK(error.origin() == "/linux/resources/devices");
  CHECK(error.hint() == "a cgroup above it may have a program that allows none below");
}

TEST_CASE("a policy is replaced without a gap", "[cgroups][bpf]") {
  NEEDS_V2(mount);
  NEEDS_NODES(files);
  struct Shared {
    std::atomic<bool> stop{false};
    std::atomic<long> opens{0}, refused{0}, let_in{0};
  };
  void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  auto* shared = new (memory) Shared;
  const Cgroup cgroup(mount);
  const std::vector<DeviceRule> lists[] = {{deny_all}, {deny_all, rule(true, 'c', 1, 11, "r")}};
  attach_device_policy(cgroup.directory(), lists[0]);
  const pid_t child = ::fork();
  if (child == 0) {
    cgroup.enter();
    for (; !shared->stop; ++shared->opens) {
      if (files.open("null", O_RDWR) != 0) ++shared->refused;
      if (files.open("loop", O_RDONLY) != EPERM) ++shared->let_in;
    }
    ::_exit(0);
  }
  while (shared->opens == 0) ::sched_yield();
  for (int i = 1; i <= 1000; ++i) attach_device_policy(cgroup.directory(), lists[i % 2]);
  shared->stop = true;
  ::waitpid(child, nullptr, 0);
  CHECK(shared->opens > 100);
  CHECK(shared->refused == 0);
  CHECK(shared->let_in == 0);
  CHECK(cgroup.ids().size() == 1);
  ::munmap(memory, sizeof(Shared));
}

TEST_CASE("a directory that is no cgroup of v2 is an error with its origin", "[cgroups][bpf]") {
  NEEDS_V2(mount);
  const TempDir directory;
  const sys::UniqueFd fd = sys::openat(sys::FdRef::cwd(), directory.path(), O_RDONLY | O_DIRECTORY);
  const Error error = policy_error(fd, {deny_all});
  CHECK(error.error_number() == EBADF);
  CHECK(error.origin() == "/linux/resources/devices");
}

TEST_CASE("in a user namespace the usual policy needs no program", "[cgroups][bpf][userns]") {
  NEEDS_V2(mount);
  const Cgroup cgroup(mount);
  const DeviceRule partial = rule(false, 'c', 1, 11, "r");
  const std::string result = forked([&] {
    EXPECT(::unshare(CLONE_NEWUSER) == 0);
    attach_device_policy(cgroup.directory(), {deny_all, rule(true, 'c', 1, 11, "r")});
    attach_device_policy(cgroup.directory(), {allow_all});
    const Error error = policy_error(cgroup.directory(), {allow_all, partial});
    EXPECT(error.kind() == ErrorKind::unsupported);
    EXPECT(error.origin() == "/linux/resources/devices/1");
  });
  CHECK(result == "ok");
  CHECK(cgroup.ids().empty());
}
