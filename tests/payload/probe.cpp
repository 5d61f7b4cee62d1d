// The payload of the integration tests: reports what a process inside a container sees, and does simple
// things on demand. Static; also run on the host as a hook. `probe` alone lists the commands.
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "facts.hpp"
#include "hunt.hpp"
#include "json_writer.hpp"
#include "system_calls.hpp"

namespace {

using Command = int (*)(int argc, char** argv);

void append_line(const char* path, const std::string& line) {
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) {
    std::perror(path);
    _exit(3);
  }
  std::string text = line + "\n";
  if (write(fd, text.data(), text.size()) < 0) _exit(3);
  close(fd);
}

void on_signal(int) {}

void catch_signal(int number) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(number, &action, nullptr);
}

// pause: waits for SIGTERM or SIGINT (pid 1 ignores what it does not catch).
int do_pause(int, char**) {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGTERM);
  sigaddset(&wanted, SIGINT);
  sigprocmask(SIG_BLOCK, &wanted, nullptr);
  int number = 0;
  sigwait(&wanted, &number);
  return 0;
}

// trap FILE: writes "ready", then the number of each signal that arrives, for ever.
int do_trap(int argc, char** argv) {
  if (argc < 1) return 2;
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  append_line(argv[0], "ready");
  for (;;) {
    int number = 0;
    if (sigwait(&all, &number) == 0) append_line(argv[0], std::to_string(number));
  }
}

int do_facts(int, char**) {
  std::string text = facts() + "\n";
  return write(1, text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1;
}

int do_exit(int argc, char** argv) {
  return argc > 0 ? std::atoi(argv[0]) : 0;
}

// die SIGNAL: ends by the signal (as pid 1 only SIGKILL from outside can).
int do_die(int argc, char** argv) {
  raise(argc > 0 ? std::atoi(argv[0]) : SIGKILL);
  return 99;
}

std::string read_all(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t count; (count = read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(count));
  return text;
}

// hook FILE [NAME [EXIT]]: appends one line of JSON: name, stdin, and the facts of the process.
int do_hook(int argc, char** argv) {
  if (argc < 1) return 2;
  JsonWriter out;
  out.begin_object();
  out.field("name", std::string(argc > 1 ? argv[1] : ""));
  out.field("stdin", read_all(0));
  out.key("facts");
  out.raw(facts());
  out.end_object();
  append_line(argv[0], out.text());
  if (argc > 2) std::fprintf(stderr, "hook %s fails on purpose\n", argv[1]);
  return argc > 2 ? std::atoi(argv[2]) : 0;
}

// block FILE: appends "pid N" to FILE and sleeps for ever, deaf to SIGTERM.
int do_block(int argc, char** argv) {
  signal(SIGTERM, SIG_IGN);
  if (argc > 0) append_line(argv[0], "pid " + std::to_string(getpid()));
  for (;;) ::pause();
}

// daemon FILE: leaves a background process that keeps every descriptor; its pid goes to FILE.
int do_daemon(int argc, char** argv) {
  pid_t pid = fork();
  if (pid == 0) return do_block(argc, argv);
  return pid > 0 ? 0 : 1;
}

// spawn FILE: a background process, then waits like pause.
int do_spawn(int argc, char** argv) {
  pid_t pid = fork();
  if (pid == 0) return do_block(argc, argv);
  return do_pause(0, nullptr);
}

std::string error_name(int number) {
  const char* name = strerrorname_np(number);
  return name != nullptr ? name : std::to_string(number);
}

void describe(JsonWriter& out, const char* path, const struct stat& facts) {
  const char* type = S_ISREG(facts.st_mode)    ? "file"
                     : S_ISDIR(facts.st_mode)  ? "directory"
                     : S_ISLNK(facts.st_mode)  ? "link"
                     : S_ISCHR(facts.st_mode)  ? "char"
                     : S_ISBLK(facts.st_mode)  ? "block"
                     : S_ISFIFO(facts.st_mode) ? "fifo"
                                               : "socket";
  out.field("type", std::string(type));
  out.number("mode", facts.st_mode & 07777);
  out.number("uid", facts.st_uid);
  out.number("gid", facts.st_gid);
  out.number("size", facts.st_size);
  out.number("inode", static_cast<long long>(facts.st_ino));
  out.number("links", static_cast<long long>(facts.st_nlink));
  out.number("major", major(facts.st_rdev));
  out.number("minor", minor(facts.st_rdev));
  char target[4096];
  ssize_t length = S_ISLNK(facts.st_mode) ? readlink(path, target, sizeof target) : -1;
  if (length >= 0) out.field("target", std::string(target, static_cast<size_t>(length)));
}

// stat PATH…: a JSON object: path -> facts of the file itself (links are not followed), or {"error":
// "ENOENT"}.
int do_stat(int argc, char** argv) {
  JsonWriter out;
  out.begin_object();
  for (int i = 0; i < argc; ++i) {
    out.key(argv[i]);
    out.begin_object();
    struct stat facts {};
    if (lstat(argv[i], &facts) == 0)
      describe(out, argv[i], facts);
    else
      out.field("error", error_name(errno));
    out.end_object();
  }
  out.end_object();
  std::puts(out.text().c_str());
  return 0;
}

int outcome(long result) {
  return result < 0 ? errno : 0;
}

int open_and_close(const char* path, int flags) {
  int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK, 0666);
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

int read_byte(const char* path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return errno;
  char byte;
  int error = outcome(read(fd, &byte, 1));
  close(fd);
  return error;
}

int execute(const char* path) {
  pid_t pid = fork();
  if (pid == 0) {
    execl(path, path, static_cast<char*>(nullptr));
    _exit(errno);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WEXITSTATUS(status);
}

int list_entries(const char* path) {
  DIR* stream = opendir(path);
  if (stream == nullptr) return errno;
  int count = 0;
  while (readdir(stream) != nullptr) ++count;
  closedir(stream);
  return count > 2 ? 0 : ENODATA;
}

int try_tcp(const char* port, int (*call)(int, const sockaddr*, socklen_t)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int error = outcome(call(fd, reinterpret_cast<sockaddr*>(&address), sizeof address));
  close(fd);
  return error;
}

int connect_abstract(const char* name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path + 1, name, sizeof address.sun_path - 2);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int error =
      outcome(connect(fd, reinterpret_cast<sockaddr*>(&address),
                      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + std::strlen(name))));
  close(fd);
  return error;
}

