// The classic way out of a chroot. chroot(2) changes where "/" begins, and nothing else: ".." stops at "/",
// but only on the way to it. Who stands outside of his root never meets it, and climbs on.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

namespace {

bool same_root(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int fail(const char* call) {
  std::perror(call);
  return 1;
}

}  // namespace

int main(int, char** argv) {
  struct stat before = {};
  struct stat after = {};
  if (stat("/", &before) != 0) return fail("stat /");
  if (chdir("/") != 0) return fail("chdir /");
  // A root below the working directory: now the process stands outside of it.
  if (chroot("/tmp") != 0) return fail("chroot /tmp");
  for (int i = 0; i < 100; ++i)
    if (chdir("..") != 0) return fail("chdir ..");
  if (chroot(".") != 0) return fail("chroot .");
  if (stat("/", &after) != 0) return fail("stat /");
  if (same_root(before, after)) {
    std::puts("no way out: the top is where it was");
    return 0;
  }
  std::puts("escaped: the top is another directory");
  std::fflush(stdout);
  if (argv[1] == nullptr) return 0;
  execvp(argv[1], argv + 1);
  return fail(argv[1]);
}
