// Mistakes in config.json: one readable line that names the place, and nothing left.
#include <catch2/catch.hpp>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

struct Mistake {
  const char* what;
  const char* pointer;  // of the setting, RFC 6901
  json value;           // put there
  const char* text;     // in ocx's message besides the pointer
  bool runc_fails = true;
};

void fails_cleanly(Bundle& bundle, const Mistake& mistake, const std::string& place) {
  Container container(bundle);
  Result result = container.create();
  std::string message = error_message(result);
  INFO(message);
  CHECK(result.status == 1);
  if (runtime_is_ocx()) {
    CHECK(contains(message, "(" + place));
    CHECK(contains(message, mistake.text));
  }
  CHECK(message.size() < 1000);
  CHECK(container.leftovers().empty());
  CHECK_FALSE(std::filesystem::exists(container.state_directory()));
}

}  // namespace

TEST_CASE("a wrong setting is one line that names its place", "[errors]") {
  const Mistake mistakes[] = {
      {"wrong type: string for number", "/process/user/uid", "root", "uid"},
      {"wrong type: number for string", "/process/args/0", 5, "args"},
      {"wrong type: object for array", "/mounts", json::object(), "mounts"},
      {"number out of range", "/process/user/uid", 4294967296, "uid"},
      {"negative id", "/process/user/gid", -1, "gid"},
      {"fraction", "/process/oomScoreAdj", 1.5, "oomScoreAdj"},
      {"relative cwd", "/process/cwd", "relative", "absolute"},
      {"no arguments", "/process/args", json::array(), "args"},
      {"environment entry without =", "/process/env/0", "NOVALUE", "=", false},
      {"typo in a mount option", "/mounts/3/options/4", "sizee=1m", "sizee=1m"},
      {"unknown file system", "/mounts/4/type", "nosuchfs", "no such device"},
      {"unknown namespace", "/linux/namespaces/0/type", "pidd", "pidd"},
      {"oom_score_adj out of range", "/process/oomScoreAdj", 5000, "oomScoreAdj", false},
      {"unknown rlimit", "/process/rlimits/0/type", "RLIMIT_FILES", "RLIMIT_FILES"},
  };
  for (const Mistake& mistake : mistakes) {
    if (!runtime_is_ocx() && !mistake.runc_fails) continue;
    INFO(mistake.what);
    Bundle bundle;
    bundle.config[json::json_pointer(mistake.pointer)] = mistake.value;
    // The kernel does not say which of a mount's settings it refuses.
    std::string place = mistake.pointer;
    fails_cleanly(bundle, mistake, place.rfind("/mounts/", 0) == 0 ? place.substr(0, 9) : place);
  }
}

TEST_CASE("a missing rootfs is named", "[errors]") {
  Bundle bundle;
  bundle.config["root"]["path"] = "absent";
  Container container(bundle);
  std::string message = error_message(container.create());
  CHECK(contains(message, "absent"));
  CHECK(contains(message, "no such file or directory"));
  if (runtime_is_ocx()) CHECK(contains(message, "/root/path"));
  CHECK(container.leftovers().empty());
}

TEST_CASE("a config.json that is no JSON, with the place", "[errors]") {
  for (const char* text : {"", "{", "{]", "[]", "null", "{\"ociVersion\": \"1.0.2\",}", "\xff\xfe{}"}) {
    if (std::string(text) == "null" && runtime_is_runc()) continue;  // 1.1 panics
    INFO(text);
    Bundle bundle;
    Container container(bundle);
    write_file(bundle.path() / "config.json", text);
    Result result = container.command({"create", "--bundle", bundle.path(), container.id()});
    CHECK(error_message(result).size() > 10);
    CHECK(container.leftovers().empty());
  }
}

TEST_CASE("a deeply nested config.json does not crash the parser", "[errors]") {
  Bundle bundle;
  Container container(bundle);
  write_file(bundle.path() / "config.json", std::string(200000, '['));
  Result result = container.command({"create", "--bundle", bundle.path(), container.id()});
  CHECK(result.status == 1);
}

TEST_CASE("a property given twice is refused", "[errors]") {
  ONLY_OCX("others keep the last");
  Bundle bundle;
  Container container(bundle);
  std::string text = bundle.config.dump();
  write_file(bundle.path() / "config.json", text.substr(0, text.size() - 1) + ",\"hostname\":\"again\"}");
  Result result = container.command({"create", "--bundle", bundle.path(), container.id()});
  CHECK(contains(error_message(result), "hostname"));
}

TEST_CASE("a program that can't be run is create's error, in the words engines look for",
          "[errors][contract]") {
  struct Case {
    const char* what;
    std::vector<std::string> args;
    const char* text;
  };
  Bundle bundle;
  write_file(bundle.rootfs() / "bin/plain", "no program\n", 0644);
  write_file(bundle.rootfs() / "plain", "no program\n", 0644);
  for (const Case& item : {Case{"not in PATH", {"nosuchprogram"}, "executable file not found in $PATH"},
                           {"absent", {"/bin/nosuchprogram"}, "no such file or directory"},
                           {"not executable", {"/plain"}, "permission denied"},
                           {"a directory", {"/bin"}, "permission denied"},
                           {"below a file", {"/plain/x"}, "not a directory"}}) {
    INFO(item.what);
    bundle.args(item.args);
    Container container(bundle);
    Result result = container.create();
    CHECK(result.status == 1);
    std::string message = error_message(result), texts = item.text;
    INFO(message);
    size_t bar = texts.find('|');
    CHECK((contains(message, texts.substr(0, bar)) ||
           (bar != std::string::npos && contains(message, texts.substr(bar + 1)))));
    CHECK(contains(message, "unable to start container process"));
    CHECK(contains(message, "\"" + item.args[0] + "\""));
    CHECK(container.leftovers().empty());
  }
}

TEST_CASE("a missing mount source says which and why", "[errors]") {
  Bundle bundle;
  bundle.add_mount(
      {{"destination", "/x"}, {"type", "bind"}, {"source", "/absent/source"}, {"options", {"bind"}}});
  Container container(bundle);
  std::string message = error_message(container.create());
  CHECK(contains(message, "/absent/source"));
  CHECK(contains(message, "no such file or directory"));
  if (runtime_is_ocx()) CHECK(contains(message, "/mounts/7"));
  CHECK(container.leftovers().empty());
}

TEST_CASE("a file mounted on a directory is an error that says so", "[errors]") {
  Bundle bundle;
  write_file(bundle.scratch() / "file", "x");
  bundle.add_mount({{"destination", "/tmp"},
                    {"type", "bind"},
                    {"source", bundle.scratch() / "file"},
                    {"options", {"bind"}}});
  Container container(bundle);
  CHECK(contains(error_message(container.create()), "not a directory"));
  CHECK(container.leftovers().empty());
}

TEST_CASE("after a failed create the id is free", "[errors][contract]") {
  Bundle bundle({"/absent"});
  Container container(bundle);
  CHECK(container.create().status == 1);
  Result deleted = container.force_delete();
  REQUIRE_OK(deleted);
  CHECK(deleted.out.empty());
  CHECK(deleted.err.empty());
  bundle.args({"/bin/probe", "exit", "0"});
  CHECK(container.output().empty());
}
