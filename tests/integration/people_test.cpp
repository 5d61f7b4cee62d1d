// top, info, explain --diff: for people, and as JSON.
#include <catch2/catch.hpp>

#include "tests/harness/container.hpp"

using namespace ocx::test;

TEST_CASE("top shows who uses the processor", "[top]") {
  ONLY_OCX("has no top");
  Bundle bundle;
  bundle.shell("sleep 1000 & while :; do :; done");
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  const json document =
      parse_json(container.command({"top", "--json", "--interval", "200ms", container.id()}).out);
  CHECK(document["container"]["id"] == container.id());
  const json& processes = document["processes"];
  REQUIRE(processes.size() == 2);
  CHECK(contains(processes[0]["command"].get<std::string>(), "while"));
  CHECK(processes[0]["pid"] == container.pid());
  CHECK(processes[0]["cpu_percent"].get<double>() > 5);
  CHECK(processes[0]["memory"].get<long>() > 4096);
  CHECK(processes[1]["command"] == "sleep 1000");
  CHECK(processes[1]["cpu_percent"].get<double>() < 5);
  const Result table = container.command({"top", "--once", "--interval", "50ms", container.id()});
  REQUIRE_OK(table);
  CHECK(contains(table.out, container.id() + ": running, CPU "));
  CHECK(contains(table.out, "COMMAND"));
  CHECK(contains(table.out, "  sleep 1000\n"));
  REQUIRE_OK(container.kill("KILL"));
  container.wait_exit();
  CHECK(contains(error_message(container.command({"top", container.id()})), "is not running"));
}

TEST_CASE("info is one screen, and the same as JSON", "[info]") {
  ONLY_OCX("has no info");
  const Result text = runtime({"info"});
  REQUIRE_OK(text);
  CHECK(lines(text.out).size() < 70);
  const json document = parse_json(runtime({"info", "--json"}).out);
  CHECK(document["ocx"]["runtime-spec"] == "1.3.0");
  CHECK(document["kernel"]["release"].get<std::string>() + "\n" == read_file("/proc/sys/kernel/osrelease"));
  CHECK(contains(document["namespaces"]["kinds"].get<std::string>(), "mnt"));
  CHECK(contains(document["features"]["system calls"].get<std::string>(), "pidfd_open"));
  CHECK(document["caller"]["uid, gid"] == "0, 0");
  const std::string host = read_file("/proc/sys/kernel/hostname");
  CHECK_FALSE(contains(text.out, " " + host));
}

TEST_CASE("explain --diff names the steps that only one of two bundles has", "[explain]") {
  ONLY_OCX("has no explain");
  Bundle one({"/bin/probe", "exit", "0"}), other({"/bin/probe", "exit", "0"});
  one.save();
  other.save();
  const Result same = runtime({"explain", "--diff", one.path(), other.path()});
  CHECK(same.status == 0);
  CHECK(contains(same.out, "the same"));
  other.config["hostname"] = "elsewhere";
  other.config["linux"]["resources"]["pids"]["limit"] = 20;
  other.save();
  const Result differ = runtime({"explain", "--diff", one.path(), other.path() / "config.json"});
  INFO(differ.out);
  CHECK(differ.status == 2);
  CHECK(contains(differ.out, "+ write \"20\" to pids.max"));
  CHECK(contains(differ.out, "\"elsewhere\"  [/hostname]"));
  const json document = parse_json(runtime({"explain", "--diff", "--json", one.path(), other.path()}).out);
  for (const json& change : document["changes"])
    if (change["origin"] == "/linux/resources/pids/limit") CHECK(change["only_in"] == "b");
  CHECK(document["changes"].size() >= 2);
  CHECK(contains(error_message(runtime({"explain", "--diff", one.path()})), "two bundles"));
}

TEST_CASE("explain tells an ordinary user of the user namespace he gets", "[explain][rootless]") {
  ONLY_OCX("has no explain");
  Bundle bundle({"/bin/probe", "exit", "0"});
  bundle.save();
  const std::string command = "setpriv --reuid 65000 --regid 65000 --clear-groups " + runtime_path() +
                              " explain " + bundle.path().string();
  std::filesystem::permissions(bundle.path().parent_path(), std::filesystem::perms(0755));
  const Result result = run({"/bin/sh", "-c", command});
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(contains(result.out, "make a new user namespace, because the caller is not root"));
}
