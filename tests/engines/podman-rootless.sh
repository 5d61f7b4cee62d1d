#!/bin/bash
# podman without root: as a user with sub-ids, and as one without, for whom a single id is mapped.

# That user is in private copies of the host's files only.
[ "${OCX_OWN_MOUNTS:-}" = yes ] || OCX_OWN_MOUNTS=yes exec unshare --mount --propagation slave "$0" "$@"

. "$(dirname "$0")/testing.sh"
. "$here/podman-setup.sh"
needs podman conmon catatonit setpriv newuidmap

uid=64321
cgroup_manager=cgroupfs # systemd is for users with a session
shared_group=64400 # one that no namespace maps

make_user() {
  local file
  mount --make-rshared / # as podman likes it; the host, a master of these mounts, does not see them
  for file in passwd group subuid subgid; do
    [ -e "/etc/$file" ] || { skip all "/etc/$file does not exist here"; finish; }
    cp "/etc/$file" "$WORK/$file"
    mount --bind "$WORK/$file" "/etc/$file"
  done
  echo "ocxtest:x:$uid:$uid::/:/bin/sh" >>/etc/passwd
  echo "ocxtest:x:$uid:" >>/etc/group
  # A build directory below somebody's home can't be seen by that user.
  [[ $(as_user "$RUNTIME" --version 2>/dev/null) ]] || {
    install "$RUNTIME" "$WORK/ocx"
    RUNTIME=$WORK/ocx
  }
}

as_user() {
  timeout -k 5 60 setpriv --reuid $uid --regid $uid --groups "$uid,$shared_group" --inh-caps=-all \
    env -i PATH="$PATH" HOME="$place" XDG_RUNTIME_DIR="$place/r" "$@"
}
podman() { as_user podman "$@"; }

# podman keeps a process that holds the user namespace.
stop_pause_process() {
  local file
  for file in $(find "$WORK" -name pause.pid 2>/dev/null); do
    stop_process "$(cat "$file")"
    rm "$file"
  done
}

# set_up_user NAME DRIVER [OPTION...]: a home, its path short since podman loses its containers with long ones; with storage and configuration, where podman expects them.
set_up_user() {
  stop_pause_process
  ids=$1 place=$WORK/${1::1}
  install -d -o $uid -g $uid -m 700 "$place" "$place/r" "$place/.config"
  install -d "$place/.config/containers"
  write_containers_conf "$place/.config/containers/containers.conf"
  printf '%s\n' '[storage]' "driver = \"$2\"" "[storage.options.$2]" "${@:3}" >"$place/.config/containers/storage.conf"
  at_exit stop_pause_process
  import_image
}

run_and_settings() {
  local facts
  exits "$ids: run: the exit code" 7 podman run --rm "$image" sh -c 'exit 7'
  prints "$ids: run: root inside" "0 0 root" in_container 'echo $(id -u) $(id -g) $(stat -c %U /bin/busybox)'
  check "$ids: run -i: piped stdin" hello "$(echo hello | podman run -i --rm "$image" cat)"
  prints "$ids: run --hostname, --env, --workdir, --umask, --ulimit" "box b /tmp 0027 256" in_container --hostname box --env A=b \
    --workdir /tmp --umask 027 --ulimit nofile=256:256 'echo $(hostname) $A $PWD $(umask) $(ulimit -n)'
  prints "$ids: run --sysctl" 9000 in_container --sysctl kernel.msgmax=9000 'cat /proc/sys/kernel/msgmax'
  prints "$ids: run: a seccomp filter, no new privileges" "1 2" in_container --security-opt no-new-privileges \
    "echo \$(sed -n 's/^NoNewPrivs:\t//p; s/^Seccomp:\t//p' /proc/self/status)"
  prints "$ids: run --cap-drop" 0000000000000000 in_container --cap-drop all "sed -n 's/^CapBnd:\t//p' /proc/self/status"
  fails_with "$ids: run --read-only" 1 "Read-only file system" in_container --read-only 'touch /file'
  prints "$ids: run --tmpfs: with the content of the image" "root:x:0:0:root:/root:/bin/sh" in_container --tmpfs /etc \
    'touch /etc/new; head -n 1 /etc/passwd'
  prints "$ids: run --device" 4 in_container --device /dev/zero:/dev/nought 'head -c 4 /dev/nought | wc -c'
  prints "$ids: run -t: a terminal" /dev/pts/0 podman_without_returns run --rm -t "$image" tty
  prints "$ids: run --init" catatonit in_container --init 'readlink /proc/1/exe >/dev/null; grep -o "catatonit\|init" /proc/1/comm | sed "s/^init/catatonit/"'
  prints "$ids: run --pid=host" "$(namespace_of self pid)" in_container --pid=host 'readlink /proc/self/ns/pid'
}

