#include "spec/overlay_options.hpp"

#include <catch2/catch.hpp>

using namespace ocx;
using Layers = std::vector<spec::OverlayLayer>;

TEST_CASE("the layers of lowerdir") {
  struct Row {
    const char* value;
    Layers layers;
  };
  const Row rows[] = {
      {"/a", {{"/a"}}},
      {"/a:/b:c", {{"/a"}, {"/b"}, {"c"}}},
      {"/a::/b", {{"/a"}, {"/b", true}}},
      {"/a:/b::/c::/d", {{"/a"}, {"/b"}, {"/c", true}, {"/d", true}}},
      {R"(/a\:b:/c\,d)", {{"/a:b"}, {"/c,d"}}},
      {R"(/a\\:/b)", {{R"(/a\)"}, {"/b"}}},
      {"/a,b", {{"/a,b"}}},
      {R"(/a\)", {{R"(/a\)"}}},
      {"", {{""}}},
      {"/a:", {{"/a"}, {""}}},
      {":::", {{""}, {"", true}, {""}}},
  };
  for (const Row& row : rows) {
    INFO(row.value);
    CHECK(spec::overlay_layers(row.value) == row.layers);
  }
}

TEST_CASE("joined layers come apart into the same") {
  const Layers layers = {{"/a:b"}, {R"(/c\d)"}, {"/e,f"}, {"/g", true}};
  CHECK(spec::join_overlay_layers(layers) == R"(/a\:b:/c\\d:/e\,f::/g)");
  CHECK(spec::overlay_layers(spec::join_overlay_layers(layers)) == layers);
}

TEST_CASE("directories of an overlay become absolute, and their commas are escaped") {
  struct Row {
    const char* option;
    const char* absolute;
  };
  const Row rows[] = {
      {"lowerdir=a:/b:c", "lowerdir=/bundle/a:/b:/bundle/c"},
      {"lowerdir=a::b", "lowerdir=/bundle/a::/bundle/b"},
      {"lowerdir=a,b", R"(lowerdir=/bundle/a\,b)"},
      {R"(lowerdir=a\,b\:c)", R"(lowerdir=/bundle/a\,b\:c)"},
      {"upperdir=up", "upperdir=/bundle/up"},
      {"upperdir=u:p,1", R"(upperdir=/bundle/u\:p\,1)"},
      {"workdir=/w", "workdir=/w"},
      {"lowerdir+=a:b", "lowerdir+=/bundle/a:b"},
      {"datadir+=/d", "datadir+=/d"},
      {"lowerdir=", "lowerdir="},
      {"redirect_dir=on", "redirect_dir=on"},
      {"userxattr", "userxattr"},
      {"context=\"a:b,c\"", "context=\"a:b,c\""},
  };
  for (const Row& row : rows) CHECK(spec::absolute_overlay_option(row.option, "/bundle") == row.absolute);
}
