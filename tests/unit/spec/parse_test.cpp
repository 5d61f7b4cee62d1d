#include <catch2/catch.hpp>
#include <linux/sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <functional>

#include "parse_fixture.hpp"
#include "spec/names.hpp"

namespace ocx::spec {

TEST_CASE("the common part arrives in the structs", "[parse]") {
  const Config config = parsed(full_document);
  CHECK(config.oci_version == "1.3.0");
  CHECK(config.root.path == "rootfs");
  CHECK(config.root.readonly);
  CHECK(config.hostname == "box");
  CHECK(config.domainname == "example.org");
  CHECK(config.annotations.at("com.example.key") == "value");
  CHECK(config.annotations.at("empty").empty());
  REQUIRE(config.mounts.size() == 2);
  CHECK(config.mounts[0].destination == "/proc");
  CHECK(config.mounts[1].type == "none");
  CHECK(config.mounts[1].source == "/srv");
  CHECK(config.mounts[1].options == std::vector<std::string>{"rbind", "ro", "idmap"});
  CHECK(config.mounts[1].uid_mappings == std::vector<IdMapping>{{0, 1000, 10}});
  CHECK(config.mounts[1].gid_mappings == std::vector<IdMapping>{{0, 2000, 20}});
}

TEST_CASE("process arrives in the struct", "[parse]") {
  const Process process = parsed(full_document).process.value();
  CHECK(process.terminal);
  CHECK(process.console_size->height == 25);
  CHECK(process.console_size->width == 80);
  CHECK(process.cwd == "/work");
  CHECK(process.env == std::vector<std::string>{"PATH=/bin", "EMPTY="});
  CHECK(process.args == std::vector<std::string>{"sh", "-c", "true"});
  CHECK(process.user.uid == 1);
  CHECK(process.user.gid == 2);
  CHECK(process.user.umask == 022U);
  CHECK(process.user.additional_gids == std::vector<std::uint32_t>{3, 4});
  REQUIRE(process.rlimits.size() == 2);
  CHECK(process.rlimits[0].resource == RLIMIT_NOFILE);
  CHECK(process.rlimits[0].soft == 1024);
  CHECK(process.rlimits[0].hard == 4096);
  CHECK(process.rlimits[1].hard == RLIM_INFINITY);
  CHECK(process.apparmor_profile == "profile");
  CHECK(process.selinux_label == "label");
  CHECK(process.no_new_privileges);
  CHECK(process.oom_score_adj == -500);
}

TEST_CASE("capabilities and scheduling arrive in the struct", "[parse]") {
  const Process process = parsed(full_document).process.value();
  CHECK(process.capabilities->bounding == (1ULL << 40 | 1));
  CHECK(process.capabilities->permitted == (1U << 5 | 1));
  CHECK(process.capabilities->effective == 1U << 5);
  CHECK(process.capabilities->inheritable == 1);
  CHECK(process.capabilities->ambient == 1);
  CHECK(process.scheduler->policy == 6);
  CHECK(process.scheduler->flags == 3);
  CHECK(process.scheduler->runtime == 1000000);
  CHECK(process.scheduler->deadline == 2000000);
  CHECK(process.scheduler->period == 3000000);
  CHECK(process.io_priority->io_class == 2);
  CHECK(process.io_priority->priority == 5);
  CHECK(process.exec_cpu_affinity->initial == "0-3,7");
  CHECK(process.exec_cpu_affinity->final == "1");
}

TEST_CASE("hooks arrive in their lists", "[parse]") {
  const Hooks hooks = parsed(full_document).hooks;
  CHECK(hooks.prestart.at(0).path == "/h/prestart");
  CHECK(hooks.create_runtime.at(0).args == std::vector<std::string>{"runtime", "x"});
  CHECK(hooks.create_runtime.at(0).env == std::vector<std::string>{"A=b"});
  CHECK(hooks.create_runtime.at(0).timeout == 7);
  CHECK(hooks.create_container.at(0).path == "/h/container");
  CHECK_FALSE(hooks.create_container.at(0).env);
  CHECK(hooks.start_container.at(0).env == std::vector<std::string>{});
  CHECK_FALSE(hooks.start_container.at(0).timeout);
  CHECK(hooks.poststart.at(0).path == "/h/poststart");
  CHECK(hooks.poststop.at(1).path == "/h/poststop2");
}

TEST_CASE("linux arrives in the struct", "[parse]") {
  const Linux linux = parsed(full_document).linux;
  REQUIRE(linux.namespaces.size() == 8);
  CHECK(linux.find(CLONE_NEWNET)->path == "/run/netns/x");
  CHECK(linux.find(CLONE_NEWTIME)->path.empty());
  CHECK(linux.uid_mappings == std::vector<IdMapping>{{0, 100000, 65536}});
  CHECK(linux.gid_mappings == std::vector<IdMapping>{{0, 200000, 1000}, {1000, 5, 1}});
  CHECK(linux.time_offsets.at("monotonic").secs == -5);
  CHECK(linux.time_offsets.at("monotonic").nanosecs == 999999999);
  CHECK(linux.time_offsets.at("boottime").secs == 0);
  CHECK(linux.net_devices.at("eth7").name == "net%d");
  CHECK(linux.net_devices.at("eth8").name.empty());
  CHECK(linux.cgroups_path == "/ocx/box");
  CHECK(linux.personality == PersonalityDomain::linux32);
  CHECK(linux.sysctl.at("net.ipv4.ip_forward") == "1");
  CHECK(linux.rootfs_propagation == RootfsPropagation::slave);
  CHECK_FALSE(linux.rootfs_propagation_recursive);
  CHECK(linux.masked_paths == std::vector<std::string>{"/proc/kcore"});
  CHECK(linux.readonly_paths == std::vector<std::string>{"/proc/sys"});
  CHECK(linux.mount_label == "system_u:object_r:x:s0");
}

TEST_CASE("devices, memory policy and intelRdt arrive in the structs", "[parse]") {
  const Linux linux = parsed(full_document).linux;
  REQUIRE(linux.devices.size() == 3);
  CHECK(linux.devices[0].type == 'c');
  CHECK(linux.devices[0].path == "/dev/fuse");
  CHECK(linux.devices[0].major == 10);
  CHECK(linux.devices[0].minor == 229);
  CHECK(linux.devices[0].file_mode == 0666U);  // S_IFCHR dropped
  CHECK(linux.devices[0].uid == 0U);
  CHECK(linux.devices[0].gid == 5U);
  CHECK(linux.devices[1].type == 'p');
  CHECK_FALSE(linux.devices[1].file_mode);
  CHECK_FALSE(linux.devices[2].uid);
  CHECK(linux.memory_policy->mode == 2);
  CHECK(linux.memory_policy->nodes == "0-1");
  CHECK(linux.memory_policy->flags == 1U << 15);
  CHECK(linux.intel_rdt->clos_id == "guaranteed");
  CHECK(linux.intel_rdt->l3_cache_schema == "L3:0=7f0");
  CHECK(linux.intel_rdt->mem_bw_schema == "MB:0=20");
  CHECK(linux.intel_rdt->schemata == std::vector<std::string>{"L2:0=f"});
  CHECK(linux.intel_rdt->enable_monitoring);
}

TEST_CASE("memory, cpu and device rules arrive in the structs", "[parse]") {
  const Resources resources = parsed(full_document).linux.resources.value();
  REQUIRE(resources.devices.size() == 2);
  CHECK_FALSE(resources.devices[0].allow);
  CHECK(resources.devices[0].type == 'a');
  CHECK_FALSE(resources.devices[0].major);
  CHECK(resources.devices[1].allow);
  CHECK(resources.devices[1].type == 'c');
  CHECK(resources.devices[1].major == 10);
  CHECK_FALSE(resources.devices[1].minor);
  CHECK(resources.devices[1].read);
  CHECK_FALSE(resources.devices[1].write);
  CHECK(resources.devices[1].mknod);
  CHECK(resources.memory->limit == 9223372036854772000);
  CHECK(resources.memory->reservation == 1);
  CHECK(resources.memory->swap == -1);
  CHECK(resources.memory->kernel == -1);
  CHECK(resources.memory->kernel_tcp == -1);
  CHECK(resources.memory->swappiness == 60U);
  CHECK(resources.memory->disable_oom_killer == false);
  CHECK(resources.memory->use_hierarchy == true);
  CHECK(resources.memory->check_before_update);
  CHECK(resources.cpu->shares == 18446744073709551615ULL);
  CHECK(resources.cpu->quota == 50000);
  CHECK(resources.cpu->burst == 1000U);
  CHECK(resources.cpu->period == 100000U);
  CHECK(resources.cpu->realtime_runtime == 950000);
  CHECK(resources.cpu->realtime_period == 1000000U);
  CHECK(resources.cpu->cpus == "0-3,7");
  CHECK(resources.cpu->mems == "0");
  CHECK(resources.cpu->idle == 1);
}

TEST_CASE("all other resources arrive in the structs", "[parse]") {
  const Resources resources = parsed(full_document).linux.resources.value();
  CHECK(resources.has_pids);
  CHECK(resources.pids_limit == 0);
  CHECK(resources.block_io->weight == std::uint16_t{10});
  CHECK(resources.block_io->leaf_weight == std::uint16_t{20});
  CHECK(resources.block_io->weight_device.at(0).weight == std::uint16_t{500});
  CHECK(resources.block_io->weight_device.at(0).leaf_weight == std::uint16_t{300});
  CHECK(resources.block_io->throttle_read_bps.at(0).rate == 600);
  CHECK(resources.block_io->throttle_write_bps.at(0).minor == 2);
  CHECK(resources.block_io->throttle_read_iops.at(0).rate == 800);
  CHECK(resources.block_io->throttle_write_iops.at(0).rate == 18446744073709551615ULL);
  CHECK(resources.hugepage_limits.at(0).page_size == "2MB");
  CHECK(resources.hugepage_limits.at(0).limit == 18446744073709551615ULL);
  CHECK(resources.network->class_id == 4294967295U);
  CHECK(resources.network->priorities.at(0).name == "eth0");
  CHECK(resources.network->priorities.at(0).priority == 500);
  CHECK(resources.rdma.at("mlx5_1").hca_handles == 3U);
  CHECK(resources.rdma.at("mlx5_1").hca_objects == 10000U);
  CHECK_FALSE(resources.rdma.at("rxe3").hca_handles);
  CHECK(resources.unified.at("io.max") == "8:0 rbps=1\n8:1 rbps=2");
}

TEST_CASE("seccomp arrives in the struct", "[parse]") {
  const Seccomp seccomp = parsed(full_document).linux.seccomp.value();
  CHECK(seccomp.default_action == SeccompAction::errno_);
  CHECK(seccomp.default_errno_ret == 38U);
  CHECK(seccomp.architectures == std::vector<std::string>{"SCMP_ARCH_X86_64", "SCMP_ARCH_X32"});
  CHECK(seccomp.flags == 3U);
  CHECK(seccomp.listener_path == "/run/agent.sock");
  CHECK(seccomp.listener_metadata == "m");
  REQUIRE(seccomp.syscalls.size() == 3);
  CHECK(seccomp.syscalls[0].names == std::vector<std::string>{"read", "write"});
  CHECK(seccomp.syscalls[0].action == SeccompAction::allow);
  CHECK_FALSE(seccomp.syscalls[0].errno_ret);
  CHECK(seccomp.syscalls[1].action == SeccompAction::notify);
  CHECK(seccomp.syscalls[2].errno_ret == 1U);
  const SeccompArg arg = seccomp.syscalls[2].args.at(0);
  CHECK(arg.index == 5);
  CHECK(arg.value == 18446744073709551615ULL);
  CHECK(arg.value_two == 8);
  CHECK(arg.op == SeccompOperator::masked_eq);
}

TEST_CASE("optional properties may be left out", "[parse]") {
  const char* const pointer = GENERATE(
      "/hostname", "/domainname", "/annotations", "/mounts", "/process", "/hooks", "/root/readonly",
      "/mounts/1/options", "/process/terminal", "/process/consoleSize", "/process/env", "/process/user",
      "/process/user/umask", "/process/user/additionalGids", "/process/rlimits", "/process/apparmorProfile",
      "/process/selinuxLabel", "/process/capabilities", "/process/capabilities/ambient",
      "/process/noNewPrivileges", "/process/oomScoreAdj", "/process/scheduler", "/process/scheduler/nice",
      "/process/scheduler/flags", "/process/scheduler/period", "/process/ioPriority",
      "/process/execCPUAffinity", "/process/execCPUAffinity/initial", "/process/execCPUAffinity/final",
      "/hooks/prestart", "/hooks/createRuntime/0/timeout", "/linux/timeOffsets", "/linux/devices",
      "/linux/devices/0/fileMode", "/linux/netDevices", "/linux/cgroupsPath", "/linux/resources",
      "/linux/resources/devices/1/type", "/linux/resources/devices/1/major", "/linux/resources/memory",
      "/linux/resources/memory/limit", "/linux/resources/cpu", "/linux/resources/pids",
      "/linux/resources/pids/limit", "/linux/resources/blockIO", "/linux/resources/blockIO/weight",
      "/linux/resources/blockIO/weightDevice/0/weight", "/linux/resources/hugepageLimits",
      "/linux/resources/network", "/linux/resources/network/classID", "/linux/resources/rdma",
      "/linux/resources/rdma/mlx5_1/hcaHandles", "/linux/resources/unified", "/linux/intelRdt",
      "/linux/intelRdt/closID", "/linux/memoryPolicy", "/linux/memoryPolicy/flags", "/linux/personality",
      "/linux/personality/flags", "/linux/sysctl", "/linux/rootfsPropagation", "/linux/maskedPaths",
      "/linux/readonlyPaths", "/linux/mountLabel", "/linux/seccomp", "/linux/seccomp/architectures",
      "/linux/seccomp/flags", "/linux/seccomp/listenerMetadata", "/linux/seccomp/defaultErrnoRet",
      "/linux/seccomp/syscalls", "/linux/seccomp/syscalls/2/args",
      "/linux/seccomp/syscalls/2/args/0/valueTwo");
  CAPTURE(pointer);
  CHECK_FALSE(failure_of(without(pointer)));
  CHECK_FALSE(failure_of(with(pointer, "null")));
}

TEST_CASE("required properties are asked for by name", "[parse]") {
  const std::string pointer = GENERATE(
      "/ociVersion", "/root", "/root/path", "/mounts/0/destination", "/mounts/1/uidMappings/0/containerID",
      "/mounts/1/uidMappings/0/hostID", "/mounts/1/gidMappings/0/size", "/process/cwd", "/process/args",
      "/process/user/uid", "/process/user/gid", "/process/consoleSize/height", "/process/consoleSize/width",
      "/process/rlimits/0/type", "/process/rlimits/1/soft", "/process/rlimits/0/hard",
      "/process/scheduler/policy", "/process/ioPriority/class", "/process/ioPriority/priority",
      "/hooks/poststop/1/path", "/linux/namespaces/3/type", "/linux/uidMappings/0/size",
      "/linux/devices/0/type", "/linux/devices/1/path", "/linux/devices/0/major", "/linux/devices/2/minor",
      "/linux/resources/devices/0/allow", "/linux/resources/devices/1/access",
      "/linux/resources/blockIO/weightDevice/0/major",
      "/linux/resources/blockIO/throttleReadBpsDevice/0/rate",
      "/linux/resources/blockIO/throttleWriteIOPSDevice/0/minor",
      "/linux/resources/hugepageLimits/0/pageSize", "/linux/resources/hugepageLimits/0/limit",
      "/linux/resources/network/priorities/0/name", "/linux/resources/network/priorities/0/priority",
      "/linux/memoryPolicy/mode", "/linux/personality/domain", "/linux/seccomp/defaultAction",
      "/linux/seccomp/syscalls/0/names", "/linux/seccomp/syscalls/0/action",
      "/linux/seccomp/syscalls/2/args/0/index", "/linux/seccomp/syscalls/2/args/0/value",
      "/linux/seccomp/syscalls/2/args/0/op");
  CAPTURE(pointer);
  const std::string name = pointer.substr(pointer.rfind('/') + 1);
  for (const std::string& document : {without(pointer), with(pointer, "null")}) {
    const auto error = failure_of(document);
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::invalid_config);
    CHECK(error->message() == '"' + name + "\" is required");
    CHECK(error->origin() == pointer);
  }
}

