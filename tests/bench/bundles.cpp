#include "tests/bench/bundles.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <string>

#include "tests/unit/runtime/seccomp_names.hpp"

namespace ocx::bench {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

json rule(const char* name, const char* op, std::uint64_t value) {
  return {{"names", {name}},
          {"action", "SCMP_ACT_ALLOW"},
          {"args", {{{"index", 0}, {"value", value}, {"valueTwo", 0}, {"op", op}}}}};
}

json profile() {
  json rules = {{{"names", test::allowed_names()}, {"action", "SCMP_ACT_ALLOW"}},
                {{"names", {"clone3"}}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", 38}},
                rule("clone", "SCMP_CMP_MASKED_EQ", 0x7e020000),
                rule("socket", "SCMP_CMP_NE", 40)};
  for (const std::uint64_t domain : {0x0U, 0x8U, 0x20000U, 0x20008U, 0xffffffffU})
    rules.push_back(rule("personality", "SCMP_CMP_EQ", domain));
  return {{"defaultAction", "SCMP_ACT_ERRNO"},
          {"defaultErrnoRet", 1},
          {"architectures", {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"}},
          {"syscalls", rules}};
}

void write(const fs::path& bundle, const json& config) {
  fs::create_directories(bundle);
  std::ofstream(bundle / "config.json") << config;
}

}  // namespace

void write_bundles(const fs::path& directory) {
  json config = json::parse(std::ifstream(fs::path(OCX_BENCH_SOURCE) / "config.json"));
  write(directory, config);
  config["root"]["path"] = directory / "rootfs";
  json pause = config, seccomp = config;
  pause["process"]["args"] = {"/pause"};
  seccomp["linux"]["seccomp"] = profile();
  write(directory / pause_bundle, pause);
  write(directory / seccomp_bundle, seccomp);
}

}  // namespace ocx::bench
