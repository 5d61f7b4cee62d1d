#include "spec/features.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "spec/mount_options.hpp"

using namespace ocx;
using Json = nlohmann::json;

TEST_CASE("features tells versions, hooks, namespaces, capabilities", "[features]") {
  const std::string document = spec::write_features("1.2.3", "abc");
  CHECK(document.starts_with("{\n    \"ociVersionMin\": \"1.0.0\",\n    \"ociVersionMax\": \"1.3.0\",\n"));
  const Json features = Json::parse(document);
  CHECK(features.at("hooks") ==
        Json({"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}));
  const Json& linux_part = features.at("linux");
  auto namespaces = linux_part.at("namespaces").get<std::vector<std::string>>();
  std::sort(namespaces.begin(), namespaces.end());
  CHECK(namespaces ==
        std::vector<std::string>{"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"});
  CHECK(linux_part.at("capabilities").size() == 41);
  CHECK(features.at("mountOptions").size() == spec::mount_option_names().size());
  CHECK(features.at("annotations") == Json({{"org.ocx.version", "1.2.3"},
                                            {"org.ocx.commit", "abc"},
                                            {"org.opencontainers.runc.checkpoint.enabled", "true"}}));
  const auto unsafe = features.at("potentiallyUnsafeConfigAnnotations").get<std::vector<std::string>>();
  CHECK(std::is_sorted(unsafe.begin(), unsafe.end()));
  CHECK(std::count(unsafe.begin(), unsafe.end(), "org.systemd.property.") == 1);
}

TEST_CASE("features says yes to what is built in, and never null", "[features]") {
  const Json features = Json::parse(spec::write_features("v", "c"));
  const Json& linux_part = features.at("linux");
  CHECK(linux_part.at("cgroup") ==
        Json({{"v1", true}, {"v2", true}, {"systemd", true}, {"systemdUser", true}, {"rdma", true}}));
  for (const char* part : {"seccomp", "apparmor", "selinux", "intelRdt", "netDevices"}) {
    INFO(part);
    CHECK(linux_part.at(part).at("enabled") == true);
  }
  CHECK(linux_part.at("mountExtensions").at("idmap").at("enabled") == true);
  CHECK(linux_part.at("memoryPolicy").at("modes").size() == 7);
  CHECK(linux_part.at("seccomp").at("archs").size() == 23);
  CHECK(features.dump().find("null") == std::string::npos);
}
