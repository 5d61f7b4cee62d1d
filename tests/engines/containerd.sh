#!/bin/bash
# containerd, driven by ctr. The daemon and its shims are killed on the way.
. "$(dirname "$0")/testing.sh"
needs containerd ctr script pgrep

. "$here/containerd-daemon.sh"

image=localhost/busybox:latest
missing=/nonexistent
forever='trap "exit 3" TERM; while :; do sleep 0.1; done'

# run ID [OPTION...] -- COMMAND...: ctr run of the image, with the runtime under test and a cgroup of that name.
run() {
  local id=$1 options=()
  shift
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  timeout -k 5 60 ctr run $(runtime_options "$id") "${options[@]}" "$image" "$id" "$@"
}

runtime_options() {
  echo --runc-binary "$RUNTIME" --runc-root "$WORK/runc" --cgroup "$(cgroup "$1")" $(! uses_systemd || echo --runc-systemd-cgroup)
}

# ctr's own choice of a cgroup has no form for systemd.
cgroup() {
  local name=${CONTAINERD_NAMESPACE:+$CONTAINERD_NAMESPACE-}$1
  if uses_systemd; then echo "system.slice:$parent:$name"; else echo "/$parent/$name"; fi
}

once() { run "$1" --rm "${@:2}"; }
detach() { run "$1" -d "${@:2}" >/dev/null 2>&1; }
task() { timeout -k 5 60 ctr task "$@"; }
state() { ctr task ls | awk -v id="$1" '$1 == id { print $3 }'; }
pid() { ctr task ls | awk -v id="$1" '$1 == id { print $2 }'; }
is_in_state() { [ "$(state "$1")" = "$2" ]; }
is_removed() { ! ctr container ls -q | grep -qx "$1"; }
remove() { task delete --force "$1" >/dev/null 2>&1; ctr container rm "$1"; }

set_up() {
  start_containerd 'version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]'
  oci_archive "$image" "$WORK/image.oci"
  passes "an image from an OCI archive" ctr image import "$WORK/image.oci"
}

as_documented() {
  at_exit 'remove_empty_cgroups default'
  prints "the documented command" hello bash -c "$(configuration ctr)"
}

running() {
  exits "the exit code" 7 once r1 -- sh -c 'exit 7'
  check "environment" "value" "$(once r3 --env NAME=value -- sh -c 'echo $NAME')"
  check "working directory" /tmp "$(once r4 --cwd /tmp -- pwd)"
  # ctr does not always pass on the end of its input.
  check "stdin" "hello" "$(echo hello | once r5 -- head -n 1)"
  check "stderr" "oops" "$(once r6 -- sh -c 'echo oops >&2' 2>&1 >/dev/null)"
  # Of a container that ends now, ctr 1.6 may lose the last pipe full, with any runtime: this one stays.
  check "more output than a pipe holds" 3000000 \
    "$(head -c 3000000 < <(once r7 -- sh -c "dd if=/dev/zero bs=100000 count=30 2>/dev/null; $forever") | wc -c)"
  task kill -s TERM r7
  passes "and then its end" wait_until 10 is_removed r7
}

settings() {
  fails_with "a read-only root" 1 "Read-only file system" once s1 --read-only -- touch /file
  mkdir "$WORK/volume"
  echo content >"$WORK/volume/file"
  check "a bind mount" content "$(once s2 --mount "type=bind,src=$WORK/volume,dst=/mnt,options=rbind:rw" -- cat /mnt/file)"
  fails_with "a read-only bind mount" 1 "Read-only file system" \
    once s3 --mount "type=bind,src=$WORK/volume,dst=/mnt,options=rbind:ro" -- touch /mnt/new
  check "a tmpfs" "tmpfs /mnt 64k" "$(once s4 --mount 'type=tmpfs,src=tmpfs,dst=/mnt,options=size=64k' -- \
    awk '$2 == "/mnt" { print $3, $2, gensub(/.*size=([0-9]*k).*/, "\\1", 1, $4) }' /proc/mounts)"
  check "new privileges are off" "1" "$(once s5 -- awk '/NoNewPrivs/ { print $2 }' /proc/self/status)"
  check "new privileges, allowed" "0" "$(once s6 --allow-new-privs -- awk '/NoNewPrivs/ { print $2 }' /proc/self/status)"
  check "the default seccomp profile" "2" "$(once s7 --seccomp -- awk '/Seccomp:/ { print $2 }' /proc/self/status)"
  fails_with "a capability less" 1 "Operation not permitted" once s8 --cap-drop CAP_CHOWN -- chown 1 /tmp
  devices
  join_namespaces
}

