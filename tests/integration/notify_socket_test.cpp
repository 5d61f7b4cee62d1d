// NOTIFY_SOCKET: sd_notify of the payload reaches the socket of the service manager that runs the runtime.
#include <catch2/catch.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

struct ServiceManager {
  Path path;
  Fd socket_fd;
  explicit ServiceManager(const Bundle& bundle) : path(bundle.scratch() / "notify.sock") {
    socket_fd = Fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    REQUIRE(bind(socket_fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  RunOptions options() const {
    RunOptions result;
    result.add_env = {"NOTIFY_SOCKET=" + path.string()};
    return result;
  }
  // Collects datagrams until one holds the text; barrier descriptors are closed, as systemd does.
  std::string wait_for(const std::string& text) {
    std::string all;
    while (!contains(all, text)) {
      INFO("received so far: " << all);
      pollfd entry{socket_fd.get(), POLLIN, 0};
      REQUIRE(poll(&entry, 1, 20000) == 1);
      char data[1024];
      alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))];
      iovec part{data, sizeof data};
      msghdr message{};
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      ssize_t size = recvmsg(socket_fd.get(), &message, MSG_CMSG_CLOEXEC);
      REQUIRE(size >= 0);
      for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
           header = CMSG_NXTHDR(&message, header)) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
        close(fd);
      }
      all += std::string(data, static_cast<size_t>(size)) + "\n";
    }
    return all;
  }
};

}  // namespace

TEST_CASE("READY of the payload is forwarded with its pid, and start waits for it", "[notify]") {
  Bundle bundle({"/bin/probe", "notify", "READY=1"});
  ServiceManager manager(bundle);
  Container container(bundle);
  REQUIRE_OK(container.create({}, manager.options()));
  Child start = container.spawn({"start", container.id()}, manager.options());
  std::string seen = manager.wait_for(runtime_is_ocx() ? "BARRIER=1" : "MAINPID=");
  CHECK(contains(seen, "READY=1"));
  CHECK(contains(seen, "MAINPID=" + std::to_string(container.pid())));
  REQUIRE_OK(start.wait());
}

TEST_CASE("the payload sees a socket of the container's, not the host's path", "[notify][contract]") {
  NOT_ON_RUNC("runc 1.1 waits for READY of a dead payload for ever");
  Bundle bundle({"/bin/probe", "facts"});
  ServiceManager manager(bundle);
  Container container(bundle);
  Result created = container.create({}, manager.options());
  REQUIRE_OK(created);
  container.spawn({"start", container.id()}, manager.options()).wait();
  container.wait_exit();
  auto env = parse_json(created.out_now())["env"].get<std::vector<std::string>>();
  CHECK(std::count(env.begin(), env.end(), "NOTIFY_SOCKET=/run/notify/notify.sock") == 1);
}

TEST_CASE("without NOTIFY_SOCKET there is none in the container", "[notify]") {
  Bundle bundle;
  const json env = payload_facts(bundle)["env"];
  for (const json& entry : env) CHECK(entry.get<std::string>().rfind("NOTIFY_SOCKET", 0) != 0);
  CHECK_FALSE(std::filesystem::exists(bundle.rootfs() / "run/notify"));
}

TEST_CASE("start ends when the payload dies without READY", "[notify]") {
  NOT_ON_RUNC("runc 1.1 waits for READY of a dead payload for ever");
  Bundle bundle({"/bin/probe", "exit", "0"});
  ServiceManager manager(bundle);
  Container container(bundle);
  REQUIRE_OK(container.create({}, manager.options()));
  container.spawn({"start", container.id()}, manager.options()).wait();
  CHECK(container.wait_exit() == 0);
}
