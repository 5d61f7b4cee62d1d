// --no-pivot where the caller's own root is a tmpfs that somebody has filled (a ramdisk after boot).
#include <catch2/catch.hpp>
#include <unistd.h>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

// Runs the runtime in a mount namespace of its own with a tmpfs as root, which has the host's top directories
// in it. `below`: the root is a plain directory in that tmpfs, no mount.
Result run_on_tmpfs(Container& container, const std::string& below, const std::vector<std::string>& flags) {
  const std::string script =
      "root=/mnt" + below +
      "; mount -t tmpfs plain /mnt && mkdir -p $root && for each in /*; do "
      "if [ -L $each ]; then cp -P $each $root/; "
      "elif [ -d $each ] && [ $each != /mnt ]; then mkdir $root$each && mount --rbind $each $root$each; fi; "
      "done && exec chroot $root \"$@\"";
  container.bundle().save();
  std::vector<std::string> argv{"unshare",
                                "--mount",
                                "--propagation",
                                "private",
                                "sh",
                                "-c",
                                script,
                                "sh",
                                runtime_path(),
                                "--root",
                                container.root(),
                                "run",
                                "--bundle",
                                container.bundle().path()};
  argv.insert(argv.end(), flags.begin(), flags.end());
  argv.push_back(container.id());
  return run(argv);
}

}  // namespace

TEST_CASE("--no-pivot leaves nothing of a root that is a tmpfs", "[no_pivot]") {
  const std::vector<std::string> flags =
      GENERATE(std::vector<std::string>{"--no-pivot"}, std::vector<std::string>{});
  CAPTURE(flags);
  Bundle bundle;
  bundle.shell(
      "for name in /*; do echo $name; done; ls -d /../boot /../../mnt /bin/../../usr/lib 2>/dev/null; exit "
      "6");
  Container container(bundle);
  const Result result = run_on_tmpfs(container, "", flags);
  INFO(result.describe());
  CHECK(result.status == 6);
  CHECK(result.out == "/bin\n/dev\n/etc\n/home\n/proc\n/root\n/run\n/sys\n/tmp\n/usr\n/var\n");
}

TEST_CASE("a root that is no mount at all is refused, and nothing is left", "[no_pivot]") {
  Bundle bundle({"/bin/probe", "exit", "0"});
  Container container(bundle);
  const Result result = run_on_tmpfs(container, "/plain", {"--no-pivot"});
  CHECK(contains(error_message(result), "invalid argument"));
  CHECK(container.leftovers().empty());
}
