"""Containers by conmon, called as CRI-O calls it: sync pipes, exec with a pid file that exists already, exit and oom files.

A line for each check: "passed: NAME", or "FAILED: NAME: got ..., wanted ...".
"""
import glob
import json
import os
import select
import socket
import subprocess
import sys
import time

RUNTIME, WORK, ROOTFS = (os.environ[name] for name in ("RUNTIME", "WORK", "ROOTFS"))
SYSTEMD = sys.argv[1] == "systemd"
GLOBALS = ["--root=" + WORK + "/root"]
RUNTIME_ENV = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": "/run/user/0"}


def check(name, wanted, got):
    print("passed: " + name if wanted == got else f"FAILED: {name}: got {got!r}, wanted {wanted!r}", flush=True)


def runtime(*words, **options):
    """A direct call of CRI-O's: standard output and error together, as it reads them."""
    flags = ["--systemd-cgroup"] if SYSTEMD else []
    result = subprocess.run([RUNTIME, *GLOBALS, *flags, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            stdin=subprocess.DEVNULL, env=RUNTIME_ENV, timeout=30, **options)
    return result.returncode, result.stdout.decode()


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        select.select([], [], [], 0.02)
    return bool(condition())


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def spec(args, **process):
    """The runtime's own example, less what this container does without."""
    subprocess.run([RUNTIME, "spec"], check=True, stdout=subprocess.DEVNULL)
    config = json.loads(read("config.json"))
    config["root"] = {"path": ROOTFS, "readonly": True}
    config["process"].update({"args": args, "terminal": False, **process})
    config["process"].pop("rlimits", None)
    return config


class Container:
    """A bundle, and conmon's files in the places that CRI-O has for them."""

    def __init__(self, name, args, memory=None, **process):
        self.name = name
        self.directory = f"{WORK}/{name}"
        os.makedirs(self.directory)
        for part in ("exits", "attach"):
            os.makedirs(f"{WORK}/{part}", exist_ok=True)
        os.chdir(self.directory)
        config = spec(args, **process)
        config["linux"]["cgroupsPath"] = f"system.slice:crio:{name}" if SYSTEMD else f"/ocxconmon/crio-{name}"
        if memory:
            config["linux"].setdefault("resources", {})["memory"] = {"limit": memory, "swap": memory}
        with open("config.json", "w", encoding="utf-8") as file:
            json.dump(config, file)
        self.terminal = bool(process.get("terminal"))

    def path(self, name):
        return f"{self.directory}/{name}"

    def conmon(self, *words):
        """Runs conmon and returns what it reports on the sync pipe."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        start, start_theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {**RUNTIME_ENV, "CRI_O_EXTERNAL": "1", "_OCI_SYNCPIPE": str(theirs.fileno()),
                       "_OCI_STARTPIPE": str(start_theirs.fileno())}
        command = ["conmon", *(["-s"] if SYSTEMD else []), "-b", self.directory, "-c", self.name, "-n", self.name, "-u",
                   self.name, "-r", RUNTIME, "--runtime-arg", GLOBALS[0], "--socket-dir-path", WORK + "/attach",
                   "--log-level", "info", "-P", self.path("conmon-pidfile"), *words]
        with ours, start:
            process = subprocess.Popen(command, cwd=self.directory, env=environment, stdin=subprocess.DEVNULL,
                                       pass_fds=(theirs.fileno(), start_theirs.fileno()), stderr=subprocess.DEVNULL)
            theirs.close()
            start_theirs.close()
            start.send(b"\0")
            ours.settimeout(30)
            try:
                message = ours.recv(16384)
            finally:
                process.wait(30)
        return json.loads(message)

    def create(self, *words):
        return self.conmon("-p", self.path("pidfile"), "-l", self.path("ctr.log"), "--persist-dir", self.directory,
                           "--exit-dir", WORK + "/exits", *(["-t"] if self.terminal else []), *words)

    def exit_code(self):
        """As conmon leaves it, or None."""
        file = f"{WORK}/exits/{self.name}"
        return read(file) if wait_for(lambda: os.path.exists(file) and read(file)) else None

    def status(self):
        code, text = runtime("state", self.name)
        return json.loads(text)["status"] if code == 0 else text

    def exec(self, args, terminal=False):
        """An ExecSync: returns the report on the pipe, the exit code, the log and the pid file."""
        process = {"args": args, "cwd": "/", "env": ["PATH=/bin"], "terminal": terminal, "user": {"uid": 0, "gid": 0}}
        with open(self.path("exec-process"), "w", encoding="utf-8") as file:
            json.dump(process, file)
        pid_file = self.path("exec-pidfile")
        os.close(os.open(pid_file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
        report = self.conmon("-e", "--sync", "-p", pid_file, "-l", self.path("exec.log"), "--exec-process-spec",
                             self.path("exec-process"), *(["-t"] if terminal else []))
        return report, read(pid_file)


def log_text(path):
    """The lines of a log in CRI's format: stream and text. What conmon read in pieces are partial lines (P)."""
    lines, begun = [], {}
    for line in read(path).splitlines():
        _, stream, tag, text = line.split(" ", 3)
        begun[stream] = begun.get(stream, "") + text
        if tag == "F":
            lines.append([stream, begun.pop(stream)])
    return lines


def cgroups_of(name):
    return [found for depth in range(1, 5) for found in glob.glob("/sys/fs/cgroup/" + "*/" * depth + f"*crio-{name}*")]


def test_plain():
    container = Container("plain", ["/bin/sh", "-c", "echo out; echo err >&2; exec sleep 300"])
    report = container.create()
    pid = int(read(container.path("pidfile")))
    check("create: the pipe reports the pid of the pid file", {"pid": pid}, report)
    check("create: the pid file holds digits only", str(pid), read(container.path("pidfile")))
    conmon = int(read(container.path("conmon-pidfile")))
    check("create: the container's parent is conmon", str(conmon), read(f"/proc/{pid}/stat").rsplit(")")[1].split()[1])
    check("state: created", "created", container.status())
    check("start", (0, ""), runtime("start", "plain"))
    check("state: running", "running", container.status())
    wait_for(lambda: len(log_text(container.path("ctr.log"))) == 2)
    check("the log has both streams", [["stderr", "err"], ["stdout", "out"]], sorted(log_text(container.path("ctr.log"))))
    check_exec(container)
    check("pause", (0, ""), runtime("pause", "plain"))
    check("state: paused", "paused", container.status())
    check("resume", (0, ""), runtime("resume", "plain"))
    update = subprocess.run([RUNTIME, *GLOBALS, "update", "--resources", "-", "plain"], env=RUNTIME_ENV, text=True,
                            input='{"pids": {"limit": 77}}', stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
    check("update --resources -", (0, ""), (update.returncode, update.stdout))
    files = [read(directory + "/pids.max") for directory in cgroups_of("plain") if os.path.exists(directory + "/pids.max")]
    check("update: in force", ["77\n"], files)
    check("kill with a number", (0, ""), runtime("kill", "plain", "9"))
    check("the exit file", "137", container.exit_code())
    check("state: stopped", "stopped", container.status())
    code, text = runtime("kill", "plain", "15")
    check("kill of a stopped container names its reason", (1, True),
          (code, any(words in text for words in ("no such process", "container not running", "invalid process"))))
    check("kill --all of a stopped container", (0, ""), runtime("kill", "-a", "plain", "9"))
    check("delete", (0, ""), runtime("delete", "--force", "plain"))
    check("delete: no cgroup is left", [], cgroups_of("plain"))
    check("delete again", (0, ""), runtime("delete", "--force", "plain"))


def check_exec(container):
    report, pid = container.exec(["/bin/sh", "-c", "echo hello; exit 7"])
    check("exec: the pid file is written over the empty one", True, pid.isdigit())
    # The pipe has the exit code last; what comes first depends on conmon's version.
    check("exec: reported", True, report.get("exit_code", report.get("pid", 0)) != -1)
    wait_for(lambda: os.path.exists(container.path("exec.log")) and log_text(container.path("exec.log")))
    check("exec: the log", [["stdout", "hello"]], log_text(container.path("exec.log")))
    os.remove(container.path("exec.log"))
    report, pid = container.exec(["/nope"])
    check("exec of a missing program: no pid", "", pid)
    check("exec of a missing program: the reason is reported", True, "no such file or directory" in report.get("message", ""))
    check_streaming(container)


def check_streaming(container):
    """CRI-O's Exec: the runtime in the foreground."""
    with open("process.json", "w", encoding="utf-8") as file:
        json.dump({"args": ["/bin/sh", "-c", "cat; exit 5"], "cwd": "/", "env": [], "user": {"uid": 0, "gid": 0}}, file)
    result = subprocess.run([RUNTIME, *GLOBALS, "exec", "--process", "process.json", container.name], input=b"in",
                            stdout=subprocess.PIPE, env={"XDG_RUNTIME_DIR": "/run/user/0"}, timeout=30)
    check("exec in the foreground", (5, b"in"), (result.returncode, result.stdout))


def test_killed():
    container = Container("killed", ["/bin/sh", "-c", "trap 'exit 4' TERM; echo ready; while :; do sleep 0.1; done"])
    container.create()
    runtime("start", "killed")
    wait_for(lambda: "ready" in read(container.path("ctr.log")))
    check("kill TERM", (0, ""), runtime("kill", "killed", "15"))
    check("kill TERM: handled", "4", container.exit_code())
    runtime("delete", "--force", "killed")


def test_terminal():
    container = Container("terminal", ["/bin/sh", "-c", "tty; exit 3"], terminal=True)
    report = container.create()
    check("terminal: created", True, report.get("pid", -1) > 0)
    runtime("start", "terminal")
    check("terminal: the exit file", "3", container.exit_code())
    check("terminal: it is one", [["stdout", "/dev/pts/0"]], log_text(container.path("ctr.log")))
    runtime("delete", "--force", "terminal")


def test_failing():
    container = Container("failing", ["nope"])
    report = container.create()
    check("a missing program: reported as -1", -1, report["pid"])
    check("a missing program: the reason", True, 'executable file not found in $PATH' in report["message"])
    check("a missing program: no pid file", False, os.path.exists(container.path("pidfile")))
    code, text = runtime("state", "failing")
    check("a missing program: nothing is left", (1, True), (code, "does not exist" in text))
    check("a missing program: no cgroup is left", [], cgroups_of("failing"))


def test_oom():
    # conmon begins to watch when create has returned: one that dies at once is missed.
    hungry = "sleep 0.5; dd if=/dev/zero of=/dev/null bs=64M count=1; sleep 0.3; exit 12"
    container = Container("oom", ["/bin/sh", "-c", hungry], memory=20000000)
    container.create()
    runtime("start", "oom")
    check("out of memory: the exit file", "12", container.exit_code())
    check("out of memory: conmon's mark", True, os.path.exists(container.path("oom")))
    runtime("delete", "--force", "oom")


for test in (test_plain, test_killed, test_terminal, test_failing, test_oom):
    try:
        test()
    except Exception as error:  # the others shall run
        line = error.__traceback__.tb_next.tb_lineno
        print(f"FAILED: {test.__name__}: got {type(error).__name__} {error}, line {line}", flush=True)