devices() {
  mknod "$WORK/kmsg" c 1 11
  passes "a device" once d1 --device "$WORK/kmsg" -- sh -c ": >$WORK/kmsg"
  fails_with "another device" 1 "Operation not permitted" once d2 -- sh -c 'mknod /tmp/kmsg c 1 11 && : >/tmp/kmsg'
}

join_namespaces() {
  detach j1 -- sh -c "$forever"
  local namespace=/proc/$(pid j1)/ns
  check "network and pid namespaces of another container" "$(readlink "$namespace/net") $(readlink "$namespace/pid")" \
    "$(once j2 --with-ns "network:$namespace/net" --with-ns "pid:$namespace/pid" -- \
      sh -c 'echo $(readlink /proc/self/ns/net) $(readlink /proc/self/ns/pid)')"
  remove j1
}

terminals() {
  check "a terminal, and its size" "/dev/pts/0 33 101" "$(with_terminal \
    "ctr run --rm -t $(runtime_options t1) $image t1 sh -c '$terminal_facts'")"
  check "exit code with a terminal" 9 "$(with_terminal \
    "ctr run --rm -t $(runtime_options t2) $image t2 sh -c 'exit 9'; echo \$?")"
}

# As users see them; with ctr, each failure is exit code 1.
errors() {
  fails_with "a program missing in PATH" 1 'exec: "nonexistent": executable file not found in $PATH' once e1 -- nonexistent
  fails_with "a program missing" 1 "exec: \"$missing\": stat $missing: no such file or directory" once e2 -- "$missing"
  fails_with "a program not executable" 1 "permission denied" once e3 -- /etc/passwd
  fails_with "a directory as program" 1 "permission denied" once e4 -- /etc
  fails_with "a mount without source" 1 "no such file or directory" \
    once e5 --mount "type=bind,src=$WORK$missing,dst=/mnt,options=rbind" -- true
  fails_with "a file on a directory" 1 "not a directory" \
    once e6 --mount "type=bind,src=$IMAGE_TAR,dst=/tmp,options=bind" -- true
}

long_lived() {
  detach l1 --memory-limit 67108864 -- sh -c "$forever"
  check "a detached task runs" RUNNING "$(state l1)"
  check "its memory limit" 67108864 "$(cgroup_limit "$(pid l1)" memory)"
  matches "its cgroup" "/${parent}[-/]l1(\.scope)?$" "$(cgroup_directory "$(pid l1)" memory)"
  matches "metrics" 67108864 "$(task metrics --format json l1)"
  matches "ps lists the process" "(^|\s)$(pid l1)\s" "$(task ps l1)"
  execs
  pauses
  task kill -s TERM l1
  wait_until 20 is_in_state l1 STOPPED
  fails_with "a signal to a finished task" 1 "process already finished" task kill -s KILL l1
  matches "delete tells the exit code" "exit code 3" "$(task delete l1 2>&1)"
  fails_with "a signal to an unknown task" 1 "not found" task kill -s KILL l1
  ctr container rm l1
}

