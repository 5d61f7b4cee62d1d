// What the parent does to init: here to a child of the test.
#include <catch2/catch.hpp>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spec/config.hpp"
#include "sys/error.hpp"
#include "sys/process.hpp"
#include "tests/harness/forked.hpp"
#include "tests/unit/runtime/fake_init.hpp"

using namespace ocx;
using namespace ocx::test;

namespace {

/// A process in a session of its own that waits to be killed.
class Target {
 public:
  Target() : child_(sys::clone3(0)) {
    if (child_.pid == 0)
      for (;;) ::pause();
    static_cast<void>(::setpgid(child_.pid, child_.pid));
  }
  ~Target() {
    sys::pidfd_send_signal(child_.pidfd, SIGKILL);
    sys::wait_for_child(child_.pidfd);
  }
  int pid() const { return child_.pid; }

 private:
  sys::CloneResult child_;
};

template <class Step>
std::string error_of(int pid, const Step& step) {
  const sys::Procfs proc = sys::Procfs::open_host();
  try {
    runtime::execute(pid, proc, step);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

std::string proc_file(int pid, const std::string& name) {
  return sys::Procfs::open_host().read(std::to_string(pid) + "/" + name);
}

}  // namespace

TEST_CASE("a limit is set on the process that is named, and on no other") {
  const Target target;
  const sys::Limits before = sys::get_prlimit(0, RLIMIT_NOFILE);
  CHECK(error_of(target.pid(), runtime::step::SetRlimit{RLIMIT_NOFILE, 17, 33}) == "none");
  const sys::Limits now = sys::get_prlimit(target.pid(), RLIMIT_NOFILE);
  CHECK(now.soft == 17);
  CHECK(now.hard == 33);
  CHECK(sys::get_prlimit(0, RLIMIT_NOFILE).hard == before.hard);
}

TEST_CASE("init's own limit is its own") {
  CHECK(forked([] {
          FakeInit init;
          runtime::execute(init.context, runtime::step::SetRlimit{RLIMIT_CORE, 0, 0});
          EXPECT(sys::get_prlimit(0, RLIMIT_CORE).hard == 0);
        }) == "ok");
}

TEST_CASE("a limit that can't be had says what the limit is") {
  const std::string result = forked([] {
    FakeInit init;
    runtime::execute(init.context, runtime::step::SetRlimit{RLIMIT_CORE, 5, 5});
    EXPECT(::setresuid(1000, 1000, 1000) == 0);
    runtime::execute(init.context, runtime::step::SetRlimit{RLIMIT_CORE, 6, 6});
  });
  CHECK_THAT(result, Catch::Contains("operation not permitted") && Catch::Contains("the hard limit is 5") &&
                         Catch::Contains("CAP_SYS_RESOURCE"));
}

TEST_CASE("oom_score_adj") {
  const Target target;
  CHECK(error_of(target.pid(), runtime::step::OomScoreAdj{700}) == "none");
  CHECK(proc_file(target.pid(), "oom_score_adj") == "700\n");
  CHECK_THAT(error_of(target.pid(), runtime::step::OomScoreAdj{2000}),
             Catch::Contains("oom_score_adj 2000: invalid argument"));
}

TEST_CASE("scheduler: policy and nice value") {
  const Target target;
  runtime::step::SetScheduler step;
  step.scheduler.policy = SCHED_BATCH;
  step.scheduler.nice = 4;
  CHECK(error_of(target.pid(), step) == "none");
  CHECK(::sched_getscheduler(target.pid()) == SCHED_BATCH);
  CHECK(::getpriority(PRIO_PROCESS, static_cast<id_t>(target.pid())) == 4);
}

TEST_CASE("a scheduler the caller may not set names the remedy") {
  const std::string result = forked([] {
    runtime::step::SetScheduler step;
    step.scheduler.policy = SCHED_OTHER;
    step.scheduler.nice = -5;
    EXPECT(::setresuid(1000, 1000, 1000) == 0);
    throw std::runtime_error(error_of(::getpid(), step));
  });
  CHECK_THAT(result, Catch::Contains("CAP_SYS_NICE"));
}

TEST_CASE("input/output priority of the whole process group") {
  const Target target;
  runtime::step::SetIoPriority step;
  step.priority.io_class = 2;  // IOPRIO_CLASS_BE
  step.priority.priority = 6;
  CHECK(error_of(target.pid(), step) == "none");
  CHECK(::syscall(SYS_ioprio_get, 1, target.pid()) == ((2 << 13) | 6));
}

TEST_CASE("personality") {
  CHECK(forked([] {
          FakeInit init;
          runtime::execute(init.context, runtime::step::Personality{PER_LINUX32});
          EXPECT((::personality(0xffffffff) & PER_MASK) == PER_LINUX32);
        }) == "ok");
}