podman_without_returns() { podman "$@" | tr -d '\r'; }

volumes() {
  install -d -o $uid -g $uid "$place/data"
  passes "$ids: run --volume" podman run --rm -v "$place/data:/data" "$image" touch /data/file
  check "$ids: run --volume: root's files are the user's" "$uid" "$(stat -c %u "$place/data/file")"
  fails_with "$ids: run --volume :ro" 1 "Read-only file system" in_container -v "$place/data:/data:ro" 'touch /data/x'
  prints "$ids: a named volume" user:x:1000 in_container -v etcetera:/etc 'grep -o ^user:x:1000 /etc/group'
  passes "$ids: volume rm" podman volume rm etcetera
  # Readable through the group only.
  install -d -g $shared_group -m 770 "$WORK/shared"
  if is_ocx; then
    passes "$ids: run --group-add keep-groups" podman run --rm --group-add keep-groups -v "$WORK/shared:/shared" "$image" touch /shared/a
  else
    skip "$ids: run --group-add keep-groups" "crun and ocx can, others need not"
  fi
}

exec_and_lifecycle() {
  local id
  start_container peer --env FROM=image "$wait_for_term"
  exits "$ids: exec: the exit code" 5 podman exec peer sh -c 'exit 5'
  prints "$ids: exec --env, --workdir" "image new /tmp" podman exec --env MORE=new --workdir /tmp peer sh -c 'echo $FROM $MORE $PWD'
  prints "$ids: exec -t: a terminal" yes podman_without_returns exec -t peer sh -c 'test -t 0 && test -t 1 && echo yes'
  fails_with "$ids: exec: a missing program" 127 'executable file not found in $PATH' podman exec peer nope
  fails_with "$ids: exec: a directory" 126 "ermission denied" podman exec peer /etc
  matches "$ids: top" "sh -c trap" "$(podman top peer args)"
  passes "$ids: logs" wait_until 10 has_log_line peer ready
  passes "$ids: kill -s USR1" podman kill -s USR1 peer
  passes "$ids: kill -s USR1: handled" wait_until 10 has_log_line peer "got USR1"
  passes "$ids: stop" podman stop -t 20 peer
  check "$ids: stop: TERM was handled" "exited 3" "$(inspect peer '{{.State.Status}} {{.State.ExitCode}}')"
  passes "$ids: start again" podman start peer
  passes "$ids: restart" podman restart -t 20 peer
  remove_container peer
  id=$(podman run -d --rm "$image" sh -c "$wait_for_term")
  matches "$ids: the state is below XDG_RUNTIME_DIR" "$place/r/[a-z]+/$id" "$(ls -d "$place"/r/*/"$id")"
  passes "$ids: stop of a --rm container" podman stop -t 20 "$id"
  passes "$ids: --rm leaves no state behind" wait_until 20 eval "! ls -d '$place'/run/*/'$id' 2>/dev/null"
}

has_own_cgroup() { as_user test -w "/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/cgroup.procs"; }

