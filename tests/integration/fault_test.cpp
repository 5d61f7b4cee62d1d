// Every step of create and run is made to fail, one after the other: nothing may be left, and the id is free
// again.
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>

#include "tests/harness/container.hpp"

namespace fs = std::filesystem;
using namespace ocx::test;

namespace {

// Listens where --console-socket points; what was sent there is dropped.
class ConsoleSink {
 public:
  explicit ConsoleSink(const Path& path)
      : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    REQUIRE(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(socket_.get(), 4) == 0);
  }
  void drop_all() {
    while (Fd(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC))) {
    }
  }

 private:
  Fd socket_;
};

// A bundle that has about everything that needs undoing.
class Rich {
 public:
  explicit Rich(bool user_namespace) {
    bundle.shell("exit 7");
    add_hooks();
    add_files();
    add_process();
    bundle.add_namespace("cgroup");
    bundle.add_namespace("time");
    bundle.config["linux"]["timeOffsets"] = {{"boottime", {{"secs", 100}}}};
    bundle.config["linux"]["sysctl"] = {{"net.ipv4.ip_forward", "1"}, {"kernel.shmmni", "512"}};
    bundle.config["linux"]["rootfsPropagation"] = "slave";
    bundle.config["domainname"] = "example.org";
    bundle.config["root"]["readonly"] = true;
    if (user_namespace) {
      bundle.use_user_namespace();
      // Nodes could only be bound from the same place on the host.
      for (json& device : bundle.config["linux"]["devices"])
        device = {{"path", device["path"]}, {"type", "p"}, {"fileMode", 0666}};
    }
    bundle.save();
  }

  Bundle bundle;
  Path log() const { return bundle.scratch() / "log"; }
  Path pid_file() const { return bundle.scratch() / "pid"; }
  size_t hooks_run(const std::string& kind) const {
    const std::vector<std::string> words = lines(read_file(log()));
    return static_cast<size_t>(std::count(words.begin(), words.end(), kind));
  }

 private:
  void add_hooks() {
    write_file(log(), "", 0666);
    chmod(log().c_str(), 0666);
    for (const char* kind : {"prestart", "createRuntime", "createContainer", "poststop"})
      bundle.config["hooks"][kind] =
          json::array({{{"path", "/bin/sh"},
                        {"args", {"sh", "-c", std::string("echo ") + kind + " >> " + log().string()}}}});
  }
  void add_files() {
    write_file(bundle.scratch() / "volume/file", "volume\n");
    write_file(bundle.rootfs() / "copied/file", "image\n");
    bundle.add_mount({{"destination", "/volume"},
                      {"type", "bind"},
                      {"source", bundle.scratch() / "volume"},
                      {"options", {"rbind", "rro", "nosuid"}}});
    bundle.add_mount({{"destination", "/copied"},
                      {"type", "tmpfs"},
                      {"source", "tmpfs"},
                      {"options", {"tmpcopyup", "ro"}}});
    bundle.config["linux"]["devices"] = json::array({device("/dev/made", 5), device("/opt/made", 7)});
  }
  static json device(const char* path, int minor) {
    return {{"path", path}, {"type", "c"}, {"major", 1}, {"minor", minor}, {"fileMode", 0666}};
  }
  void add_process() {
    json& process = bundle.process();
    process["user"] = {{"uid", 1000}, {"gid", 1000}, {"umask", 077}, {"additionalGids", {5}}};
    process["cwd"] = "/tmp/made/deep";
    process["oomScoreAdj"] = 500;
    process["scheduler"] = {{"policy", "SCHED_BATCH"}, {"nice", 3}};
    process["ioPriority"] = {{"class", "IOPRIO_CLASS_BE"}, {"priority", 3}};
    bundle.config["linux"]["personality"] = {{"domain", "LINUX"}};
  }
};

using Command = std::vector<std::string>;

/// One kind of command that is to fail at every place.
class Faults {
 public:
  Faults(Rich& rich, Container& container, Command command)
      : rich_(rich), container_(container), command_(std::move(command)) {
    command_.push_back(container.id());
  }

  /// Lets it fail there; false when there is no such place and the command has succeeded.
  bool fail_at(const std::string& place, int success) {
    INFO("failing at " << place);
    const size_t undone = rich_.hooks_run("poststop"), prepared = rich_.hooks_run("prestart");
    RunOptions options;
    options.add_env = {"OCX_TEST_FAIL_AT=" + place};
    const Result result = container_.command(command_, options);
    INFO(result.describe());
    if (!contains(result.err, "failure asked for")) {
      REQUIRE(result.status == success);
      return false;
    }
    // That the id was free again shows in the next round: it comes as far as this one.
    CHECK(result.status == 1);
    CHECK(contains(error_message(result), "failure asked for"));
    CHECK(lines(result.err).size() == 1);
    CHECK(result.out.empty());
    for (const std::string& thing : container_.leftovers()) FAIL_CHECK("left behind: " << thing);
    CHECK_FALSE(fs::exists(rich_.pid_file()));
    // What the hooks of create acquired, those of delete give back: once, and only then.
    CHECK(rich_.hooks_run("poststop") - undone == rich_.hooks_run("prestart") - prepared);
    return true;
  }

  /// All steps of one of init's two lists; their number.
  size_t fail_at_each(const std::string& list, int success, const std::function<void()>& clean) {
    size_t count = 0;
    while (fail_at(list + ":" + std::to_string(count), success)) ++count;
    clean();
    return count;
  }

 private:
  Rich& rich_;
  Container& container_;
  Command command_;
};

/// `success`: the status of the command when nothing fails.
void fail_everywhere(Rich& rich, Container& container, const Command& command, int success,
                     const std::function<void()>& clean) {
  Faults faults(rich, container, command);
  for (const char* stage : {"cgroup", "clone", "resources", "attributes", "save"})
    CHECK(faults.fail_at(stage, success));
  CHECK(rich.hooks_run("poststop") > 0);
  // Each list ends by itself; that it is a long one shows that the places meant something.
  CHECK(faults.fail_at_each("build", success, clean) > 15);
  CHECK(faults.fail_at_each("enter", success, clean) > 25);
}

}  // namespace

TEST_CASE("create that fails at any step leaves nothing", "[fault][contract]") {
  ONLY_OCX("only ocx can be told to fail");
  const bool user_namespace = GENERATE(false, true);
  CAPTURE(user_namespace);
  Rich rich(user_namespace);
  rich.bundle.process()["terminal"] = true;
  rich.bundle.save();
  const Path socket = rich.bundle.scratch() / "console";
  ConsoleSink sink(socket);
  Container container(rich.bundle);
  const Command create = {"create", "--bundle",   rich.bundle.path(), "--console-socket",
                          socket,   "--pid-file", rich.pid_file()};
  fail_everywhere(rich, container, create, 0, [&] {
    CHECK(container.status() == "created");
    CHECK(fs::exists(rich.pid_file()));
    REQUIRE_OK(container.force_delete());
    fs::remove(rich.pid_file());
    sink.drop_all();
  });
}

TEST_CASE("run that fails at any step leaves nothing", "[fault]") {
  ONLY_OCX("only ocx can be told to fail");
  Rich rich(false);
  Container container(rich.bundle);
  const Command run = {"run", "--bundle", rich.bundle.path(), "--pid-file", rich.pid_file()};
  fail_everywhere(rich, container, run, 7, [&] {
    CHECK(container.leftovers().empty());
    fs::remove(rich.pid_file());
  });
}
