// linux.memoryPolicy, as get_mempolicy(2) sees it inside. User-mode Linux has no NUMA: tag [qemu].
#include <catch2/catch.hpp>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

constexpr int static_nodes = 1 << 15, relative_nodes = 1 << 14, balancing = 1 << 13;

bool kernel_has(int mode) {
  unsigned long node = 1;
  const bool known = syscall(SYS_set_mempolicy, mode, &node, 65UL) == 0;
  syscall(SYS_set_mempolicy, 0, nullptr, 0UL);
  return known;
}

struct Row {
  json policy;
  int mode;
  json nodes;
};

const Row rows[] = {
    {{{"mode", "MPOL_BIND"}, {"nodes", "0"}}, 2, {0}},
    {{{"mode", "MPOL_BIND"}, {"nodes", "0"}, {"flags", {"MPOL_F_STATIC_NODES"}}}, 2 | static_nodes, {0}},
    {{{"mode", "MPOL_BIND"}, {"nodes", "0"}, {"flags", {"MPOL_F_RELATIVE_NODES"}}}, 2 | relative_nodes, {0}},
    {{{"mode", "MPOL_BIND"}, {"nodes", "0"}, {"flags", {"MPOL_F_NUMA_BALANCING"}}}, 2 | balancing, {0}},
    {{{"mode", "MPOL_INTERLEAVE"}, {"nodes", "0"}}, 3, {0}},
    {{{"mode", "MPOL_PREFERRED"}, {"nodes", "0"}}, 1, {0}},
    {{{"mode", "MPOL_LOCAL"}}, 4, json::array()},
    {{{"mode", "MPOL_DEFAULT"}}, 0, json::array()},
    {{{"mode", "MPOL_PREFERRED_MANY"}, {"nodes", "0"}}, 5, {0}},
    {{{"mode", "MPOL_WEIGHTED_INTERLEAVE"}, {"nodes", "0"}}, 6, {0}},
};

}  // namespace

TEST_CASE("the program has the memory policy of the configuration", "[memory_policy][qemu]") {
  ONLY_OCX("runc has it from 1.4 on");
  if (!kernel_has(2)) SKIP_TEST("this kernel has no NUMA");
  for (const Row& row : rows) {
    INFO(row.policy.dump());
    Bundle bundle;
    bundle.config["linux"]["memoryPolicy"] = row.policy;
    if ((row.mode & 0xff) > 4 && !kernel_has(row.mode & 0xff)) {
      Container container(bundle);
      CHECK(contains(error_message(container.create()), "set_mempolicy"));
      continue;
    }
    const json facts = payload_facts(bundle);
    CHECK(facts["memory_policy"] == row.mode);
    CHECK(facts["memory_nodes"] == row.nodes);
  }
}

TEST_CASE("a process that exec adds has the memory policy too", "[memory_policy][exec][qemu]") {
  ONLY_OCX("runc has it from 1.4 on");
  if (!kernel_has(2)) SKIP_TEST("this kernel has no NUMA");
  Bundle bundle;
  bundle.config["linux"]["memoryPolicy"] = {{"mode", "MPOL_INTERLEAVE"}, {"nodes", "0"}};
  Container container(bundle);
  REQUIRE_OK(container.create());
  const Result result = container.command({"exec", container.id(), "/bin/probe", "facts"});
  REQUIRE_OK(result);
  CHECK(parse_json(result.out)["memory_policy"] == 3);
}

TEST_CASE("a node that is not there is an error that says so", "[memory_policy][qemu]") {
  ONLY_OCX("runc has it from 1.4 on");
  if (!kernel_has(2)) SKIP_TEST("this kernel has no NUMA");
  for (const char* nodes : {"63", "1000", "32768-65535"}) {
    Bundle bundle;
    bundle.config["linux"]["memoryPolicy"] = {{"mode", "MPOL_BIND"}, {"nodes", nodes}};
    Container container(bundle);
    const std::string message = error_message(container.create());
    INFO(message);
    CHECK(contains(message, "set_mempolicy MPOL_BIND, nodes " + std::string(nodes)));
    CHECK(contains(message, "invalid argument"));
    CHECK(contains(message, "/linux/memoryPolicy"));
    CHECK(container.leftovers().empty());
  }
}
