#!/bin/bash
# Docker with a containerd of its own: the client of the same package, a daemon without networks, both builders.
. "$(dirname "$0")/testing.sh"
needs /usr/sbin/dockerd /usr/bin/docker containerd ctr script pgrep

. "$here/containerd-daemon.sh"
export DOCKER_HOST=unix://$WORK/docker.sock DOCKER_CONFIG=$WORK/client
image=test:1
forever='trap "exit 3" TERM; while :; do sleep 0.1; done'
dockerd_pid=
docker_version=$(/usr/bin/docker --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
# What `docker exec` makes of a program that is missing.
exec_error=$([ "$docker_version" -ge 23 ] && echo 127 || echo 126)

# There may be a newer client of another origin on the PATH.
docker() { timeout -k 5 60 /usr/bin/docker "$@"; }

# run [OPTION...] IMAGE [COMMAND...]
run() { docker run --network none "$@"; }
once() { run --rm "$@"; }
# detach NAME [OPTION...] IMAGE [COMMAND...]
detach() { run -d --name "$@" >/dev/null; }
inspect() { docker inspect -f "{{$2}}" "$1"; }
is() { [ "$(inspect "$1" "$2")" = "$3" ]; }
remove() { docker rm -f "$@" >/dev/null; }

# --- the daemon ---------------------------------------------------------------------------------------------------------

set_up() {
  makes /run/docker /run/ocx /run/runc /var/lib/docker /etc/docker /etc/docker/key.json
  start_containerd 'version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]'
  at_exit stop_dockerd
  configure_dockerd
  make_runc_link
  launch_dockerd
  passes "an imported image" docker import -c 'ENV PATH=/bin:/usr/bin' "$IMAGE_TAR" "$image"
}

# A second runtime of the same program has arguments, for which dockerd writes a wrapper.
configure_dockerd() {
  configuration docker |
    sed "s|\"runtimes\": {|&\n    \"ocx-debug\": { \"path\": \"$RUNTIME\", \"runtimeArgs\": [\"--debug\"] },|" >"$WORK/daemon.json"
}

# What BuildKit finds on the daemon's PATH, in place of the documented link: it also tells that it was called.
make_runc_link() {
  mkdir "$WORK/bin"
  printf '%s\n' '#!/bin/bash' "echo \"\$*\" >>'$WORK/runc.calls'" "exec -a runc '$RUNTIME' \"\$@\"" >"$WORK/bin/runc"
  chmod +x "$WORK/bin/runc"
}

launch_dockerd() {
  local cgroup=/$parent environment
  ! uses_systemd || cgroup=$parent.slice
  environment=$(configuration buildkit | sed -n "s|/usr/local/lib/ocx|$WORK/bin|; s|^Environment=||p")
  env $environment setsid /usr/sbin/dockerd --config-file "$WORK/daemon.json" --containerd "$CONTAINERD_ADDRESS" \
    --host "$DOCKER_HOST" --data-root "$WORK/docker" --exec-root "$WORK/exec" --pidfile "$WORK/docker.pid" \
    --storage-driver overlay2 --bridge none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
    --oom-score-adjust 0 --live-restore --cgroup-parent "$cgroup" --exec-opt "native.cgroupdriver=$cgroup_manager" \
    >>"$WORK/dockerd.log" 2>&1 </dev/null &
  dockerd_pid=$!
  wait_until 60 dockerd_decided
  dockerd_answers || give_up "dockerd does not answer" "$WORK/dockerd.log"
}

dockerd_answers() { timeout 10 /usr/bin/docker version >/dev/null 2>&1; }
dockerd_decided() { dockerd_answers || ended "$dockerd_pid"; }

stop_dockerd() {
  local left
  left=$(docker ps -aq 2>/dev/null)
  [ -z "$left" ] || docker rm -f $left >/dev/null
  [ -z "$dockerd_pid" ] || stop_process "$dockerd_pid" 20
}

# --- cases --------------------------------------------------------------------------------------------------------------

information() {
  matches "docker info lists the runtime" $'Runtimes:[^:\n]* ocx( |\n)' "$(docker info 2>/dev/null)"
  matches "and that it is the default" "Default Runtime: ocx" "$(docker info 2>/dev/null)"
  matches "the cgroup driver" "Cgroup Driver: $cgroup_manager" "$(docker info 2>/dev/null)"
}

running() {
  exits "the exit code" 7 once "$image" sh -c 'exit 7'
  prints "environment" value once -e NAME=value "$image" sh -c 'echo $NAME'
  prints "user and groups" "1000 2000 2000 3000" once -u 1000:2000 --group-add 3000 "$image" sh -c 'echo $(id -u) $(id -g) $(id -G)'
  prints "a user by name" "1000 1000" once -u user "$image" sh -c 'echo $(id -u) $(id -g)'
  prints "working directory, made on the way" /new/place once -w /new/place "$image" pwd
  prints "host name" box once -h box "$image" hostname
  prints "domain name" example.org once --domainname example.org "$image" cat /proc/sys/kernel/domainname
  check "stdin" hello "$(echo hello | once -i "$image" cat)"
  check "stdout and stderr" "out" "$(once "$image" sh -c 'echo out; echo err >&2' 2>/dev/null)"
  check "more output than a pipe holds" 300000 "$(once "$image" dd if=/dev/zero bs=100000 count=3 2>/dev/null | wc -c)"
  matches "an init process" "init" "$(once --init "$image" cat /proc/1/comm)"
  exits "its exit code" 8 once --init "$image" sh -c 'exit 8'
  exits "a named runtime" 6 once --runtime ocx "$image" sh -c 'exit 6'
  exits "a runtime with arguments" 6 once --runtime ocx-debug "$image" sh -c 'exit 6'
}

files() {
  fails_with "a read-only root" 1 "Read-only file system" once --read-only "$image" touch /file
  prints "a tmpfs" "tmpfs 64k" once --tmpfs /mnt:size=64k "$image" \
    sh -c 'df -k /mnt | awk "NR == 2 { print \$1, \$2 \"k\" }"'
  prints "shared memory" "128" once --shm-size 128k "$image" sh -c 'df -k /dev/shm | awk "NR == 2 { print \$2 }"'
  mkdir "$WORK/volume"
  echo content >"$WORK/volume/file"
  prints "a directory of the host" content once -v "$WORK/volume:/mnt" "$image" cat /mnt/file
  fails_with "read-only" 1 "Read-only file system" once -v "$WORK/volume:/mnt:ro" "$image" touch /mnt/new
  prints "a file of the host" content once -v "$WORK/volume/file:/mnt/file:ro" "$image" cat /mnt/file
  once -v data:/data "$image" sh -c 'echo kept >/data/file'
  prints "a volume" kept once -v data:/data "$image" cat /data/file
  docker volume rm data >/dev/null
}

limits() {
  prints "ulimits" "512 1024" once --ulimit nofile=512:1024 "$image" sh -c 'echo $(ulimit -Sn) $(ulimit -Hn)'
  prints "a sysctl" 12345 once --sysctl kernel.msgmax=12345 "$image" cat /proc/sys/kernel/msgmax
  prints "oom_score_adj" 500 once --oom-score-adj 500 "$image" cat /proc/self/oom_score_adj
  detach limits -m 64m --memory-swap 64m --pids-limit 100 --cpus 0.5 "$image" sh -c "$forever"
  check "limits" "67108864 100 50000 100000" "$(limits_of limits)"
  passes "an update of memory" docker update -m 96m --memory-swap 96m limits
  check "leaves the rest" "100663296 100 50000 100000" "$(limits_of limits)"
  passes "an update of the others" docker update --cpus 0.7 --pids-limit 50 limits
  check "limits after the updates" "100663296 50 70000 100000" "$(limits_of limits)"
  matches "stats" '/ 96MiB$' "$(docker stats --no-stream --format '{{.MemUsage}}' limits)"
  remove limits
}

limits_of() {
  local pid
  pid=$(inspect "$1" .State.Pid)
  echo "$(cgroup_limit "$pid" memory) $(cgroup_limit "$pid" pids) $(cgroup_limit "$pid" cpu)"
}

# status_line NAME [OPTION...]: a line of /proc/self/status in a container.
status_line() {
  local name=$1
  shift
  once "$@" "$image" awk "/^$name:/ { print \$2 }" /proc/self/status
}

security() {
  check "the default capabilities" 00000000a80425fb "$(status_line CapBnd)"
  check "capabilities dropped and added" 0000000000000400 "$(status_line CapBnd --cap-drop ALL --cap-add NET_BIND_SERVICE)"
  check "a user has none" 0000000000000000 "$(status_line CapEff -u 1000)"
  check "the default seccomp profile" 2 "$(status_line Seccomp)"
  check "no seccomp" 0 "$(status_line Seccomp --security-opt seccomp=unconfined)"
  echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":13}]}' \
    >"$WORK/seccomp.json"
  fails_with "a seccomp profile of one's own" 1 "Permission denied" \
    once --security-opt "seccomp=$WORK/seccomp.json" "$image" mkdir /new
  check "no new privileges" 1 "$(status_line NoNewPrivs --security-opt no-new-privileges)"
  passes "a masked path" once "$image" sh -c '[ -z "$(cat /proc/timer_list)" ]'
  fails_with "a read-only path" 1 "Read-only file system" once "$image" sh -c 'echo 1 >/proc/sys/vm/swappiness'
  devices
  if has_capability cap_sys_resource; then
    check "privileged" 0 "$(status_line Seccomp --privileged)"
  else
    skip "privileged" "the machine has not each capability"
  fi
}

devices() {
  mknod "$WORK/kmsg" c 1 11
  passes "a device" once --device "$WORK/kmsg:/dev/log0" "$image" sh -c ': >/dev/log0'
  fails_with "another device" 1 "Operation not permitted" once "$image" sh -c 'mknod /dev/log0 c 1 11 && : >/dev/log0'
}

namespaces() {
  detach first --ipc shareable "$image" sh -c "$forever"
  local of=/proc/$(inspect first .State.Pid)/ns
  for kind in net pid ipc; do
    local option=$kind
    [ $kind != net ] || option=network
    prints "the $option namespace of another container" "$(readlink "$of/$kind")" \
      docker run --rm --$option container:first "$image" readlink /proc/self/ns/$kind
  done
  prints "the pid namespace of the host" "$(readlink /proc/self/ns/pid)" once --pid host "$image" readlink /proc/self/ns/pid
  prints "the host's uts namespace" "$(readlink /proc/self/ns/uts)" once --uts host "$image" readlink /proc/self/ns/uts
  prints "the host's network" "$(readlink /proc/self/ns/net)" docker run --rm --network host "$image" readlink /proc/self/ns/net
  prints "the host's cgroup namespace" "$(readlink /proc/self/ns/cgroup)" \
    once --cgroupns host "$image" readlink /proc/self/ns/cgroup
  check "a cgroup namespace" different "$([ "$(once --cgroupns private "$image" readlink /proc/self/ns/cgroup)" = \
    "$(readlink /proc/self/ns/cgroup)" ] && echo same || echo different)"
  remove first
}

terminals() {
  check "a terminal, and its size" "/dev/pts/0 33 101" \
    "$(with_terminal "/usr/bin/docker run --rm --network none -t $image sh -c '$terminal_facts'")"
  # The client tells the terminal's size only now, and says on stderr when the program has ended before.
  check "exit code with a terminal" 9 \
    "$(with_terminal "/usr/bin/docker run --rm --network none -t $image sh -c 'exit 9' 2>/dev/null; echo \$?")"
}

life() {
  detach life "$image" sh -c "echo started; $forever"
  check "it runs with this runtime" "ocx running" "$(inspect life .HostConfig.Runtime) $(inspect life .State.Status)"
  matches "top" "sleep 0.1|sh -c" "$(docker top life)"
  execs
  pauses
  passes "stop" docker stop -t 30 life
  check "exit code after stop" 3 "$(inspect life .State.ExitCode)"
  passes "start again" docker start life
  passes "restart" docker restart -t 30 life
  check "logs" "started started started" "$(docker logs life | tr '\n' ' ' | sed 's/ $//')"
  passes "kill" docker kill -s KILL life
  check "wait tells the exit code" 137 "$(docker wait life)"
  remove life
  restarts
}

restarts() {
  detach again --restart on-failure:2 "$image" sh -c 'exit 4'
  passes "restart on failure" wait_until 30 is again .RestartCount 2
  wait_until 30 is again .State.Status exited
  check "exit code of the last one" 4 "$(inspect again .State.ExitCode)"
  remove again
}

execs() {
  exits "exec: the exit code" 5 docker exec life sh -c 'exit 5'
  prints "exec: user, environment, working directory" "1000 value /tmp" \
    docker exec -u 1000 -e NAME=value -w /tmp life sh -c 'echo $(id -u) $NAME $(pwd)'
  check "exec: stdin" hello "$(echo hello | docker exec -i life cat)"
  check "exec: a terminal" "/dev/pts/0 33 101" "$(with_terminal "/usr/bin/docker exec -t life sh -c '$terminal_facts'")"
  passes "exec: detached" docker exec -d life touch /made
  passes "exec: and done" wait_until 20 docker exec life test -e /made
  fails_with "exec: a program missing in PATH" "$exec_error" 'exec: "nonexistent": executable file not found in $PATH' \
    docker exec life nonexistent
  fails_with "exec: a program missing" "$exec_error" 'exec: "/nonexistent": stat /nonexistent: no such file or directory' \
    docker exec life /nonexistent
  fails_with "exec: a program not executable" 126 "permission denied" docker exec life /etc/passwd
}

pauses() {
  passes "pause" docker pause life
  check "paused" "paused true" "$(inspect life .State.Status) $(inspect life .State.Paused)"
  matches "top when paused" "sleep 0.1|sh -c" "$(docker top life)"
  passes "unpause" docker unpause life
  check "no longer paused" running "$(inspect life .State.Status)"
}

health() {
  detach health --health-cmd 'test -e /healthy' --health-interval 0.2s "$image" sh -c "sleep 0.5; touch /healthy; $forever"
  passes "a health check" wait_until 30 is health .State.Health.Status healthy
  remove health
}

out_of_memory() {
  detach oom -m 20m --memory-swap 20m "$image" sh -c 'sleep 0.5; dd if=/dev/zero of=/dev/null bs=64M count=1; sleep 0.5; exit 9'
  check "exit code after an allocation too many" 9 "$(docker wait oom)"
  check "OOMKilled" true "$(inspect oom .State.OOMKilled)"
  remove oom
}

# 127 and 126 come from the text of the runtime's message, 125 is everything else.
errors() {
  fails_with "a program missing in PATH" 127 'exec: "nonexistent": executable file not found in $PATH' once "$image" nonexistent
  fails_with "a program missing" 127 'exec: "/nonexistent": stat /nonexistent: no such file or directory' \
    once "$image" /nonexistent
  fails_with "a program not executable" 126 "permission denied" once "$image" /etc/passwd
  fails_with "a directory as program" 126 "permission denied" once "$image" /etc
  fails_with "a file on a directory" 125 "not a directory" once -v "$IMAGE_TAR:/tmp" "$image" true
  fails_with "a mount without source" 125 "bind source path does not exist" \
    once --mount "type=bind,src=$WORK/nonexistent,dst=/mnt" "$image" true
  fails_with "a sysctl that the kernel refuses" 125 "invalid argument" once --sysctl kernel.msgmax=word "$image" true
  fails_with "a runtime that does not exist" 125 "nonexistent" once --runtime nonexistent "$image" true
}

builds() {
  mkdir "$WORK/context"
  printf '%s\n' "FROM $image" 'RUN echo built >/file && id -u >>/file' 'USER 1000' 'RUN id -u >/tmp/user' >"$WORK/context/Dockerfile"
  printf '%s\n' "FROM $image" 'RUN exit 3' >"$WORK/context/failing"
  build classic 0 3 'non-zero code: 3'
  build buildkit 1 1 'exit code: 3'
  [ "$docker_version" -ge 26 ] || matches "BuildKit calls the runtime" "run --bundle" "$(cat "$WORK/runc.calls")"
}

# build NAME 0|1 CODE-OF-FAILURE TEXT
build() {
  export DOCKER_BUILDKIT=$2
  passes "$1: a build" docker build --network none -t "$1" "$WORK/context"
  prints "$1: its files" "built 0 1000" once "$1" sh -c 'echo $(cat /file /tmp/user)'
  fails_with "$1: a step that fails" "$3" "$4" docker build --network none -f "$WORK/context/failing" "$WORK/context"
}

# With "live-restore" containers go on without the daemon.
restart_of_the_daemon() {
  detach lives "$image" sh -c "$forever"
  local before=$(inspect lives .State.Pid)
  kill -KILL "$dockerd_pid"
  wait "$dockerd_pid" 2>/dev/null
  fails_with "a dead daemon is noticed" 1 "Cannot connect" docker ps
  launch_dockerd
  check "a container outlives the daemon" "running $before" "$(inspect lives .State.Status) $(inspect lives .State.Pid)"
  exits "exec after a restart" 5 docker exec lives sh -c 'exit 5'
  passes "stop after a restart" docker stop -t 30 lives
  check "exit code after a restart" 3 "$(inspect lives .State.ExitCode)"
  remove lives
}

set_up
run_topics information running files limits security namespaces terminals life health out_of_memory errors builds \
  restart_of_the_daemon
check_nothing_left "$WORK/exec/runtime-runc"
finish
