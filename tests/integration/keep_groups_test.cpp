// The annotation run.oci.keep_original_groups.
#include <catch2/catch.hpp>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

constexpr const char* crun = "crun's annotation";

/// The test, and so the runtime it calls, has other supplementary groups for a while.
class Groups {
 public:
  explicit Groups(const std::vector<gid_t>& groups) : before_(256) {
    before_.resize(static_cast<size_t>(getgroups(256, before_.data())));
    REQUIRE(setgroups(groups.size(), groups.data()) == 0);
  }
  Groups(const Groups&) = delete;
  Groups& operator=(const Groups&) = delete;
  ~Groups() { setgroups(before_.size(), before_.data()); }

 private:
  std::vector<gid_t> before_;
};

}  // namespace

TEST_CASE("the caller's groups are kept, or not", "[keep_groups][contract]") {
  ONLY_OCX(crun);
  const Groups groups({4242, 4343});
  struct Row {
    const char *annotation, *value;
    json groups;
  };
  for (const Row& row :
       {Row{"run.oci.keep_original_groups", "1", {4242, 4343}},
        Row{"io.crun.keep_original_groups", "1", {4242, 4343}},
        Row{"run.oci.keep_original_groups", "0", json::array()}, Row{"org.example", "1", json::array()}}) {
    INFO(row.annotation << " " << row.value);
    Bundle bundle;
    bundle.config["annotations"][row.annotation] = row.value;
    bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
    CHECK(payload_facts(bundle)["groups"] == row.groups);
  }
}

TEST_CASE("in a user namespace the kept groups still open the host's files", "[keep_groups][userns]") {
  ONLY_OCX(crun);
  const Groups groups({4242});
  for (const bool keep : {true, false}) {
    Bundle bundle;
    bundle.use_user_namespace();
    const Path file = bundle.scratch() / "shared";
    write_file(file, "x");
    REQUIRE(chown(file.c_str(), 0, 4242) == 0);
    REQUIRE(chmod(file.c_str(), 0640) == 0);
    bundle.add_mount({{"destination", "/shared"}, {"type", "bind"}, {"source", file}, {"options", {"bind"}}});
    bundle.config["annotations"]["run.oci.keep_original_groups"] = keep ? "1" : "0";
    bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
    bundle.args({"/bin/probe", "try", "read", "/shared"});
    Container container(bundle);
    CHECK(container.output() == (keep ? "ok\n" : "EACCES\n"));
  }
}

TEST_CASE("a process that exec adds keeps its caller's groups", "[keep_groups][exec]") {
  ONLY_OCX(crun);
  Bundle bundle;
  bundle.config["annotations"]["run.oci.keep_original_groups"] = "1";
  Container container(bundle);
  REQUIRE_OK(container.create());
  const Groups groups({4444});
  const Result result = container.command({"exec", container.id(), "/bin/probe", "facts"});
  REQUIRE_OK(result);
  CHECK(parse_json(result.out)["groups"] == json({4444}));
}

TEST_CASE("additionalGids beside kept groups are a warning, another value an error", "[keep_groups]") {
  ONLY_OCX(crun);
  const Groups groups({4242});
  Bundle bundle({"/bin/true"});
  bundle.config["annotations"]["run.oci.keep_original_groups"] = "1";
  bundle.process()["user"]["additionalGids"] = {10};
  Container container(bundle);
  const Result created = container.create();
  REQUIRE_OK(created);
  CHECK(contains(created.err, "additionalGids"));
  Bundle other;
  other.config["annotations"]["run.oci.keep_original_groups"] = "perhaps";
  Container refused(other);
  CHECK(contains(error_message(refused.create()), "/annotations/run.oci.keep_original_groups"));
}
