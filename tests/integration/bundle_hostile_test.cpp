// Archives that want to write where they shouldn't, or more than they should.
#include <sys/stat.h>

#include "tests/integration/bundling.hpp"

namespace fs = std::filesystem;
using namespace ocx::test;

namespace {

constexpr const char* canary = "nobody wrote here\n";

struct Hostile {
  const char* what;
  std::vector<TarEntry> entries;
  const char* message;  // part of the error
};

/// "@" in names and targets: the directory with the canary.
std::vector<TarEntry> aimed(std::vector<TarEntry> entries, const std::string& at) {
  for (TarEntry& entry : entries)
    for (std::string* text : {&entry.name, &entry.target})
      if (const auto sign = text->find('@'); sign != std::string::npos) text->replace(sign, 1, at);
  return entries;
}

const std::vector<Hostile>& hostile_archives() {
  static const std::vector<Hostile> all{
      {"an absolute name", {{.name = "@/made-it"}}, "is absolute"},
      {"..", {{.name = "../made-it"}}, "\"..\""},
      {".. in the middle", {{.name = "a/../../made-it"}}, "\"..\""},
      {".. at the end", {{.name = "a/..", .type = '5'}}, "\"..\""},
      {"a name that is .. in a pax header", {{.name = "x", .pax = {{"path", "../../made-it"}}}}, "\"..\""},
      {"a file through a symlink",
       {{.name = "out", .type = '2', .target = "@"}, {.name = "out/made-it"}},
       "symbolic link of the same archive"},
      {"a directory through a symlink",
       {{.name = "out", .type = '2', .target = "@"}, {.name = "out/made-it", .type = '5'}},
       "symbolic link of the same archive"},
      {"a chain of symlinks",
       {{.name = "a", .type = '2', .target = "b"},
        {.name = "b", .type = '2', .target = "@"},
        {.name = "a/made-it"}},
       "symbolic link of the same archive"},
      {"a symlink below a directory",
       {{.name = "d/out", .type = '2', .target = "../../../../../../../../@"}, {.name = "d/out/x/made-it"}},
       "symbolic link of the same archive"},
      {"a hard link to a symlink, and through it",
       {{.name = "out", .type = '2', .target = "@"},
        {.name = "again", .type = '1', .target = "out"},
        {.name = "again/made-it"}},
       "symbolic link of the same archive"},
      {"a hard link to outside", {{.name = "x", .type = '1', .target = "@/canary"}}, "is absolute"},
      {"a hard link by ..", {{.name = "x", .type = '1', .target = "../../canary"}}, "\"..\""},
      {"a hard link through a symlink",
       {{.name = "out", .type = '2', .target = "@"}, {.name = "x", .type = '1', .target = "out/canary"}},
       "symbolic link of the same archive"},
      {"a hard link to nothing", {{.name = "x", .type = '1', .target = "y"}}, "no such file"},
      {"a hard link to itself", {{.name = "x", .type = '1', .target = "x"}}, "no such file"},
      {"a link as the root", {{.name = "./", .type = '2', .target = "@"}}, "has to be a directory"},
      {"a file as a directory", {{.name = "f"}, {.name = "f/x"}}, "not a directory"},
      {"a part longer than names can be", {{.name = std::string(256, 'n')}}, "has a part of 256 bytes"},
      {"a path longer than paths can be",
       {{.name =
             [] {
               std::string name;
               while (name.size() <= 4096) name += "d/";
               return name;
             }()}},
       "no path can have more"},
      {"an owner that is no id", {{.name = "x", .pax = {{"uid", "4294967295"}}}}, "is no id"},
      {"a newline in the name", {{.name = "a\nb/../../x"}}, "a\\nb"},
  };
  return all;
}

}  // namespace

TEST_CASE("hostile archives are refused, and nothing is written outside or left", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  for (const Hostile& hostile : hostile_archives()) {
    INFO(hostile.what);
    const Bundling bundling;
    const Path outside = bundling.scratch() / "outside";
    fs::create_directory(outside);
    write_file(outside / "canary", canary);
    const Path archive = bundling.file("hostile.tar", tar_archive(aimed(hostile.entries, outside)));
    const Result result = bundling.make_from(archive);
    INFO(result.describe());
    CHECK(result.status == 1);
    CHECK(contains(error_message(result), hostile.message));
    CHECK(bundling.left().empty());
    CHECK(read_file(outside / "canary") == canary);
    struct stat info {};
    REQUIRE(stat((outside / "canary").c_str(), &info) == 0);
    CHECK(info.st_nlink == 1);
    CHECK(std::distance(fs::directory_iterator(outside), fs::directory_iterator()) == 1);
    CHECK_FALSE(fs::exists(bundling.scratch() / "made-it"));
  }
}