TEST_CASE("unknown properties are ignored at every level", "[parse]") {
  auto document = nlohmann::json::parse(full_document);
  const std::vector<std::string> maps = {"annotations", "timeOffsets", "netDevices",
                                         "rdma",        "unified",     "sysctl"};
  std::function<void(nlohmann::json&, const std::string&)> salt = [&](nlohmann::json& value,
                                                                      const std::string& name) {
    for (auto& [key, child] : value.items())
      if (child.is_structured()) salt(child, key);
    if (value.is_object() && std::find(maps.begin(), maps.end(), name) == maps.end())
      value["x-unknown"] = {{"path", 5}, {"n", 1.5}, {"s", std::string("a\0b", 3)}};
  };
  salt(document, "");
  CHECK(document["linux"]["resources"]["memory"].contains("x-unknown"));
  Warnings warnings;
  CHECK_NOTHROW(parse_config(document.dump(), warnings));
  CHECK(warnings.empty());
}

TEST_CASE("objects of other platforms are ignored, a virtual machine with a word", "[parse]") {
  for (const char* platform : {"/windows", "/solaris", "/zos", "/freebsd"}) {
    CHECK_FALSE(failure_of(with(platform, R"({"devices": 3, "x": [1.5]})")));
    CHECK(warnings_of(with(platform, "7")).empty());
  }
  CHECK(warnings_of(with("/vm", R"({"kernel": 5})")) ==
        Warnings{"ocx runs no virtual machines (/vm), ignoring"});
  CHECK_FALSE(failure_of(with("/process/commandLine", "5")));
  CHECK_FALSE(failure_of(with("/process/user/username", "5")));
}

