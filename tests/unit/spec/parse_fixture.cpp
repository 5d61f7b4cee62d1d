#include "parse_fixture.hpp"

#include <catch2/catch.hpp>

namespace ocx::spec {

const char* const full_document = R"json({
  "ociVersion": "1.3.0",
  "root": {"path": "rootfs", "readonly": true},
  "hostname": "box", "domainname": "example.org",
  "annotations": {"com.example.key": "value", "empty": "", "org.opencontainers.image.stopSignal": "SIGRTMIN+3"},
  "mounts": [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/data", "type": "none", "source": "/srv", "options": ["rbind", "ro", "idmap"],
     "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}],
     "gidMappings": [{"containerID": 0, "hostID": 2000, "size": 20}]}
  ],
  "process": {
    "terminal": true, "consoleSize": {"height": 25, "width": 80},
    "cwd": "/work", "env": ["PATH=/bin", "EMPTY="], "args": ["sh", "-c", "true"],
    "user": {"uid": 1, "gid": 2, "umask": 18, "additionalGids": [3, 4]},
    "rlimits": [
      {"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 4096},
      {"type": "RLIMIT_CORE", "soft": 18446744073709551615, "hard": 18446744073709551615}
    ],
    "apparmorProfile": "profile", "selinuxLabel": "label",
    "capabilities": {
      "bounding": ["CAP_CHOWN", "CAP_CHECKPOINT_RESTORE"], "permitted": ["CAP_CHOWN", "CAP_KILL"],
      "effective": ["CAP_KILL"], "inheritable": ["CAP_CHOWN"], "ambient": ["CAP_CHOWN"]
    },
    "noNewPrivileges": true, "oomScoreAdj": -500,
    "scheduler": {"policy": "SCHED_DEADLINE", "nice": 0, "priority": 0,
      "flags": ["SCHED_FLAG_RECLAIM", "SCHED_FLAG_RESET_ON_FORK"],
      "runtime": 1000000, "deadline": 2000000, "period": 3000000},
    "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 5},
    "execCPUAffinity": {"initial": "0-3,7", "final": "1"}
  },
  "hooks": {
    "prestart": [{"path": "/h/prestart"}],
    "createRuntime": [{"path": "/h/runtime", "args": ["runtime", "x"], "env": ["A=b"], "timeout": 7}],
    "createContainer": [{"path": "/h/container"}],
    "startContainer": [{"path": "/h/start", "env": []}],
    "poststart": [{"path": "/h/poststart"}],
    "poststop": [{"path": "/h/poststop"}, {"path": "/h/poststop2"}]
  },
  "linux": {
    "namespaces": [
      {"type": "pid"}, {"type": "network", "path": "/run/netns/x"}, {"type": "mount"}, {"type": "ipc"},
      {"type": "uts"}, {"type": "user"}, {"type": "cgroup"}, {"type": "time"}
    ],
    "uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
    "gidMappings": [{"containerID": 0, "hostID": 200000, "size": 1000}, {"containerID": 1000, "hostID": 5, "size": 1}],
    "timeOffsets": {"monotonic": {"secs": -5, "nanosecs": 999999999}, "boottime": {}},
    "devices": [
      {"type": "c", "path": "/dev/fuse", "major": 10, "minor": 229, "fileMode": 8630, "uid": 0, "gid": 5},
      {"type": "p", "path": "/dev/fifo"},
      {"type": "b", "path": "/dev/sda", "major": 8, "minor": 0}
    ],
    "netDevices": {"eth7": {"name": "net%d"}, "eth8": {}},
    "cgroupsPath": "/ocx/box",
    "resources": {
      "devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 10, "access": "rm"}],
      "memory": {"limit": 9223372036854772000, "reservation": 1, "swap": -1, "kernel": -1, "kernelTCP": -1,
        "swappiness": 60, "disableOOMKiller": false, "useHierarchy": true, "checkBeforeUpdate": true},
      "cpu": {"shares": 18446744073709551615, "quota": 50000, "burst": 1000, "period": 100000,
        "realtimeRuntime": 950000, "realtimePeriod": 1000000, "cpus": "0-3,7", "mems": "0", "idle": 1},
      "pids": {"limit": 0},
      "blockIO": {"weight": 10, "leafWeight": 20,
        "weightDevice": [{"major": 8, "minor": 0, "weight": 500, "leafWeight": 300}],
        "throttleReadBpsDevice": [{"major": 8, "minor": 1, "rate": 600}],
        "throttleWriteBpsDevice": [{"major": 8, "minor": 2, "rate": 700}],
        "throttleReadIOPSDevice": [{"major": 8, "minor": 3, "rate": 800}],
        "throttleWriteIOPSDevice": [{"major": 8, "minor": 4, "rate": 18446744073709551615}]},
      "hugepageLimits": [{"pageSize": "2MB", "limit": 18446744073709551615}],
      "network": {"classID": 4294967295, "priorities": [{"name": "eth0", "priority": 500}]},
      "rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 10000}, "rxe3": {"hcaObjects": 7}},
      "unified": {"memory.high": "max", "io.max": "8:0 rbps=1\n8:1 rbps=2"}
    },
    "intelRdt": {"closID": "guaranteed", "l3CacheSchema": "L3:0=7f0", "memBwSchema": "MB:0=20",
      "schemata": ["L2:0=f"], "enableMonitoring": true},
    "memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0-1", "flags": ["MPOL_F_STATIC_NODES"]},
    "personality": {"domain": "LINUX32", "flags": []},
    "sysctl": {"net.ipv4.ip_forward": "1", "net/ipv4/conf/eth0.1/forwarding": "0", "kernel.shmmax": "9"},
    "rootfsPropagation": "slave",
    "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"],
    "mountLabel": "system_u:object_r:x:s0",
    "seccomp": {
      "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
      "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"],
      "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC"],
      "listenerPath": "/run/agent.sock", "listenerMetadata": "m",
      "syscalls": [
        {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["mount"], "action": "SCMP_ACT_NOTIFY"},
        {"names": ["personality"], "action": "SCMP_ACT_TRACE", "errnoRet": 1,
         "args": [{"index": 5, "value": 18446744073709551615, "valueTwo": 8, "op": "SCMP_CMP_MASKED_EQ"}]}
      ]
    }
  }
})json";

std::string with(const std::string& pointer, const std::string& value) {
  auto document = nlohmann::ordered_json::parse(full_document);
  document[nlohmann::ordered_json::json_pointer(pointer)] = nlohmann::ordered_json::parse(value);
  return document.dump();
}

std::string without(const std::string& pointer) {
  auto document = nlohmann::ordered_json::parse(full_document);
  const nlohmann::ordered_json::json_pointer place(pointer);
  auto& parent = document[place.parent_pointer()];
  REQUIRE(parent.erase(place.back()) == 1);
  return document.dump();
}

std::optional<Error> failure_of(const std::string& document) {
  try {
    Warnings warnings;
    parse_config(document, warnings);
    return std::nullopt;
  } catch (const Error& error) {
    return error;
  }
}

void check_refused(const BadValue& row) {
  CAPTURE(row.pointer, row.value);
  const auto error = failure_of(with(row.pointer, row.value));
  REQUIRE(error);
  CHECK(error->origin() == row.origin);
  CHECK_THAT(error->what(), Catch::Contains(row.message));
  CHECK(std::string(error->what()).find('\n') == std::string::npos);
}

}  // namespace ocx::spec
