// `ocx check`: everything wrong at once.
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

Result check(const Bundle& bundle, std::vector<std::string> flags = {"--json"}) {
  bundle.save();
  flags.insert(flags.begin(), "check");
  flags.push_back(bundle.path());
  return runtime(flags);
}

/// Pointer -> severity.
std::map<std::string, std::string> findings(const Result& result) {
  std::map<std::string, std::string> found;
  const json document = parse_json(result.out);
  for (const json& finding : document["findings"]) {
    CHECK(!finding["message"].get<std::string>().empty());
    found[finding["pointer"]] = finding["severity"];
  }
  return found;
}

}  // namespace

TEST_CASE("check finds nothing in a bundle that runs", "[check]") {
  ONLY_OCX("has no check");
  Bundle bundle({"/bin/probe", "exit", "0"});
  const Result result = check(bundle, {});
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  CHECK(contains(result.out, "nothing found wrong"));
  CHECK(findings(check(bundle)).empty());
}

TEST_CASE("check lists ten mistakes of one bundle", "[check]") {
  ONLY_OCX("has no check");
  Bundle bundle({"/bin/no-such-program"});
  json& config = bundle.config;
  config["ociVersion"] = "one";
  config["process"]["cwd"] = "relative";
  config["process"]["env"] = {"PATH=/bin", "NO_EQUALS_SIGN"};
  config["process"]["user"]["uid"] = "root";
  config["process"]["rlimits"] = {{{"type", "RLIMIT_NOFILES"}, {"soft", 1}, {"hard", 1}},
                                  {{"type", "RLIMIT_CORE"}, {"soft", 2}, {"hard", 1}}};
  config["hostname"] = std::string(65, 'x');
  config["mounts"].push_back(
      {{"destination", "/data"}, {"source", "/no/such/source"}, {"options", {"bind"}}});
  const std::string data = "/mounts/" + std::to_string(config["mounts"].size() - 1);
  config["linux"]["namespaces"].push_back({{"type", "pids"}});
  const std::string pids = "/linux/namespaces/" + std::to_string(config["linux"]["namespaces"].size() - 1);
  config["linux"]["sysctl"]["kernel.no_such"] = "1";
  config["hooks"]["poststop"] = {{{"path", "/no/such/hook"}}};
  const Result result = check(bundle);
  INFO(result.out << result.err);
  CHECK(result.status == 1);
  const auto found = findings(result);
  for (const std::string& pointer :
       {std::string("/ociVersion"), std::string("/process/cwd"), std::string("/process/env/1"),
        std::string("/process/user/uid"), std::string("/process/rlimits/0/type"),
        std::string("/process/rlimits/1/soft"), std::string("/hostname"), data + "/source", pids + "/type",
        std::string("/hooks/poststop/0/path"), std::string("/process/args/0")}) {
    INFO(pointer);
    CHECK((found.count(pointer) == 1 && found.at(pointer) == "error"));
  }
  // A setting of the kernel's that is not the container's own, or that it does not have.
  CHECK(found.size() == 12);
}

TEST_CASE("check tells what is missing here from what is wrong", "[check]") {
  ONLY_OCX("has no check");
  Bundle bundle({"/bin/probe", "exit", "0"});
  bundle.config["linux"]["sysctl"]["net.ipv4.no_such_setting"] = "1";
  bundle.config["mounts"].push_back({{"destination", "/x"}, {"type", "nosuchfs"}, {"source", "x"}});
  const Result result = check(bundle);
  INFO(result.out);
  CHECK(result.status == 2);
  const auto found = findings(result);
  CHECK(found.at("/linux/sysctl/net.ipv4.no_such_setting") == "missing");
  CHECK(found.at("/mounts/" + std::to_string(bundle.config["mounts"].size() - 1) + "/type") == "missing");
}

TEST_CASE("check looks into the program", "[check]") {
  ONLY_OCX("has no check");
  Bundle bundle;
  const auto message = [&](const std::string& program, const std::string& content, unsigned mode) {
    write_file(bundle.rootfs() / program, content, mode);
    bundle.args({"/" + program});
    const json document = parse_json(check(bundle).out);
    REQUIRE(document["findings"].size() == 1);
    CHECK(document["findings"][0]["pointer"] == "/process/args/0");
    return document["findings"][0]["message"].get<std::string>();
  };
  CHECK(contains(message("script", "#!/bin/no-such-shell\n", 0755), "no-such-shell"));
  CHECK(contains(message("locked", "#!/bin/sh\n", 0644), "is not executable"));
  CHECK(contains(message("text", "just words\n", 0755), "neither an ELF program nor a script"));
  std::string foreign = read_file(bundle.rootfs() / "bin/busybox").substr(0, 4096);
  foreign[18] = '\xf7';  // e_machine, little endian: EM_BPF
  foreign[19] = '\0';
  CHECK(contains(message("foreign", foreign, 0755), "it is a program for"));
}

TEST_CASE("check finds nothing wrong with any bundle of the lessons", "[check]") {
  ONLY_OCX("has no check");
  std::vector<std::string> command{"check"};
  std::size_t bundles = 0;
  for (const auto& entry : std::filesystem::directory_iterator(lessons())) {
    const bool bundle = std::filesystem::exists(entry.path() / "config.json");
    // A directory without one is what building has left of a lesson that was renamed.
    if (entry.is_directory() && !bundle) continue;
    command.push_back(entry.path());  // as a shell has it for bundles/*
    if (bundle) ++bundles;
  }
  REQUIRE(bundles > 20);
  REQUIRE(command.size() > bundles + 1);
  const Result result = runtime(command);
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  const auto said = lines(result.out);
  CHECK(said.size() == bundles);
  for (const std::string& line : said) CHECK(line.ends_with(": nothing found wrong"));
}

TEST_CASE("check looks at every bundle it is given", "[check]") {
  ONLY_OCX("has no check");
  Bundle good, bad;
  good.save();
  bad.config["process"].erase("cwd");
  bad.save();
  const Result result = runtime({"check", bad.path(), good.scratch(), good.path()});
  INFO(result.out << result.err);
  CHECK(result.status == 1);
  CHECK(contains(result.out, "/process"));
  CHECK(contains(result.out, good.scratch().string() + ": 1 error"));
  CHECK(contains(result.out, good.path().string() + ": nothing found wrong"));
}