int attempt(const std::string& action, const char* path) {
  if (action == "write") return open_and_close(path, O_WRONLY);
  if (action == "create") return open_and_close(path, O_WRONLY | O_CREAT | O_EXCL);
  if (action == "open") return open_and_close(path, O_RDONLY);
  if (action == "read") return read_byte(path);
  if (action == "mkdir") return outcome(mkdir(path, 0777));
  if (action == "unlink") return outcome(unlink(path));
  if (action == "chmod") return outcome(chmod(path, 0755));
  if (action == "exec") return execute(path);
  if (action == "list") return list_entries(path);  // ENODATA: empty
  if (action == "null") return outcome(mknod(path, S_IFCHR | 0666, makedev(1, 3)));
  if (action == "fifo") return outcome(mkfifo(path, 0666));
  if (action == "truncate") return outcome(truncate(path, 0));
  if (action == "bind") return try_tcp(path, bind);  // a port
  if (action == "connect") return try_tcp(path, connect);
  if (action == "abstract") return connect_abstract(path);
  if (action == "signal") return outcome(kill(std::atoi(path), 0));  // a process
  return EINVAL;
}

// try ACTION PATH [ACTION PATH]…: one line each: "ok" or the name of errno.
int do_try(int argc, char** argv) {
  for (int i = 0; i + 1 < argc; i += 2) {
    int error = attempt(argv[i], argv[i + 1]);
    std::puts(error == 0 ? "ok" : error_name(error).c_str());
  }
  return 0;
}

void print_size() {
  winsize size{};
  ioctl(0, TIOCGWINSZ, &size);
  std::printf("size %d %d\n", size.ws_row, size.ws_col);
  std::fflush(stdout);
}

// winsize: prints "size ROWS COLUMNS" now and after each SIGWINCH, until a line is read.
int do_winsize(int, char**) {
  catch_signal(SIGWINCH);
  sigset_t winch, none;
  sigemptyset(&none);
  sigemptyset(&winch);
  sigaddset(&winch, SIGWINCH);
  // Blocked but while waiting, so that none is lost between printing and waiting.
  sigprocmask(SIG_BLOCK, &winch, nullptr);
  for (;;) {
    print_size();
    pollfd input{0, POLLIN, 0};
    if (ppoll(&input, 1, nullptr, &none) > 0) return 0;
  }
}

// notify TEXT: one datagram to $NOTIFY_SOCKET, then waits like pause.
int do_notify(int argc, char** argv) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (argc < 1 || path == nullptr) return 2;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (sendto(fd, argv[0], std::strlen(argv[0]), 0, reinterpret_cast<sockaddr*>(&address), sizeof address) <
      0) {
    std::perror("notify");
    return 1;
  }
  return do_pause(0, nullptr);
}

// cat FD: copies a descriptor to stdout.
int do_cat(int argc, char** argv) {
  std::string text = read_all(argc > 0 ? std::atoi(argv[0]) : 0);
  return write(1, text.data(), text.size()) >= 0 ? 0 : 1;
}

// cookie: of core scheduling (prctl(2), PR_SCHED_CORE_GET), or the name of errno.
int do_cookie(int, char**) {
  unsigned long cookie = 0;
  if (prctl(62 /* PR_SCHED_CORE */, 0UL, 0UL, 0UL, &cookie) == 0)
    std::printf("%lx\n", cookie);
  else
    std::puts(error_name(errno).c_str());
  return 0;
}

struct Entry {
  const char* name;
  Command run;
};
constexpr Entry commands[] = {
    {"facts", do_facts},   {"pause", do_pause}, {"trap", do_trap},       {"exit", do_exit},
    {"die", do_die},       {"hook", do_hook},   {"block", do_block},     {"daemon", do_daemon},
    {"spawn", do_spawn},   {"stat", do_stat},   {"try", do_try},         {"winsize", do_winsize},
    {"notify", do_notify}, {"cat", do_cat},     {"syscall", do_syscall}, {"cookie", do_cookie},
    {"hunt", do_hunt},
};

}  // namespace

int main(int argc, char** argv) {
  for (const Entry& entry : commands)
    if (argc > 1 && std::strcmp(argv[1], entry.name) == 0) return entry.run(argc - 2, argv + 2);
  for (const Entry& entry : commands) std::puts(entry.name);
  return 2;
}
