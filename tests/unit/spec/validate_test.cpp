#include <catch2/catch.hpp>

#include "parse_fixture.hpp"

namespace ocx::spec {

TEST_CASE("values of the wrong type", "[validate]") {
  // The origin is the pointer itself when nothing else is said.
  const BadValue row = GENERATE(values<BadValue>({
      {"/ociVersion", "1", "/ociVersion", "expected a string, got an integer"},
      {"/root", "[]", "/root", "expected an object, got an array"},
      {"/root/path", "7", "/root/path", "expected a string"},
      {"/root/readonly", "\"yes\"", "/root/readonly", "expected a boolean, got a string"},
      {"/mounts", "{}", "/mounts", "expected an array, got an object"},
      {"/mounts/1/options", "\"ro\"", "/mounts/1/options", "expected an array, got a string"},
      {"/mounts/1/options/2", "3", "/mounts/1/options/2", "expected a string"},
      {"/process/user/uid", "\"root\"", "/process/user/uid", "expected an integer, got a string"},
      {"/process/user/gid", "-1", "/process/user/gid", "-1 is out of range 0..4294967295"},
      {"/process/user/additionalGids/1", "1.5", "/process/user/additionalGids/1",
       "expected an integer, got 1.5"},
      {"/process/consoleSize/width", "70000", "/process/consoleSize/width", "out of range 0..65535"},
      {"/process/env/1", "null", "/process/env/1", "expected a string, got null"},
      {"/process/rlimits/0/soft", "-1", "/process/rlimits/0/soft", "out of range 0..18446744073709551615"},
      {"/process/oomScoreAdj", "5000", "/process/oomScoreAdj", "5000 is out of range -1000..1000"},
      {"/process/capabilities/bounding/0", "3", "/process/capabilities/bounding/0", "expected a string"},
      {"/process/ioPriority/priority", "8", "/process/ioPriority/priority", "8 is out of range 0..7"},
      {"/hooks", "[]", "/hooks", "expected an object"},
      {"/hooks/poststop", "{}", "/hooks/poststop", "expected an array"},
      {"/hooks/createRuntime/0/timeout", "1.5", "/hooks/createRuntime/0/timeout", "expected an integer"},
      {"/annotations/empty", "3", "/annotations/empty", "expected a string, got an integer"},
      {"/linux", "[]", "/linux", "expected an object"},
      {"/linux/uidMappings/0/size", "4294967296", "/linux/uidMappings/0/size", "out of range 0..4294967295"},
      {"/linux/timeOffsets/boottime/secs", "\"1\"", "/linux/timeOffsets/boottime/secs",
       "expected an integer"},
      {"/linux/devices/0/major", "4096", "/linux/devices/0/major", "4096 is out of range 0..4095"},
      {"/linux/devices/0/minor", "-1", "/linux/devices/0/minor", "-1 is out of range 0..1048575"},
      {"/linux/netDevices/eth7/name", "23", "/linux/netDevices/eth7/name", "expected a string"},
      {"/linux/resources/memory/limit", "-2", "/linux/resources/memory/limit", "-2 is out of range -1.."},
      {"/linux/resources/memory/limit", "9223372036854775808", "/linux/resources/memory/limit",
       "out of range"},
      {"/linux/resources/memory/swappiness", "101", "/linux/resources/memory/swappiness", "range 0..100"},
      {"/linux/resources/cpu/shares", "-1", "/linux/resources/cpu/shares", "-1 is out of range 0.."},
      {"/linux/resources/cpu/idle", "7", "/linux/resources/cpu/idle", "7 is out of range 0..1"},
      {"/linux/resources/pids/limit", "\"5\"", "/linux/resources/pids/limit", "expected an integer"},
      {"/linux/resources/blockIO/weight", "65536", "/linux/resources/blockIO/weight", "range 0..65535"},
      {"/linux/resources/blockIO/throttleReadBpsDevice/0/rate", "-1",
       "/linux/resources/blockIO/throttleReadBpsDevice/0/rate", "out of range"},
      {"/linux/resources/network/classID", "4294967296", "/linux/resources/network/classID", "out of range"},
      {"/linux/resources/rdma/mlx5_1/hcaHandles", "\"3\"", "/linux/resources/rdma/mlx5_1/hcaHandles",
       "expected an integer, got a string"},
      {"/linux/resources/unified/memory.high", "5", "/linux/resources/unified/memory.high",
       "expected a string"},
      {"/linux/intelRdt/enableMonitoring", "1", "/linux/intelRdt/enableMonitoring", "expected a boolean"},
      {"/linux/seccomp/syscalls/2/args/0/index", "6", "/linux/seccomp/syscalls/2/args/0/index", "range 0..5"},
      {"/hostname", "\"a\\u0000b\"", "/hostname", "NUL byte"},
  }));
  check_refused(row);
}

TEST_CASE("names that are not in the specification", "[validate]") {
  const BadValue row = GENERATE(values<BadValue>({
      {"/process/rlimits/0/type", "\"RLIMIT_BOGUS\"", "/process/rlimits/0/type",
       "unknown resource limit \"RLIMIT_BOGUS\""},
      {"/process/rlimits/0/type", "\"RLIMIT_NOFILES\"", "/process/rlimits/0/type",
       "did you mean \"RLIMIT_NOFILE\"?"},
      {"/process/scheduler/policy", "\"SCHED_NORMAL\"", "/process/scheduler/policy",
       "known are SCHED_OTHER, "},
      {"/process/scheduler/policy", "\"SCHED_ISO\"", "/process/scheduler/policy", "no kernel implements"},
      {"/process/scheduler/flags/1", "\"SCHED_FLAG_X\"", "/process/scheduler/flags/1",
       "unknown scheduling flag"},
      {"/process/scheduler/flags/1", "\"SCHED_FLAG_UTIL_CLAMP_MIN\"", "/process/scheduler/flags", "clamp"},
      {"/process/ioPriority/class", "\"BE\"", "/process/ioPriority/class", "unknown I/O priority class"},
      {"/linux/namespaces/1/type", "\"net\"", "/linux/namespaces/1/type", "did you mean \"network\"?"},
      {"/linux/namespaces/1/type", "\"zzz\"", "/linux/namespaces/1/type", "known are pid, network, mount"},
      {"/linux/timeOffsets/realtime", "{}", "/linux/timeOffsets/realtime", "unknown clock \"realtime\""},
      {"/linux/devices/0/type", "\"a\"", "/linux/devices/0/type", "unknown device type"},
      {"/linux/resources/devices/1/type", "\"z\"", "/linux/resources/devices/1/type",
       "unknown device rule type"},
      {"/linux/resources/devices/1/access", "\"q\"", "/linux/resources/devices/1/access",
       "unknown access \"q\""},
      {"/linux/memoryPolicy/mode", "\"BIND\"", "/linux/memoryPolicy/mode", "unknown memory policy"},
      {"/linux/memoryPolicy/flags/0", "\"X\"", "/linux/memoryPolicy/flags/0", "unknown memory policy flag"},
      {"/linux/personality/domain", "\"linux\"", "/linux/personality/domain", "did you mean \"LINUX\"?"},
      {"/linux/personality/flags", "[\"X\"]", "/linux/personality/flags/0", "unknown personality flag \"X\""},
      {"/linux/rootfsPropagation", "\"sharde\"", "/linux/rootfsPropagation", "did you mean \"shared\"?"},
      {"/linux/seccomp/defaultAction", "\"ALLOW\"", "/linux/seccomp/defaultAction", "unknown seccomp action"},
      {"/linux/seccomp/architectures/1", "\"x86\"", "/linux/seccomp/architectures/1", "unknown architecture"},
      {"/linux/seccomp/flags/0", "\"LOG\"", "/linux/seccomp/flags/0", "unknown seccomp flag"},
      {"/linux/seccomp/syscalls/0/action", "\"SCMP_ACT_ALOW\"", "/linux/seccomp/syscalls/0/action",
       "did you mean \"SCMP_ACT_ALLOW\"?"},
      {"/linux/seccomp/syscalls/2/args/0/op", "\"EQ\"", "/linux/seccomp/syscalls/2/args/0/op", "comparison"},
  }));
  check_refused(row);
}

TEST_CASE("rules of root, mounts, hooks and annotations", "[validate]") {
  const BadValue row = GENERATE(values<BadValue>({
      {"/root/path", "\"\"", "/root/path", "the path is empty"},
      {"/mounts/0/destination", "\"\"", "/mounts/0/destination", "empty"},
      {"/mounts/1/source", "\"\"", "/mounts/1/source", "a bind mount needs a source"},
      {"/mounts/1/uidMappings", "[]", "/mounts/1/uidMappings", "needs both"},
      {"/mounts/1/gidMappings", "null", "/mounts/1/gidMappings", "needs both"},
      {"/mounts/1/uidMappings/0/size", "0", "/mounts/1/uidMappings/0/size", "size 0"},
      {"/hooks/prestart/0/path", "\"bin/x\"", "/hooks/prestart/0/path", "use \"/bin/x\""},
      {"/hooks/startContainer/0/path", "\"\"", "/hooks/startContainer/0/path", "absolute"},
      {"/hooks/createRuntime/0/timeout", "0", "/hooks/createRuntime/0/timeout", "more than 0"},
      {"/hooks/createRuntime/0/timeout", "-5", "/hooks/createRuntime/0/timeout", "more than 0"},
      {"/hooks/createRuntime/0/env/0", "\"A\"", "/hooks/createRuntime/0/env/0", "has no \"=\""},
      {"/annotations/", "\"x\"", "/annotations/", "empty name"},
      {"/hostname", "\"01234567890123456789012345678901234567890123456789012345678901234\"", "/hostname",
       "longer than the 64 bytes"},
      {"/domainname", "\"01234567890123456789012345678901234567890123456789012345678901234\"", "/domainname",
       "longer than the 64 bytes"},
  }));
  check_refused(row);
}

TEST_CASE("rules of process", "[validate]") {
  const BadValue row = GENERATE(values<BadValue>({
      {"/process/cwd", "\"work\"", "/process/cwd", "use \"/work\""},
      {"/process/cwd", "\"\"", "/process/cwd", "use \"/\""},
      {"/process/args", "[]", "/process/args", "no program"},
      {"/process/env/1", "\"HOME\"", "/process/env/1", "environment entry \"HOME\" has no \"=\""},
      {"/process/env/1", "\"A=b\\u0000c\"", "/process/env/1", "NUL byte"},
      {"/process/user/uid", "4294967295", "/process/user/uid", "no id"},
      {"/process/user/uid", "65536", "/process/user/uid", "id 65536 is not mapped"},
      {"/process/user/gid", "1001", "/process/user/gid", "id 1001 is not mapped"},
      {"/process/user/additionalGids/1", "2000", "/process/user/additionalGids/1", "not mapped"},
      {"/process/user/umask", "4095", "/process/user/umask", "022 is 18"},
      {"/process/rlimits/1/type", "\"RLIMIT_NOFILE\"", "/process/rlimits/1/type", "listed twice"},
      {"/process/rlimits/0/soft", "4097", "/process/rlimits/0/soft", "above the hard limit 4096"},
      {"/process/scheduler/nice", "20", "/process/scheduler/nice", "out of range -20..19"},
      {"/process/scheduler/priority", "1", "/process/scheduler/priority", "SCHED_DEADLINE has no priority"},
      {"/process/scheduler/policy", "\"SCHED_FIFO\"", "/process/scheduler/priority", "priority in 1..99"},
      {"/process/scheduler/policy", "\"SCHED_BATCH\"", "/process/scheduler/policy",
       "belong to SCHED_DEADLINE"},
      {"/process/scheduler/runtime", "1023", "/process/scheduler/runtime", "1024 nanoseconds"},
      {"/process/scheduler/deadline", "999999", "/process/scheduler/deadline", "shorter than the runtime"},
      {"/process/scheduler/period", "1999999", "/process/scheduler/period", "shorter than the deadline"},
      {"/process/execCPUAffinity/initial", "\"-,-\"", "/process/execCPUAffinity/initial", "no list of CPUs"},
      {"/process/execCPUAffinity/final", "\"3-1\"", "/process/execCPUAffinity/final", "no list of CPUs"},
  }));
  check_refused(row);
}

TEST_CASE("rules of namespaces and id maps", "[validate]") {
  const BadValue row = GENERATE(values<BadValue>({
      {"/linux/namespaces/3/type", "\"pid\"", "/linux/namespaces/3/type", "\"pid\" is listed twice"},
      {"/linux/namespaces/1/path", "\"netns/x\"", "/linux/namespaces/1/path", "use \"/netns/x\""},
      {"/linux/uidMappings", "[]", "/linux/uidMappings", "a new user namespace needs uidMappings"},
      {"/linux/gidMappings", "null", "/linux/gidMappings", "a new user namespace needs gidMappings"},
      {"/linux/uidMappings/0/containerID", "1", "/linux/uidMappings", "id 0 of the container is not mapped"},
      {"/linux/gidMappings/0/size", "0", "/linux/gidMappings/0/size", "size 0"},
      {"/linux/gidMappings/0/size", "1001", "/linux/gidMappings/1/containerID", "overlaps"},
      {"/linux/gidMappings/1/hostID", "200999", "/linux/gidMappings/1/hostID", "overlaps"},
      {"/linux/uidMappings/0/hostID", "4294901760", "/linux/uidMappings/0/size", "beyond the last id"},
      {"/linux/timeOffsets/monotonic/nanosecs", "1000000000", "/linux/timeOffsets/monotonic/nanosecs",
       "out of range 0..999999999"},
      {"/linux/namespaces/7/path", "\"/proc/1/ns/time\"", "/linux/timeOffsets", "joined by path"},
  }));
  check_refused(row);
}

TEST_CASE("more mappings than Linux takes", "[validate]") {
  std::string list;
  for (int i = 0; i < 340; ++i)
    list +=
        R"({"size": 1, "containerID": )" + std::to_string(i) + ", \"hostID\": " + std::to_string(i) + "},";
  CHECK_FALSE(failure_of(with("/linux/uidMappings", '[' + list.substr(0, list.size() - 1) + ']')));
  const auto error = failure_of(
      with("/linux/uidMappings", '[' + list + R"({"size": 1, "containerID": 999, "hostID": 999}])"));
  REQUIRE(error);
  CHECK(error->origin() == "/linux/uidMappings");
  CHECK_THAT(error->message(), Catch::Contains("341 mappings"));
}

TEST_CASE("settings need the namespace that they change", "[validate]") {
  struct Row {
    std::vector<const char*> cleared;  // settings of the same namespace that would be complained about first
    const char* type;
    const char* origin;
  };
  const Row row = GENERATE(values<Row>({
      {{}, "uts", "/hostname"},
      {{"/hostname"}, "uts", "/domainname"},
      {{}, "user", "/linux/uidMappings"},
      {{"/linux/uidMappings"}, "user", "/linux/gidMappings"},
      {{}, "time", "/linux/timeOffsets"},
      {{}, "mount", "/linux/maskedPaths"},
      {{"/linux/maskedPaths"}, "mount", "/linux/readonlyPaths"},
      {{"/linux/maskedPaths", "/linux/readonlyPaths"}, "mount", "/linux/rootfsPropagation"},
      {{}, "network", "/linux/netDevices"},
      {{"/linux/netDevices"}, "network", "/linux/sysctl/net.ipv4.ip_forward"},
      {{}, "ipc", "/linux/sysctl/kernel.shmmax"},
  }));
  CAPTURE(row.origin);
  auto document = nlohmann::json::parse(full_document);
  auto& namespaces = document["linux"]["namespaces"];
  for (auto ns = namespaces.begin(); ns != namespaces.end(); ++ns) {
    if ((*ns)["type"] != row.type) continue;
    namespaces.erase(ns);
    break;
  }
  for (const char* pointer : row.cleared) document[nlohmann::json::json_pointer(pointer)] = nullptr;
  const auto error = failure_of(document.dump());
  REQUIRE(error);
  CHECK(error->origin() == row.origin);
  CHECK_THAT(error->message(), Catch::Contains(std::string("own ") + row.type + " namespace"));
  CHECK(error->hint() == std::string("add {\"type\": \"") + row.type + "\"} to /linux/namespaces");
}

TEST_CASE("an idmap option needs mappings from somewhere", "[validate]") {
  auto document = nlohmann::json::parse(full_document);
  document["mounts"][1].erase("uidMappings");
  document["mounts"][1].erase("gidMappings");
  CHECK_FALSE(failure_of(document.dump()));
  document["linux"]["namespaces"].erase(5);
  document["linux"].erase("uidMappings");
  document["linux"].erase("gidMappings");
  const auto error = failure_of(document.dump());
  REQUIRE(error);
  CHECK(error->origin() == "/mounts/1/options");
}

TEST_CASE("a user namespace by path needs no mappings and may have them", "[validate]") {
  auto document = nlohmann::json::parse(full_document);
  document["linux"]["namespaces"][5]["path"] = "/proc/1/ns/user";
  CHECK_FALSE(failure_of(document.dump()));
  document["linux"].erase("uidMappings");
  document["linux"].erase("gidMappings");
  CHECK_FALSE(failure_of(document.dump()));
}

TEST_CASE("rules of the other objects of linux", "[validate]") {
  const BadValue row = GENERATE(values<BadValue>({
      {"/linux/devices/0/path", "\"dev/fuse\"", "/linux/devices/0/path", "use \"/dev/fuse\""},
      {"/linux/devices/0/path", "\"/dev/..\"", "/linux/devices/0/path", "root"},
      {"/linux/devices/2/path", "\"/dev//fuse\"", "/linux/devices/2/path", "already the path of another"},
      {"/linux/devices/0/fileMode", "4096000", "/linux/devices/0/fileMode", "0666 is 438"},
      {"/linux/devices/0/uid", "4294967295", "/linux/devices/0/uid", "no id"},
      {"/linux/netDevices/0123456789abcdef", "{}", "/linux/netDevices/0123456789abcdef",
       "no name of a network"},
      {"/linux/netDevices/eth7/name", "\"a b\"", "/linux/netDevices/eth7/name", "no name of a network"},
      {"/linux/netDevices/eth7/name", "\"a%s\"", "/linux/netDevices/eth7/name", "no name of a network"},
      {"/linux/netDevices/eth7/name", "\"eth8\"", "/linux/netDevices/eth8/name", "two network devices"},
      {"/linux/cgroupsPath", "\"/a/../../b\"", "/linux/cgroupsPath", "\"..\" in it"},
      {"/linux/intelRdt/closID", "\"a/b\"", "/linux/intelRdt/closID", "no name of a directory"},
      {"/linux/intelRdt/closID", "\"..\"", "/linux/intelRdt/closID", "no name of a directory"},
      {"/linux/intelRdt/memBwSchema", "\"L3:0=1\"", "/linux/intelRdt/memBwSchema", "start with \"MB:\""},
      {"/linux/intelRdt/memBwSchema", "\"MB:0=1\\nL3:0=1\"", "/linux/intelRdt/memBwSchema", "line break"},
      {"/linux/intelRdt/schemata/0", "\"L2:0=f\\nMB:0=1\"", "/linux/intelRdt/schemata/0", "line break"},
      {"/linux/memoryPolicy/nodes", "\"abc\"", "/linux/memoryPolicy/nodes", "no list of nodes"},
      {"/linux/memoryPolicy/nodes", "\"\"", "/linux/memoryPolicy/nodes", "MPOL_BIND needs nodes"},
      {"/linux/memoryPolicy/mode", "\"MPOL_DEFAULT\"", "/linux/memoryPolicy/nodes", "takes no nodes"},
      {"/linux/memoryPolicy/mode", "\"MPOL_LOCAL\"", "/linux/memoryPolicy/nodes", "takes no nodes"},
      {"/linux/memoryPolicy/flags/1", "\"MPOL_F_RELATIVE_NODES\"", "/linux/memoryPolicy/flags", "exclude"},
      {"/linux/memoryPolicy",
       R"({"mode": "MPOL_INTERLEAVE", "nodes": "0", "flags": ["MPOL_F_NUMA_BALANCING"]})",
       "/linux/memoryPolicy/flags", "does not go with MPOL_INTERLEAVE"},
      {"/linux/memoryPolicy", R"({"mode": "MPOL_PREFERRED", "flags": ["MPOL_F_STATIC_NODES"]})",
       "/linux/memoryPolicy/flags", "without nodes"},
      {"/linux/maskedPaths/0", "\"proc/kcore\"", "/linux/maskedPaths/0", "use \"/proc/kcore\""},
      {"/linux/readonlyPaths/0", "\"\"", "/linux/readonlyPaths/0", "absolute"},
  }));
  check_refused(row);
}

TEST_CASE("rules of seccomp", "[validate]") {
  const BadValue row = GENERATE(values<BadValue>({
      {"/linux/seccomp/defaultAction", "\"SCMP_ACT_ALLOW\"", "/linux/seccomp/defaultErrnoRet",
       "SCMP_ACT_ALLOW takes no errno"},
      {"/linux/seccomp/defaultAction", "\"SCMP_ACT_NOTIFY\"", "/linux/seccomp/defaultAction", "as default"},
      {"/linux/seccomp/defaultErrnoRet", "4096", "/linux/seccomp/defaultErrnoRet", "range 0..4095"},
      {"/linux/seccomp/syscalls/2/errnoRet", "65536", "/linux/seccomp/syscalls/2/errnoRet", "range 0..65535"},
      {"/linux/seccomp/syscalls/0/errnoRet", "1", "/linux/seccomp/syscalls/0/errnoRet", "takes no errno"},
      {"/linux/seccomp/syscalls/0/names", "[]", "/linux/seccomp/syscalls/0/names", "at least one"},
      {"/linux/seccomp/listenerPath", "\"\"", "/linux/seccomp/listenerMetadata", "has no reader"},
  }));
  check_refused(row);
}

TEST_CASE("SCMP_ACT_NOTIFY needs a listener, a listener needs no SCMP_ACT_NOTIFY", "[validate]") {
  auto document = nlohmann::json::parse(full_document);
  auto& seccomp = document["linux"]["seccomp"];
  seccomp["syscalls"].erase(1);
  CHECK_FALSE(failure_of(document.dump()));
  seccomp["syscalls"].push_back({{"names", {"bpf"}}, {"action", "SCMP_ACT_NOTIFY"}});
  seccomp.erase("listenerPath");
  seccomp.erase("listenerMetadata");
  const auto error = failure_of(document.dump());
  REQUIRE(error);
  CHECK(error->origin() == "/linux/seccomp/syscalls/2/action");
}

TEST_CASE("rules of resources", "[validate]") {
  const BadValue row = GENERATE(values<BadValue>({
      {"/linux/resources/memory/swap", "1000", "/linux/resources/memory/swap", "less than the memory limit"},
      {"/linux/resources/memory", R"({"limit": -1, "swap": 5})", "/linux/resources/memory/swap",
       "memory is not"},
      {"/linux/resources/cpu/burst", "50001", "/linux/resources/cpu/burst", "larger than the quota"},
      {"/linux/resources/cpu/realtimeRuntime", "1000001", "/linux/resources/cpu/realtimeRuntime", "longer"},
      {"/linux/resources/cpu/cpus", "\"x\"", "/linux/resources/cpu/cpus", "no list"},
      {"/linux/resources/cpu/cpus", "\"0-99999999999\"", "/linux/resources/cpu/cpus", "no list"},
      {"/linux/resources/cpu/mems", "\"0,,1\"", "/linux/resources/cpu/mems", "no list"},
      {"/linux/resources/blockIO/weight", "9", "/linux/resources/blockIO/weight", "from 10 to 1000"},
      {"/linux/resources/blockIO/weight", "1001", "/linux/resources/blockIO/weight", "from 10 to 1000"},
      {"/linux/resources/blockIO/weightDevice/0/weight", "5",
       "/linux/resources/blockIO/weightDevice/0/weight", "from 10 to 1000"},
      {"/linux/resources/blockIO/weightDevice/0", R"({"major": 8, "minor": 0})",
       "/linux/resources/blockIO/weightDevice/0", "neither weight nor leafWeight"},
      {"/linux/resources/hugepageLimits/0/pageSize", "\"64kB\"", "/linux/resources/hugepageLimits/0/pageSize",
       "\"64kB\" is no page size"},
      {"/linux/resources/hugepageLimits/0/pageSize", "\"02MB\"", "/linux/resources/hugepageLimits/0/pageSize",
       ""},
      {"/linux/resources/hugepageLimits/0/pageSize", "\"MB\"", "/linux/resources/hugepageLimits/0/pageSize",
       ""},
      {"/linux/resources/hugepageLimits/0/pageSize", "\"2M\"", "/linux/resources/hugepageLimits/0/pageSize",
       ""},
      {"/linux/resources/hugepageLimits/0/pageSize", "\"2/../MB\"",
       "/linux/resources/hugepageLimits/0/pageSize", "no page size"},
      {"/linux/resources/hugepageLimits/1", R"({"pageSize": "2MB", "limit": 1})",
       "/linux/resources/hugepageLimits/1/pageSize", "listed twice"},
      {"/linux/resources/network/priorities/0/name", "\"a/b\"", "/linux/resources/network/priorities/0/name",
       "no name of a network interface"},
      {"/linux/resources/rdma/rxe3", "{}", "/linux/resources/rdma/rxe3", "neither hcaHandles nor hcaObjects"},
      {"/linux/resources/rdma/a b", R"({"hcaObjects": 1})", "/linux/resources/rdma/a b",
       "no name of an RDMA"},
      {"/linux/resources/unified/..", "\"x\"", "/linux/resources/unified/..", "no name of a file"},
      {"/linux/resources/unified/a~1b", "\"x\"", "/linux/resources/unified/a~1b", "no name of a file"},
      {"/linux/resources/unified/", "\"x\"", "/linux/resources/unified/", "no name of a file"},
  }));
  check_refused(row);
}

TEST_CASE("what is deprecated or odd gives a warning and is taken", "[validate]") {
  struct Row {
    const char* pointer;
    const char* value;
    const char* warning;
  };
  const Row row = GENERATE(values<Row>({
      {"/mounts/0/destination", "\"proc\"", "/mounts/0/destination"},
      {"/annotations/org.opencontainers.image.stopSignal", "\"BOGUS\"", "unknown signal \"BOGUS\""},
      {"/process/scheduler/nice", "5", "nice has no effect"},
      {"/linux/intelRdt/l3CacheSchema", "\"L2:0=f\"", "should start with \"L3:\""},
      {"/linux/intelRdt/l3CacheSchema", "\"L3:0=f\\nMB:0=1\"", "should be one line"},
      {"/linux/devices/3", R"({"type": "u", "path": "/dev/fuse2", "major": 10, "minor": 229})",
       "more than once (/linux/devices/3)"},
  }));
  CAPTURE(row.pointer);
  const Warnings warnings = warnings_of(with(row.pointer, row.value));
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Catch::Contains(row.warning));
  CHECK(warnings_of(full_document).empty());
}

}  // namespace ocx::spec