execs() {
  exits "exec: the exit code" 5 task exec --exec-id x1 l1 sh -c 'exit 5'
  check "exec: stdin" hello "$(echo hello | task exec --exec-id x2 l1 head -n 1)"
  check "exec: a terminal" "/dev/pts/0 33 101" \
    "$(with_terminal "ctr task exec -t --exec-id x3 l1 sh -c '$terminal_facts'")"
  check "exec: user and working directory" "1000 /tmp" \
    "$(task exec --exec-id x4 --user 1000 --cwd /tmp l1 sh -c 'echo $(id -u) $(pwd)')"
  fails_with "exec: a program missing" 1 "exec: \"$missing\": stat $missing: no such file or directory" \
    task exec --exec-id x5 l1 "$missing"
  fails_with "exec: a program not executable" 1 "permission denied" task exec --exec-id x6 l1 /etc/passwd
}

pauses() {
  task pause l1
  check "a paused task" PAUSED "$(state l1)"
  matches "ps of a paused task" "(^|\s)$(pid l1)\s" "$(task ps l1)"
  fails_with "exec in a paused task" 1 "paused" task exec --exec-id p1 l1 true
  task resume l1
  check "a resumed task" RUNNING "$(state l1)"
  detach p2 -- sh -c "$forever"
  task pause p2
  task kill -s KILL p2
  passes "a paused task can be killed" wait_until 20 is_in_state p2 STOPPED
  matches "and its exit code says so" "exit code 137" "$(task delete p2 2>&1)"
  ctr container rm p2
}

# Without a pid namespace of its own what init leaves behind is killed by `kill --all`, after init has ended.
host_pids() {
  ctr oci spec | /usr/bin/python3 -c '
import json, sys
spec = json.load(sys.stdin)
spec["root"] = {"path": sys.argv[1]}
spec["process"].update(args=["/bin/sh", "-c", "/bin/sleep 8641.5 & exit 4"], terminal=False)
spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"] if n["type"] != "pid"]
spec["linux"]["cgroupsPath"] = sys.argv[2]
json.dump(spec, sys.stdout)' "$ROOTFS" "$(cgroup h1)" >"$WORK/spec.json"
  exits "a specification of one's own" 4 timeout -k 5 60 ctr run --rm $(runtime_options h1) --config "$WORK/spec.json" h1
  check "what init leaves behind in the host's pid namespace is killed" "" "$(pgrep -f 'sleep 8641.5')"
}

namespaces() {
  CONTAINERD_NAMESPACE=k8s.io ctr image import "$WORK/image.oci" >/dev/null
  detach n1 -- sh -c "$forever"
  CONTAINERD_NAMESPACE=k8s.io detach n1 -- sh -c "$forever"
  check "one id in two namespaces" "RUNNING RUNNING" "$(state n1) $(CONTAINERD_NAMESPACE=k8s.io state n1)"
  check "each has its directory" "default k8s.io" "$(cd "$WORK/runc" && echo */n1 | sed 's,/n1,,g')"
  remove n1
  check "and its life" RUNNING "$(CONTAINERD_NAMESPACE=k8s.io state n1)"
  CONTAINERD_NAMESPACE=k8s.io remove n1
}

restart_of_the_daemon() {
  detach k1 -- sh -c "$forever"
  detach k2 -- sh -c 'exit 6'
  wait_until 20 is_in_state k2 STOPPED
  local before=$(pid k1)
  kill_containerd
  launch_containerd
  check "a task that runs outlives the daemon" "RUNNING $before" "$(state k1) $(pid k1)"
  check "a finished task stays so" STOPPED "$(state k2)"
  exits "exec after a restart" 5 task exec --exec-id x1 k1 sh -c 'exit 5'
  matches "its exit code after a restart" "exit code 6" "$(task delete k2 2>&1)"
  ctr container rm k2
  remove k1
}

death_of_a_shim() {
  detach m1 -- sh -c "$forever"
  local init=$(pid m1)
  kill -KILL "$(ps -o ppid= -p "$init")"
  passes "without its shim a container ends" wait_until 20 ended "$init"
  passes "and its task is gone" wait_until 20 is_in_state m1 ""
  check "and its cgroup" "" "$(container_cgroups)"
  ctr container rm m1
}

set_up
run_topics as_documented running settings terminals errors long_lived host_pids namespaces restart_of_the_daemon death_of_a_shim
check_nothing_left "$WORK/runc"
finish
