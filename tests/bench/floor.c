// The floor: what the kernel charges for a default container when nobody decides anything. One clone3, the
// mounts, the device nodes, pivot_root, the capability drops, exec, wait; no JSON, no checks, no state, no
// error but "it failed".
//
//   floor ROOTFS PROGRAM [CGROUP_DIRECTORY...]
//
// Each CGROUP_DIRECTORY (cgroup v1) is made, joined by the container and removed.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(call) check((call) >= 0, #call)

static void check(int good, const char* call) {
  if (good) return;
  dprintf(STDERR_FILENO, "floor: %s: %s\n", call, strerror(errno));
  _exit(125);
}

static void make_devices(void) {
  static const struct {
    const char* path;
    unsigned minor_of_memory, tty;
  } devices[] = {{"dev/null", 3, 0},   {"dev/zero", 5, 0},    {"dev/full", 7, 0},
                 {"dev/random", 8, 0}, {"dev/urandom", 9, 0}, {"dev/tty", 0, 1}};
  static const char* const links[][2] = {{"/proc/self/fd", "dev/fd"},
                                         {"/proc/self/fd/0", "dev/stdin"},
                                         {"/proc/self/fd/1", "dev/stdout"},
                                         {"/proc/self/fd/2", "dev/stderr"},
                                         {"pts/ptmx", "dev/ptmx"}};
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
    CHECK(mknod(devices[i].path, S_IFCHR | 0666,
                devices[i].tty ? makedev(5, 0) : makedev(1, devices[i].minor_of_memory)));
  for (size_t i = 0; i < sizeof links / sizeof *links; i++) CHECK(symlink(links[i][0], links[i][1]));
}

static void make_mounts(const char* rootfs) {
  const unsigned long safe = MS_NOSUID | MS_NOEXEC | MS_NODEV;
  CHECK(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL));
  CHECK(mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL));
  CHECK(chdir(rootfs));
  CHECK(mount("proc", "proc", "proc", 0, NULL));
  CHECK(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"));
  CHECK(mkdir("dev/pts", 0755));
  CHECK(mkdir("dev/shm", 0755));
  CHECK(mkdir("dev/mqueue", 0755));
  CHECK(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
              "newinstance,ptmxmode=0666,mode=0620,gid=5"));
  CHECK(mount("shm", "dev/shm", "tmpfs", safe, "mode=1777,size=65536k"));
  CHECK(mount("mqueue", "dev/mqueue", "mqueue", safe, NULL));
  CHECK(mount("sysfs", "sys", "sysfs", safe | MS_RDONLY, NULL));
  make_devices();
}

static void hide_paths(void) {
  static const char* const masked_files[] = {"/proc/kcore", "/proc/keys", "/proc/timer_list"};
  static const char* const masked_directories[] = {"/proc/acpi", "/proc/scsi", "/sys/firmware"};
  static const char* const read_only[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                          "/proc/sysrq-trigger"};
  // Which of them exist differs between kernels.
  for (size_t i = 0; i < sizeof masked_files / sizeof *masked_files; i++)
    (void)mount("/dev/null", masked_files[i], NULL, MS_BIND, NULL);
  for (size_t i = 0; i < sizeof masked_directories / sizeof *masked_directories; i++)
    (void)mount("tmpfs", masked_directories[i], "tmpfs", MS_RDONLY, "nr_blocks=1,nr_inodes=1");
  for (size_t i = 0; i < sizeof read_only / sizeof *read_only; i++)
    if (mount(read_only[i], read_only[i], NULL, MS_BIND | MS_REC, NULL) == 0)
      CHECK(mount(NULL, read_only[i], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL));
}

static void enter_root(void) {
  CHECK(syscall(SYS_pivot_root, ".", "."));
  CHECK(umount2(".", MNT_DETACH));
  CHECK(chdir("/"));
}

static void drop_capabilities(void) {
  const uint64_t keep = 1ULL << CAP_AUDIT_WRITE | 1ULL << CAP_KILL | 1ULL << CAP_NET_BIND_SERVICE;
  for (int i = 0; i <= CAP_LAST_CAP; i++)
    if (!(keep >> i & 1)) (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  const struct __user_cap_data_struct sets[2] = {{.effective = (uint32_t)keep, .permitted = (uint32_t)keep}};
  CHECK(syscall(SYS_capset, &header, sets));
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

static void container(const char* rootfs, char* program, int gate) {
  char byte;
  make_mounts(rootfs);
  // The cgroup namespace is rooted where its maker is: not before the parent has moved us.
  check(read(gate, &byte, 1) == 1, "wait for the cgroups");
  CHECK(unshare(CLONE_NEWCGROUP));
  enter_root();
  CHECK(mount(NULL, "/", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL));
  hide_paths();
  CHECK(sethostname("floor", 5));
  drop_capabilities();
  char* const arguments[] = {program, NULL};
  char* const environment[] = {(char*)"PATH=/", NULL};
  CHECK(execve(program, arguments, environment));
}

// A new cpuset is empty, and an empty one takes no process.
static void fill_cpuset(const char* directory) {
  static const char* const files[] = {"cpuset.cpus", "cpuset.mems"};
  char path[4096], value[4096];
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    snprintf(path, sizeof path, "%s/../%s", directory, files[i]);
    const int from = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(from);
    const ssize_t length = read(from, value, sizeof value);
    CHECK(length);
    close(from);
    snprintf(path, sizeof path, "%s/%s", directory, files[i]);
    const int to = open(path, O_WRONLY | O_CLOEXEC);
    CHECK(to);
    CHECK(write(to, value, (size_t)length));
    close(to);
  }
}

static void join_cgroups(char** directories, pid_t pid) {
  char number[16];
  const int length = snprintf(number, sizeof number, "%d", pid);
  for (; *directories; directories++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/cgroup.procs", *directories);
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    CHECK(fd);
    CHECK(write(fd, number, (size_t)length));
    close(fd);
  }
}

int main(int argc, char** argv) {
  if (argc < 3) check(0, "floor ROOTFS PROGRAM [CGROUP_DIRECTORY...]");
  int gate[2];
  CHECK(pipe2(gate, O_CLOEXEC));
  struct clone_args arguments = {
      .flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS,
      .exit_signal = SIGCHLD};
  const long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  CHECK(pid);
  if (pid == 0) {
    close(gate[1]);  // or the end of the parent would not end the wait
    container(argv[1], argv[2], gate[0]);
  }
  for (char** directory = argv + 3; *directory; directory++) {
    CHECK(mkdir(*directory, 0755));
    if (strstr(*directory, "/cpuset/")) fill_cpuset(*directory);
  }
  join_cgroups(argv + 3, (pid_t)pid);
  CHECK(write(gate[1], "", 1));
  int status = 0;
  CHECK(waitpid((pid_t)pid, &status, 0));
  for (char** directory = argv + 3; *directory; directory++) CHECK(rmdir(*directory));
  return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