TEST_CASE("a link of an archive may be replaced, and is not followed", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  const Path outside = bundling.file("outside", canary);
  const std::vector<TarEntry> entries{{.name = "f", .type = '2', .target = outside},
                                      {.name = "f", .content = "inside"},
                                      {.name = "d", .type = '2', .target = bundling.scratch()},
                                      {.name = "d", .type = '5', .mode = 0700},
                                      {.name = "d/x", .content = "inside"}};
  REQUIRE_OK(bundling.make_from(bundling.file("links.tar", tar_archive(entries))));
  CHECK(read_file(outside) == canary);
  CHECK(fs::symlink_status(bundling.rootfs() / "f").type() == fs::file_type::regular);
  CHECK(read_file(bundling.rootfs() / "f") == "inside");
  CHECK(read_file(bundling.rootfs() / "d/x") == "inside");
  CHECK_FALSE(fs::exists(bundling.scratch() / "x"));
}

TEST_CASE("bombs end at the limits", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  RunOptions options;
  options.input = tar_archive({{.name = "zeros", .content = std::string(8U << 20U, '\0')}});
  const Result packed = run({"gzip", "-c"}, options);
  const Path bomb = bundling.file("bomb.tar.gz", packed.out);
  const Result large = bundling.make_from(bomb, {"--max-size", "4m"});
  CHECK(contains(error_message(large), "unpacks to more than 4 MiB"));
  CHECK(contains(error_message(large), "--max-size"));
  std::vector<TarEntry> many;
  for (int i = 0; i < 12; ++i) many.push_back({.name = "f" + std::to_string(i)});
  const Path crowd = bundling.file("many.tar", tar_archive(many));
  CHECK(contains(error_message(bundling.make_from(crowd, {"--max-entries", "10"})), "more than 10 entries"));
  CHECK(bundling.left().empty());
  REQUIRE_OK(bundling.make_from(crowd, {"--max-entries", "12"}));
}

TEST_CASE("a bomb behind the end mark of an archive ends at the limit, too", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  RunOptions options;
  options.input = tar_archive({{.name = "x"}}) + std::string(8U << 20U, '\0');
  const Path bomb = bundling.file("bomb.tar.gz", run({"gzip", "-c"}, options).out);
  CHECK(contains(error_message(bundling.make_from(bomb, {"--max-size", "4m"})), "unpacks to more"));
}

TEST_CASE("what is damaged or no archive is refused", "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  const std::string whole = tar_archive({{.name = "a", .content = std::string(3000, 'x')}, {.name = "b"}});
  const std::pair<const char*, std::string> rows[] = {
      {"no tar archive", "just some text, which is none"},
      {"no tar archive", ""},
      {"damaged", whole.substr(0, 2000)},
      {"cut off", tar_entry({.name = "a", .content = std::string(3000, 'x')})},
  };
  for (const auto& [message, content] : rows) {
    const Result result = bundling.make_from(bundling.file("archive", content));
    INFO(result.describe());
    CHECK(result.status == 1);
    CHECK(contains(error_message(result), message));
    CHECK(bundling.left().empty());
  }
}

TEST_CASE("a tree deeper than any stack or table of descriptors is unpacked, and removed after a failure",
          "[bundle]") {
  NEEDS_OCX_BUNDLE();
  const Bundling bundling;
  std::string name;
  while (name.size() < 4000) name += "d/";
  const std::vector<TarEntry> deep{{.name = name + "x", .content = "deep"}};
  REQUIRE_OK(bundling.make_from(bundling.file("deep.tar", tar_archive(deep))));
  RunOptions options;
  options.cwd = bundling.rootfs();
  CHECK(run({"cat", name + "x"}, options).out == "deep");
  REQUIRE_OK(run({"rm", "-rf", bundling.bundle()}));
  const std::vector<TarEntry> bad{{.name = name + "x"}, {.name = "../x"}};
  CHECK(bundling.make_from(bundling.file("bad.tar", tar_archive(bad))).status == 1);
  CHECK(bundling.left().empty());
}