TEST_CASE("the smallest documents", "[parse]") {
  const Config config = parsed(R"({"ociVersion": "1.0.0", "root": {"path": "rootfs"}})");
  CHECK_FALSE(config.process);
  CHECK(config.linux.namespaces.empty());
  const Config program = parsed(R"({"ociVersion": "1.0.0", "root": {"path": "/r"},
                                    "process": {"cwd": "/", "args": ["x"]}})");
  CHECK(program.process->user.uid == 0);
  CHECK(program.process->user.gid == 0);
  CHECK_FALSE(program.process->user.umask);
  CHECK_FALSE(program.process->capabilities);
  CHECK_FALSE(program.process->oom_score_adj);
}

TEST_CASE("consoleSize is ignored without a terminal", "[parse]") {
  auto document = nlohmann::json::parse(full_document);
  document["process"]["consoleSize"] = "nonsense";
  document["process"]["terminal"] = false;
  CHECK_FALSE(parsed(document.dump()).process->console_size);
  document["process"].erase("terminal");
  CHECK_FALSE(parsed(document.dump()).process->console_size);
}

TEST_CASE("unknown capabilities are left out with a warning", "[parse]") {
  const std::string document =
      with("/process/capabilities/bounding", R"(["CAP_BOGUS", "CAP_KILL", "chown"])");
  CHECK(parsed(document).process->capabilities->bounding == 1U << 5);
  CHECK(warnings_of(document) ==
        Warnings{"unknown capability \"CAP_BOGUS\" (/process/capabilities/bounding/0), ignoring",
                 "unknown capability \"chown\" (/process/capabilities/bounding/2), ignoring"});
}