cgroups() {
  if [ "$(cgroup_version)" = 1 ] || ! has_own_cgroup; then
    skip "$ids: pause, update, limits" "this user has no cgroups of his own; podman-rootless-systemd is about one who has"
    return
  fi
  start_container limited --memory 64m --pids-limit 50 "$wait_for_term"
  check "$ids: run --memory" 67108864 "$(cgroup_limit "$(pid_of limited)" memory)"
  check "$ids: run --pids-limit" 50 "$(cgroup_limit "$(pid_of limited)" pids)"
  passes "$ids: update --memory" podman update --memory 96m limited
  check "$ids: update --memory: in force" 100663296 "$(cgroup_limit "$(pid_of limited)" memory)"
  passes "$ids: pause" podman pause limited
  check "$ids: pause: the status" paused "$(inspect limited '{{.State.Status}}')"
  passes "$ids: unpause" podman unpause limited
  remove_container limited
}

builds() {
  install -d -o $uid -g $uid "$place/build"
  printf 'FROM %s\nRUN id -u >/made && echo hi >>/made\n' "$image" >"$place/build/Dockerfile"
  for isolation in oci default; do
    passes "$ids: build --isolation $isolation" podman build -q --isolation $isolation --network none --no-cache -t localhost/built "$place/build"
    prints "$ids: build --isolation $isolation: what RUN did" "0 hi" podman run --rm localhost/built sh -c 'echo $(cat /made)'
  done
  podman rmi localhost/built >/dev/null
}

pods() {
  passes "$ids: pod create" podman pod create --name group --share ipc,net,uts,pid --hostname together --network none
  passes "$ids: run --pod" podman run -d --pod group --name first "$image" sh -c "$wait_for_term"
  prints "$ids: run --pod: a second" together podman run --rm --pod group "$image" hostname
  passes "$ids: pod rm" podman pod rm -f -t 0 group
}

errors() {
  fails_with "$ids: a missing program" 127 'exec: "nope": executable file not found in $PATH' podman run --rm "$image" nope
  fails_with "$ids: a file that is no program" 126 "ermission denied" podman run --rm "$image" /etc/passwd
  fails_with "$ids: a directory" 126 "ermission denied" podman run --rm "$image" /etc
  fails_with "$ids: a file over a directory" 126 "ot a directory" podman run --rm -v "$IMAGE_TAR:/etc" "$image" true
}

# What needs more than one id.
many_ids() {
  # With one id alone, the kernel lets nobody give up groups.
  fails_with "run without keep-groups" 1 "ermission denied" podman run --rm -v "$WORK/shared:/shared" "$image" touch /shared/b
  prints "run --user: another id of the image" "1000 user" in_container --user user 'echo $(id -u) $(stat -c %U /home/user)'
  check "run --user: its files are the sub-id's" 200999 "$(chmod 777 "$place/data"; in_container --user 1000 -v "$place/data:/data" \
    'touch /data/other'; stat -c %u "$place/data/other")"
  prints "run --userns=keep-id" "$uid $uid" in_container --userns=keep-id 'echo $(id -u) $(id -g)'
  check "run --userns=keep-id: files are the user's" "$uid" "$(in_container --userns=keep-id -v "$place/data:/data" \
    'touch /data/kept'; stat -c %u "$place/data/kept")"
  prints "run --uidmap" "0 1 1000" in_container --uidmap 0:1:1000 --gidmap 0:1:1000 'echo $(cat /proc/self/uid_map)'
  prints "run --userns=nomap" "0" in_container --userns=nomap 'id -u'
}

place=/
make_user
topics="run_and_settings volumes exec_and_lifecycle cgroups builds pods errors"
set_up_user one-id vfs 'ignore_chown_errors = "true"'
run_topics $topics
for file in /etc/subuid /etc/subgid; do echo "ocxtest:200000:65536" >>$file; done
set_up_user sub-ids overlay
run_topics $topics
run_topics many_ids
finish
