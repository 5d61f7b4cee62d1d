#!/bin/bash
# podman as root; its containers live below conmon.
. "$(dirname "$0")/testing.sh"
. "$here/podman-setup.sh"
needs podman conmon catatonit script

run_and_exit() {
  exits "run: the exit code" 7 podman run --rm "$image" sh -c 'exit 7'
  exits "run: the code of a signal" 137 podman run --rm --init "$image" sh -c 'kill -KILL $$'
  check "run -i: piped stdin" hello "$(echo hello | podman run -i --rm "$image" cat)"
  check "run: stderr stays apart" err "$(podman run --rm "$image" sh -c 'echo out; echo err >&2' 2>&1 >/dev/null)"
  prints "run --entrypoint" "a b" podman run --rm --entrypoint echo "$image" a b
  check "run --preserve-fds" third "$(podman run --rm --preserve-fds 1 "$image" sh -c 'cat <&3' 3< <(echo third))"
  prints "run: no descriptors but the standard ones" $'0\n1\n2' in_container 'ls /proc/1/fd; true'
  prints "run --init: a reaper is the first process" "1 catatonit" in_container --init \
    'echo 1 $(basename $(tr "\0" "\n" </proc/1/cmdline | head -n 1) | sed "s/podman-init\|init/catatonit/")'
}

# fact NAME: of what `settings` has printed.
fact() { sed -n "s/^$1=//p" <<<"$facts"; }

settings() {
  local facts
  facts=$(in_container --user 1000:2000 --group-add 2001 --workdir /home/user --hostname box --env A='b c' --umask 027 \
    --ulimit nofile=512:1024 --ulimit nproc=1024 --ulimit core=0 --sysctl kernel.msgmax=9000 --cap-drop all --cap-add chown,net_bind_service \
    --security-opt no-new-privileges --add-host peer:192.0.2.7 --shm-size 3m '
      echo ids=$(id -u) $(id -G); echo directory=$PWD; echo hostname=$(hostname); echo "variable=$A"; echo home=$HOME
      echo umask=$(umask); echo files=$(ulimit -Sn) $(ulimit -Hn); echo core=$(ulimit -c); echo msgmax=$(cat /proc/sys/kernel/msgmax)
      sed -n "s/^CapBnd:\t/bounding=/p; s/^CapEff:\t/effective=/p; s/^NoNewPrivs:\t/nnp=/p; s/^Seccomp:\t/seccomp=/p" /proc/self/status
      echo peer=$(grep peer /etc/hosts | cut -f 1); echo shm=$(df -k /dev/shm | awk "NR == 2 { print \$2 }")')
  check "run --user, --group-add" "1000 2000 2001" "$(fact ids)"
  check "run --workdir" /home/user "$(fact directory)"
  check "run --hostname" box "$(fact hostname)"
  check "run --env" "b c" "$(fact variable)"
  check "run: HOME of the user" /home/user "$(fact home)"
  check "run --umask" 0027 "$(fact umask)"
  check "run --ulimit" "512 1024" "$(fact files)"
  check "run --ulimit core" 0 "$(fact core)"
  check "run --sysctl" 9000 "$(fact msgmax)"
  check "run --cap-drop, --cap-add" 0000000000000401 "$(fact bounding)"
  check "run --security-opt no-new-privileges" 1 "$(fact nnp)"
  check "run: a seccomp filter" 2 "$(fact seccomp)"
  check "run --add-host" 192.0.2.7 "$(fact peer)"
  check "run --shm-size" 3072 "$(fact shm)"
}

security() {
  echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO",
    "errnoRet": 95}]}' >"$WORK/seccomp.json"
  fails_with "run --security-opt seccomp=FILE" 1 "Operation not supported" in_container --security-opt "seccomp=$WORK/seccomp.json" 'mkdir /tmp/a'
  prints "run --security-opt seccomp=unconfined" 0 in_container --security-opt seccomp=unconfined \
    "sed -n 's/^Seccomp:\t//p' /proc/self/status"
  prints "run: masked paths" "0 0" in_container \
    'echo $(cat $(ls -d /proc/kcore /proc/keys /proc/timer_list /proc/sched_debug 2>/dev/null) | wc -c) $(ls -A /sys/firmware | wc -l)'
  fails_with "run: read-only paths" 1 "Read-only file system" in_container 'echo 1 >/proc/sys/kernel/panic'
  prints "run --security-opt unmask" 0 in_container --security-opt unmask=ALL 'grep -c " /proc/sys " /proc/self/mountinfo || true'
  passes "run --device" in_container --cap-add syslog --device /dev/kmsg:/dev/messages:w ': >/dev/messages'
  fails_with "run --device: no more than was asked for" 1 "Operation not permitted" in_container --cap-add syslog \
    --device /dev/kmsg:/dev/messages:w 'head -c 1 /dev/messages'
  fails_with "run: other devices are refused" 1 "Operation not permitted" in_container --cap-add mknod \
    'mknod /tmp/mem c 1 1 && cat /tmp/mem'
  if has_capability sys_resource; then
    prints "run --privileged" 0 in_container --privileged "sed -n 's/^Seccomp:\t//p' /proc/self/status"
  else
    skip "run --privileged" "this machine's root lacks CAP_SYS_RESOURCE, which such containers ask for"
  fi
}

