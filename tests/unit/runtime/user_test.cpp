// SetUser and BecomeRoot on the real kernel, each in a child of its own.
#include <catch2/catch.hpp>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/error.hpp"
#include "tests/harness/forked.hpp"
#include "tests/unit/runtime/fake_init.hpp"

using namespace ocx;
using namespace ocx::test;

namespace {

runtime::step::SetUser user(uid_t uid, gid_t gid, std::vector<gid_t> groups = {}) {
  runtime::step::SetUser step;
  step.uid = uid;
  step.gid = gid;
  step.groups = std::move(groups);
  return step;
}

std::vector<gid_t> own_groups() {
  std::vector<gid_t> groups(64);
  groups.resize(static_cast<std::size_t>(::getgroups(64, groups.data())));
  return groups;
}

bool has_ids(uid_t uid, gid_t gid) {
  uid_t real_uid, uid_now, saved_uid;
  gid_t real_gid, gid_now, saved_gid;
  return ::getresuid(&real_uid, &uid_now, &saved_uid) == 0 &&
         ::getresgid(&real_gid, &gid_now, &saved_gid) == 0 && real_uid == uid && uid_now == uid &&
         saved_uid == uid && real_gid == gid && gid_now == gid && saved_gid == gid;
}

template <class Step>
std::string error_of(FakeInit& init, const Step& step) {
  try {
    runtime::execute(init.context, step);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

bool has(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the user: all three ids, exactly the groups asked for, the umask, capabilities kept") {
  CHECK(forked([] {
          FakeInit init;
          const gid_t stray[] = {1, 2, 3};
          EXPECT(::setgroups(3, stray) == 0);
          runtime::step::SetUser step = user(1234, 5678, {10, 20});
          step.umask = 037;
          runtime::execute(init.context, step);
          EXPECT(has_ids(1234, 5678));
          EXPECT(own_groups() == std::vector<gid_t>({10, 20}));
          EXPECT(::umask(0) == 037);
          EXPECT(::prctl(PR_GET_KEEPCAPS) == 1);
        }) == "ok");
}

TEST_CASE("root keeps no group of the caller's, and a umask nobody asked for is left alone") {
  CHECK(forked([] {
          FakeInit init;
          const gid_t stray[] = {1, 2, 3};
          EXPECT(::setgroups(3, stray) == 0);
          ::umask(051);
          runtime::execute(init.context, user(0, 0));
          EXPECT(own_groups().empty());
          EXPECT(::umask(0) == 051);
        }) == "ok");
}

TEST_CASE("groups may be told to stay") {
  CHECK(forked([] {
          FakeInit init;
          const gid_t kept[] = {7, 8};
          EXPECT(::setgroups(2, kept) == 0);
          runtime::step::SetUser step = user(1000, 1000);
          step.set_groups = false;
          runtime::execute(init.context, step);
          EXPECT(own_groups() == std::vector<gid_t>({7, 8}));
        }) == "ok");
}

TEST_CASE("the payload owns its standard streams, but never the host's /dev/null") {
  CHECK(forked([] {
          FakeInit init;
          int ends[2];
          EXPECT(::pipe(ends) == 0);
          EXPECT(::dup2(ends[1], 1) == 1);
          const int null = ::open("/dev/null", O_RDWR);
          EXPECT(::dup2(null, 0) == 0 && ::dup2(null, 2) == 2);
          runtime::execute(init.context, user(1234, 1234));
          struct ::stat out {};
          struct ::stat in {};
          EXPECT(::fstat(1, &out) == 0 && ::fstat(0, &in) == 0);
          EXPECT(out.st_uid == 1234);
          EXPECT(in.st_uid == 0);
        }) == "ok");
}

TEST_CASE("an id that is not mapped is named, with the reason") {
  CHECK(forked([] {
          FakeInit init;
          EXPECT(::unshare(CLONE_NEWUSER) == 0);
          init.proc.write("self/setgroups", "deny");
          init.proc.write("self/uid_map", "0 0 1");
          init.proc.write("self/gid_map", "0 0 1");
          runtime::execute(init.context, runtime::step::BecomeRoot{});
          EXPECT(init.channel.id_map_waits == 1);
          EXPECT(has_ids(0, 0));
          EXPECT(has(error_of(init, user(0, 9)), "gid 9 is not mapped in the container's user namespace"));
          EXPECT(has(error_of(init, user(9, 0)), "uid 9 is not mapped in the container's user namespace"));
          EXPECT(has(error_of(init, user(0, 0, {0, 5})), "additionalGids can't be had"));
          runtime::execute(init.context, user(0, 0, {0}));
          EXPECT(has_ids(0, 0));
        }) == "ok");
}