TEST_CASE("capabilities that the kernel would not grant are left out with a warning", "[parse]") {
  const std::string effective = with("/process/capabilities/effective", R"(["CAP_KILL", "CAP_BPF"])");
  CHECK(parsed(effective).process->capabilities->effective == 1U << 5);
  CHECK_THAT(warnings_of(effective).at(0), Catch::Contains("CAP_BPF") && Catch::Contains("/effective"));
  const std::string ambient = with("/process/capabilities/ambient", R"(["CAP_KILL", "CAP_CHOWN"])");
  CHECK(parsed(ambient).process->capabilities->ambient == 1);
  CHECK_THAT(warnings_of(ambient).at(0), Catch::Contains("CAP_KILL") && Catch::Contains("/ambient"));
  const std::string several =
      with("/process/capabilities/ambient", R"(["CAP_KILL", "CAP_FOWNER", "CAP_SYSLOG"])");
  CHECK(warnings_of(several) ==
        std::vector<std::string>{
            "CAP_FOWNER, CAP_KILL, CAP_SYSLOG can't be granted without being permitted and "
            "inheritable (/process/capabilities/ambient), ignoring"});
}

TEST_CASE("ambient capabilities beside no inheritable ones are left out silently", "[parse]") {
  const std::string buildah =
      with("/process/capabilities", R"({"permitted": ["CAP_KILL"], "ambient": ["CAP_KILL"]})");
  CHECK(parsed(buildah).process->capabilities->permitted == 1U << 5);
  CHECK(parsed(buildah).process->capabilities->ambient == 0);
  CHECK(warnings_of(buildah).empty());
}