mounts() {
  mkdir -p "$WORK/data"
  echo content >"$WORK/data/file"
  cp /bin/busybox "$WORK/data/busybox"
  fails_with "run --read-only" 1 "Read-only file system" in_container --read-only 'touch /file'
  prints "run --read-only: temporary places are writable" ok in_container --read-only 'touch /tmp/a /run/a /var/tmp/a && echo ok'
  prints "run --tmpfs: with the content of the image" "root:x:0:0:root:/root:/bin/sh tmpfs" in_container --tmpfs /etc \
    'touch /etc/new; echo $(head -n 1 /etc/passwd) $(stat -f -c %T /etc)'
  prints "run --tmpfs: size, mode" "1024 700" in_container --tmpfs /mnt:size=1m,mode=0700,notmpcopyup \
    'echo $(df -k /mnt | awk "NR == 2 { print \$2 }") $(stat -c %a /mnt)'
  prints "run --volume" content in_container -v "$WORK/data:/data" 'cat /data/file; touch /data/written'
  passes "run --volume: writes reach the host" test -e "$WORK/data/written"
  fails_with "run --volume :ro" 1 "Read-only file system" in_container -v "$WORK/data:/data:ro" 'touch /data/x'
  fails_with "run --volume :noexec" 126 "ermission denied" podman run --rm -v "$WORK/data:/data:noexec" "$image" /data/busybox true
  prints "run --volume of a file, to a new place" content in_container -v "$WORK/data/file:/new/place/file" 'cat /new/place/file'
  fails_with "run --mount type=bind,ro" 1 "Read-only file system" in_container --mount "type=bind,src=$WORK/data,dst=/data,ro" \
    'touch /data/x'
  prints "run --volume :rslave" 1 in_container -v "$WORK/data:/data:rslave" 'grep " /data " /proc/self/mountinfo | wc -l'
  prints "run: a new named volume has the image's content" user:x:1000 in_container -v etcetera:/etc \
    'echo kept >/etc/mine; grep -o ^user:x:1000 /etc/group'
  prints "run: a named volume is kept" kept in_container -v etcetera:/mnt 'cat /mnt/mine'
  passes "volume rm" podman volume rm etcetera
  if is_ocx; then
    chown 0:0 "$WORK/data/file"
    prints "run --volume :idmap" "0 0" in_container --uidmap 0:100000:65536 -v "$WORK/data:/data:idmap" 'echo $(stat -c "%u %g" /data/file)'
  else
    skip "run --volume :idmap" "crun and ocx have the option, others need not"
  fi
}