TEST_CASE("device rules in their short forms", "[parse]") {
  Warnings warnings;
  const auto rule = [&](const std::string& text) {
    return parse_resources(R"({"devices": [)" + text + "]}", warnings).devices.at(0);
  };
  CHECK_FALSE(rule(R"({"allow": true, "type": "c", "major": -1, "minor": -1, "access": "r"})").major);
  CHECK(rule(R"({"allow": false})").type == 'a');
  CHECK(rule(R"({"allow": false})").mknod);
  CHECK(rule(R"({"allow": false, "type": "", "access": "w"})").write);
}

TEST_CASE("empty strings that stand for absent", "[parse]") {
  CHECK_FALSE(parsed(with("/hostname", "\"\"")).hostname);
  CHECK_FALSE(parsed(with("/linux/cgroupsPath", "\"\"")).linux.cgroups_path);
  CHECK(parsed(with("/linux/rootfsPropagation", "\"\"")).linux.rootfs_propagation ==
        RootfsPropagation::unset);
  CHECK(parsed(with("/linux/rootfsPropagation", "\"rshared\"")).linux.rootfs_propagation_recursive);
}

TEST_CASE("a process and resources are documents of their own", "[parse]") {
  Warnings warnings;
  const Process process =
      parse_process(R"({"cwd": "/", "args": ["id"], "user": {"uid": 5, "gid": 6}})", warnings);
  CHECK(process.user.uid == 5);
  CHECK(parse_resources(R"({"pids": {"limit": 5}})", warnings).pids_limit == 5);
  const auto origin_of = [&](auto parse, const char* document) {
    try {
      parse(document, warnings);
    } catch (const Error& error) {
      return error.origin();
    }
    return std::string("accepted");
  };
  CHECK(origin_of(parse_process, R"({"cwd": "x", "args": ["id"]})") == "/cwd");
  CHECK(origin_of(parse_process, R"({"cwd": "/", "args": ["id"], "user": {"uid": "0"}})") == "/user/uid");
  CHECK(origin_of(parse_resources, R"({"cpu": {"cpus": "x"}})") == "/cpu/cpus");
  CHECK(origin_of(parse_resources, R"({"memory": {"limit": "1"}})") == "/memory/limit");
}

}  // namespace ocx::spec