namespaces() {
  local kind peer
  start_container peer --shm-size 2m "$wait_for_term"
  peer=$(pid_of peer)
  for kind in pid ipc uts; do
    prints "run --$kind=host" "$(namespace_of self $kind)" in_container --$kind=host "readlink /proc/self/ns/$kind"
  done
  for kind in network:net pid:pid ipc:ipc; do
    prints "run --${kind%:*}=container" "$(namespace_of "$peer" "${kind#*:}")" in_container "--${kind%:*}=container:peer" \
      "readlink /proc/self/ns/${kind#*:}"
  done
  prints "run --pid=container: its processes are seen" ready in_container --pid=container:peer \
    'tr "\0" " " </proc/1/cmdline | grep -o ready'
  prints "run --network=host" "$(namespace_of self net)" in_container --network=host 'readlink /proc/self/ns/net'
  prints "run --network=none: loopback is up" "lo UP,LOOPBACK" in_container \
    'echo $(ls /sys/class/net | grep -x lo) $(ip -o link show lo | grep -o "UP,LOOPBACK\|LOOPBACK,UP" | sed "s/LOOPBACK,UP/UP,LOOPBACK/")'
  prints "run --uidmap" "0 100000 65536 0" in_container --uidmap 0:100000:65536 'echo $(cat /proc/self/uid_map) $(id -u)'
  prints "run --uidmap: files of the image are root's" 0 in_container --uidmap 0:100000:65536 'stat -c %u /bin/busybox'
  prints "run --uidmap --user" "1000 root" in_container --uidmap 0:100000:65536 --user 1000 'echo $(id -u) $(stat -c %U /etc)'
  if [ "$(cgroup_version)" = 2 ]; then
    prints "run --cgroupns=private" / in_container 'sed -n "s/^0:://p" /proc/self/cgroup'
  else
    matches "run --cgroupns=host" "libpod" "$(in_container --cgroupns=host 'grep memory /proc/self/cgroup')"
  fi
  remove_container peer
}

memory_limit_is() { [ "$(cgroup_limit "$1" memory)" = "$2" ]; }

limits() {
  local pid
  start_container limited --memory 64m --cpus 0.5 --pids-limit 50 --cpu-shares 512 "$wait_for_term"
  pid=$(pid_of limited)
  check "run --memory" 67108864 "$(cgroup_limit "$pid" memory)"
  check "run --cpus" "50000 100000" "$(cgroup_limit "$pid" cpu)"
  check "run --pids-limit" 50 "$(cgroup_limit "$pid" pids)"
  matches "the cgroup bears the container's id" "libpod-$(inspect limited '{{.Id}}')" "$(cgroup_directory "$pid" memory)"
  matches "stats" "^limited .*67.11MB " "$(podman stats --no-stream --format '{{.Name}} {{.MemUsage}} ' limited)"
  passes "update --memory" podman update --memory 96m --memory-swap 192m limited
  check "update --memory: in force" 100663296 "$(cgroup_limit "$pid" memory)"
  check "update --memory leaves the processors alone" "50000 100000" "$(cgroup_limit "$pid" cpu)"
  passes "update --cpus" podman update --cpus 0.25 limited
  check "update --cpus: in force" "25000 100000" "$(cgroup_limit "$pid" cpu)"
  check "update --cpus leaves the memory alone" 100663296 "$(cgroup_limit "$pid" memory)"
  check "update leaves the processes alone" 50 "$(cgroup_limit "$pid" pids)"
  remove_container limited
  # conmon watches from when the container is created; one that dies in its first milliseconds is missed.
  exits "run: out of memory" 9 podman run --name oom --memory 20m --memory-swap 20m "$image" \
    sh -c 'sleep 0.5; dd if=/dev/zero of=/dev/null bs=64M count=1; sleep 1; exit 9'
  # Some releases of conmon (2.1.6) leave the mark in the directory that podman was called in, where podman doesn't look.
  check "run: out of memory is noticed" noticed \
    "$([ "$(inspect oom '{{.State.OOMKilled}}')" = true ] || [ -e oom ] && echo noticed)"
  remove_container oom
  if is_ocx; then
    start_container nowhere --cgroups=disabled "$wait_for_term"
    check "run --cgroups=disabled" "" "$(grep "$(inspect nowhere '{{.Id}}')" "/proc/$(pid_of nowhere)/cgroup")"
    remove_container nowhere
  else
    skip "run --cgroups=disabled" "crun and ocx can, others need not"
  fi
}

# on_terminal COMMAND: a shell command with a terminal of 33 lines of 99 characters; as it was seen, without carriage returns.
on_terminal() { timeout -k 5 60 script -qec "stty rows 33 cols 99; $1" /dev/null </dev/null | tr -d '\r'; }

terminal() {
  prints "run -t: a terminal" /dev/pts/0 sh -c "podman run --rm -t $image tty | tr -d '\r'"
  check "run -t: lines end with one carriage return" $'a\r' "$(podman run --rm -t "$image" echo a </dev/null)"
  exits "run -t: the exit code" 6 podman run --rm -t "$image" sh -c 'exit 6'
  prints "run -t: /dev/console" "crw--w---- 0" sh -c "podman run --rm -t $image stat -c '%A %u' /dev/console | tr -d '\r'"
  matches "run -it: the window's size" "33 99" \
    "$(on_terminal "podman run --rm -it $image sh -c 'i=0; while [ \"\$(stty size)\" != \"33 99\" ] && [ \$i -lt 50 ]; do sleep 0.1; i=\$((i+1)); done; stty size'")"
  start_container peer "$wait_for_term"
  prints "exec -t: a terminal" yes sh -c "podman exec -t peer sh -c 'test -t 0 && test -t 1 && test -t 2 && echo yes' | tr -d '\r'"
  exits "exec -t: the exit code" 6 podman exec -t peer sh -c 'exit 6'
  remove_container peer
}

exec_into() {
  local container_user
  start_container peer --env FROM=image --user 1000 --memory 64m "$wait_for_term"
  exits "exec: the exit code" 5 podman exec peer sh -c 'exit 5'
  prints "exec: environment, user, directory" "image 1000 /" podman exec peer sh -c 'echo $FROM $(id -u) $PWD'
  prints "exec --env" "image new" podman exec --env MORE=new peer sh -c 'echo $FROM $MORE'
  prints "exec --user" "0 2000" podman exec --user 0:2000 peer sh -c 'echo $(id -u) $(id -g)'
  prints "exec --workdir" /tmp podman exec --workdir /tmp peer pwd
  check "exec -i: piped stdin" hello "$(echo hello | podman exec -i peer cat)"
  prints "exec: in the container's cgroup" same podman exec peer sh -c 'cmp -s /proc/self/cgroup /proc/1/cgroup && echo same'
  prints "exec --privileged: more capabilities" yes podman exec --user 0 peer sh -c 'grep -q "^CapEff:.*[1-9a-f]" /proc/self/status && echo yes'
  passes "exec -d" podman exec -d peer sh -c 'echo done >/tmp/detached'
  passes "exec -d: it ran" wait_until 10 podman exec peer grep -qs done /tmp/detached
  fails_with "exec: a missing program" 127 'exec: "nope": executable file not found in $PATH' podman exec peer nope
  fails_with "exec: a missing file" 127 "no such file or directory" podman exec peer /nope
  fails_with "exec: a directory" 126 "ermission denied" podman exec peer /etc
  fails_with "exec: a missing directory" 127 "no such file or directory" podman exec --workdir /nope peer true
  passes "pause" podman pause peer
  check "pause: the status" paused "$(inspect peer '{{.State.Status}}')"
  fails_with "exec into a paused container" 255 "state improper" podman exec peer true
  passes "unpause" podman unpause peer
  prints "exec after unpause" ok podman exec peer echo ok
  fails_with "exec into a missing container" 125 "no such container" podman exec nobody true
  remove_container peer
}

lifecycle() {
  local id
  start_container life "$wait_for_term"
  passes "logs" wait_until 10 has_log_line life ready
  check "ps" "life Up" "$(podman ps --format '{{.Names}} {{.Status}}' --filter name=life | cut -d ' ' -f 1-2)"
  check "inspect: the runtime" ocx "$(inspect life '{{.OCIRuntime}}')"
  matches "inspect: its configuration file" "config.json" "$(inspect life '{{.OCIConfigPath}}')"
  matches "top" "sh -c trap" "$(podman top life args)"
  matches "top: of the first process" "^root +1 " "$(podman top life user pid args | grep trap)"
  passes "kill -s USR1" podman kill -s USR1 life
  passes "kill -s USR1: handled" wait_until 10 has_log_line life "got USR1"
  passes "restart" podman restart -t 5 life
  check "restart: running again" running "$(inspect life '{{.State.Status}}')"
  passes "stop" podman stop -t 20 life
  check "stop: TERM was handled" "exited 3" "$(inspect life '{{.State.Status}} {{.State.ExitCode}}')"
  passes "start again" podman start life
  passes "kill" podman kill life
  check "wait" 137 "$(podman wait life)"
  passes "rm" podman rm life
  fails_with "rm of a missing container" 1 "no such container" podman rm life

  start_container deaf 'trap "" TERM; echo ready; sleep 300'
  wait_until 10 has_log_line deaf ready
  passes "stop: one that ignores TERM" podman stop -t 1 deaf
  check "stop: KILL after the timeout" 137 "$(inspect deaf '{{.State.ExitCode}}')"
  remove_container deaf

  id=$(podman create "$image" sh -c 'exit 4')
  check "create" created "$(inspect "$id" '{{.State.Status}}')"
  exits "start --attach: the exit code" 4 podman start --attach "$id"
  passes "rm of an exited one" podman rm "$id"
  id=$(podman create "$image" true)
  passes "init" podman init "$id"
  check "init: the status" initialized "$(inspect "$id" '{{.State.Status}}')"
  passes "rm of one that was never started" podman rm -f -t 0 "$id"

  id=$(podman run -d --pid=host "$image" sh -c 'sleep 300 & exec sleep 300')
  passes "stop without a pid namespace" podman stop -t 1 "$id"
  check "stop without a pid namespace: nobody is left" "" "$(cgroups_named "$id")"
  remove_container "$id"
}

# traces_of ID: what a container has left on the machine outside of podman's storage.
traces_of() {
  cgroups_named "$1"
  ls -d /run/*/"$1" 2>/dev/null
  grep -F "$1" /proc/self/mountinfo
}
has_no_trace() { [ -z "$(traces_of "$1")" ]; }

removal() {
  local id
  id=$(podman run -d --rm -v "$WORK:/w:ro" --tmpfs /t "$image" sh -c "$wait_for_term")
  matches "a running container has a state directory" "/run/[a-z]+/$id" "$(traces_of "$id")"
  passes "stop of a --rm container" podman stop -t 20 "$id"
  passes "--rm leaves nothing behind" wait_until 20 has_no_trace "$id"
  wait_until 10 eval "! podman container exists $id"
  fails_with "--rm: the container is gone" 125 "no such" podman inspect "$id"
  id=$(podman create "$image" /nope)
  fails_with "start of a missing program" 125 "no such file or directory" podman start --attach "$id"
  passes "a failed start leaves nothing behind" wait_until 20 has_no_trace "$id"
  podman rm "$id" >/dev/null
}

health() {
  start_container patient --health-cmd 'test -e /healthy' --health-interval disable --health-retries 1 "$wait_for_term"
  exits "healthcheck run: unhealthy" 1 podman healthcheck run patient
  check "health: the status" unhealthy "$(inspect patient '{{.State.Health.Status}}')"
  podman exec patient touch /healthy
  exits "healthcheck run: healthy" 0 podman healthcheck run patient
  check "health: the status afterwards" healthy "$(inspect patient '{{.State.Health.Status}}')"
  remove_container patient
}

hooks() {
  mkdir -p "$WORK/hooks"
  cat >"$WORK/hooks/hook.sh" <<EOF2
#!/bin/sh
cat >"$WORK/hooks/\$1"
echo "hook \$1"
EOF2
  chmod +x "$WORK/hooks/hook.sh"
  cat >"$WORK/hooks/a.json" <<EOF2
{"version": "1.0.0", "hook": {"path": "$WORK/hooks/hook.sh", "args": ["hook.sh", "prestart"]},
 "when": {"always": true}, "stages": ["prestart"]}
EOF2
  cat >"$WORK/hooks/b.json" <<EOF2
{"version": "1.0.0", "hook": {"path": "$WORK/hooks/hook.sh", "args": ["hook.sh", "poststop"]},
 "when": {"always": true}, "stages": ["poststop"]}
EOF2
  exits "hooks" 0 podman --hooks-dir "$WORK/hooks" run --name hooked --annotation "run.oci.hooks.stdout=$WORK/hooks/output" "$image" true
  matches "hooks: the state of a prestart hook" '"id": ?"'"$(inspect hooked '{{.Id}}')" "$(cat "$WORK/hooks/prestart")"
  podman rm hooked >/dev/null
  matches "hooks: the status for a poststop hook" '"status": ?"stopped"' "$(cat "$WORK/hooks/poststop")"
  if is_ocx; then
    matches "run --annotation run.oci.hooks.stdout" "hook prestart" "$(cat "$WORK/hooks/output")"
  else
    skip "run --annotation run.oci.hooks.stdout" "crun and ocx have it, others need not"
  fi
}

pods() {
  local kind
  # Where podman 4.3 makes cgroups on v2 itself, that of a pod refuses every device: without /dev/null runc starts nothing.
  [ "$(cgroup_version)" = 1 ] || [ "$cgroup_manager" = systemd ] || is_ocx || { skip pods "the pod's cgroup lets nobody open a device"; return; }
  passes "pod create" podman pod create --name group --share ipc,net,uts,pid --hostname together --network none
  for container in first second; do
    passes "run --pod: the $container" podman run -d --pod group --name "$container" "$image" sh -c "$wait_for_term"
  done
  for kind in ipc net uts pid; do
    check "pod: shared $kind" "$(namespace_of "$(pid_of first)" $kind)" "$(namespace_of "$(pid_of second)" $kind)"
  done
  check "pod: mounts are not shared" no \
    "$([ "$(namespace_of "$(pid_of first)" mnt)" = "$(namespace_of "$(pid_of second)" mnt)" ] && echo yes || echo no)"
  prints "pod: the hostname" together podman exec second hostname
  prints "pod: processes of the other are seen" 2 podman exec first sh -c \
    'grep -ls "echo.ready" /proc/[0-9]*/cmdline | wc -l | sed "s/[3-9]/2/"'
  passes "pod pause" podman pod pause group
  check "pod pause: the status" paused "$(inspect second '{{.State.Status}}')"
  passes "pod unpause" podman pod unpause group
  passes "pod stop" podman pod stop -t 20 group
  check "pod stop: all have ended" "exited exited" "$(inspect first '{{.State.Status}}') $(inspect second '{{.State.Status}}')"
  passes "pod start" podman pod start group
  check "pod start: running again" "running running" "$(inspect first '{{.State.Status}}') $(inspect second '{{.State.Status}}')"
  passes "pod rm" podman pod rm -f -t 0 group
  check "pod rm: no container is left" "" "$(podman ps -aq)"
}

kubernetes() {
  cat >"$WORK/pod.yaml" <<EOF2
apiVersion: v1
kind: Pod
metadata: {name: played}
spec:
  containers:
  - name: one
    image: $image
    command: [sh, -c]
    args: ['$wait_for_term']
    workingDir: /tmp
    env: [{name: FROM, value: kube}]
    resources: {limits: {memory: 64Mi}}
    securityContext: {runAsUser: 1000, readOnlyRootFilesystem: true}
EOF2
  passes "play kube" podman play kube --network none "$WORK/pod.yaml"
  prints "play kube: environment, directory, user" "kube /tmp 1000" podman exec played-one sh -c 'echo $FROM $PWD $(id -u)'
  check "play kube: the memory limit" 67108864 "$(cgroup_limit "$(pid_of played-one)" memory)"
  matches "generate kube" "runAsUser: 1000" "$(podman generate kube played)"
  passes "play kube --down" podman play kube --down "$WORK/pod.yaml"
}

build() {
  mkdir -p "$WORK/build"
  cat >"$WORK/build/Dockerfile" <<EOF2
FROM $image
ARG word
WORKDIR /home/user
USER user
RUN echo "\$word \$(id -u) \$PWD" >said
RUN --mount=type=tmpfs,target=/mnt touch /mnt/a && echo mounted >>said
EOF2
  for isolation in oci default; do
    passes "build --isolation $isolation" podman build -q --isolation $isolation --network none --build-arg word=hello \
      --no-cache -t localhost/built "$WORK/build"
    prints "build --isolation $isolation: what RUN did" "hello 1000 /home/user mounted" \
      podman run --rm localhost/built sh -c 'echo $(cat said)'
  done
  printf 'FROM %s\nRUN exit 9\n' "$image" >"$WORK/build/Failing"
  fails_with "build: a failing RUN" 9 "exit status 9" podman build -q --isolation oci --network none -f "$WORK/build/Failing" "$WORK/build"
  podman rmi localhost/built >/dev/null
}

# What users see, and the exit codes that they know.
errors() {
  fails_with "a missing program" 127 'exec: "nope": executable file not found in $PATH' podman run --rm "$image" nope
  fails_with "a missing file" 127 "no such file or directory" podman run --rm "$image" /nope
  fails_with "a file that is no program" 126 "ermission denied" podman run --rm "$image" /etc/passwd
  fails_with "a directory" 126 "ermission denied" podman run --rm "$image" /etc
  fails_with "a missing working directory" 126 "/nope" podman run --rm --workdir /nope "$image" true
  fails_with "a missing source of a volume" 125 "no such file or directory" podman run --rm -v /nope-source:/mnt "$image" true
  fails_with "a file over a directory" 126 "ot a directory" podman run --rm -v "$IMAGE_TAR:/etc" "$image" true
  fails_with "a wrong option" 125 "unknown flag: --nope" podman run --nope "$image" true
  fails_with "a wrong option of the runtime" 126 "nope" podman --runtime-flag nope run --rm "$image" true
  fails_with "a sysctl that isn't the container's" 125 "kernel.panic" podman run --rm --sysctl kernel.panic=1 "$image" true
  fails_with "a user that the image hasn't" 126 "unable to find user nobody-here" podman run --rm --user nobody-here "$image" true
}

information() {
  check "info: the runtime's path" "$RUNTIME" "$(podman info -f '{{.Host.OCIRuntime.Path}}')"
  check "info: the runtime's version" "$("$RUNTIME" --version | head -n 1)" "$(podman info -f '{{.Host.OCIRuntime.Version}}' | head -n 1)"
}

set_up_podman
run_topics run_and_exit settings security mounts namespaces limits terminal exec_into lifecycle removal health hooks pods \
  kubernetes build errors information
finish
