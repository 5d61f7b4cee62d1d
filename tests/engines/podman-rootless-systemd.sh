#!/bin/bash
# podman without root, in a session of the user's own systemd, which hands cgroups on to him: cgroup version 2 with systemd
# and a user `tester` with sub-ids, as the guest of tests/vm has them. The scopes and limits here are what podman-rootless.sh,
# whose user has no session, can't have.
. "$(dirname "$0")/testing.sh"
. "$here/podman-setup.sh"
needs podman conmon catatonit setpriv newuidmap

# in_session: this script once more, as that user, as a unit of his systemd that may make cgroups.
in_session() {
  local uid variable settings=()
  [ -d /run/systemd/system ] && [ "$(cgroup_version)" = 2 ] || { skip all "it needs systemd and cgroup version 2"; finish; }
  uid=$(id -u tester 2>/dev/null) || { skip all "there is no user \"tester\""; finish; }
  setpriv --reuid "$uid" --regid "$uid" --clear-groups test -x "$0" -a -x "$RUNTIME" ||
    { skip all "tester can't reach $0 or $RUNTIME"; finish; }
  [ -e /var/lib/systemd/linger/tester ] || at_exit "loginctl disable-linger tester"
  loginctl enable-linger tester
  wait_until 30 test -S "/run/user/$uid/bus" || { fail "a session" "tester's systemd does not start"; finish; }
  install -d -o tester -g tester -m 700 "$WORK/user"
  export WORK=$WORK/user HOME=$WORK/user
  for variable in PATH HOME WORK RUNTIME NAME ROOTFS IMAGE_TAR OCX_TEST_CGROUP_MANAGER OCX_ENGINE_TOPICS; do
    [ -z "${!variable:-}" ] || settings+=("--setenv=$variable=${!variable}")
  done
  setpriv --reuid "$uid" --regid "$uid" --init-groups env -i PATH="$PATH" XDG_RUNTIME_DIR="/run/user/$uid" \
    DBUS_SESSION_BUS_ADDRESS="unix:path=/run/user/$uid/bus" \
    systemd-run --user --wait --collect --pipe --quiet --property=Delegate=yes "${settings[@]}" "$(realpath "$0")"
}

set_up() {
  mkdir -p "$HOME/.config/containers"
  write_containers_conf "$HOME/.config/containers/containers.conf"
  printf '%s\n' '[storage]' 'driver = "vfs"' >"$HOME/.config/containers/storage.conf"
  at_exit "podman system migrate >/dev/null 2>&1" # ends the process that holds the user namespace
  import_image
}

cgroup_of_run() { podman run --rm --cgroupns host "$@" "$image" sed -n 's/^0:://p' /proc/self/cgroup; }
scopes() { systemctl --user list-units --all --plain --no-legend 'libpod-*' | awk '{ print $1 }'; }
runtime_state() { ls "$XDG_RUNTIME_DIR/ocx" "$XDG_RUNTIME_DIR/runc" 2>/dev/null | grep -x '[0-9a-f]*'; }
own_cgroup() { sed -n 's/^0:://p' /proc/self/cgroup; }
uses_systemd() { [ "$cgroup_manager" = systemd ]; }

placement() {
  local manager=/user@$UID.service
  if uses_systemd; then
    matches "run: a scope of the user's systemd" "$manager/user.slice/libpod-[0-9a-f]*\.scope\$" "$(cgroup_of_run)"
    matches "run --cgroup-parent" "$manager/user.slice/user-ocxtest.slice/libpod-[0-9a-f]*\.scope\$" \
      "$(cgroup_of_run --cgroup-parent user-ocxtest.slice)"
  else
    matches "run: a cgroup of the user's systemd" "$manager/.*/[0-9a-f]{64}\$" "$(cgroup_of_run)"
    fails_with "run --cgroup-parent out of reach" 126 "permission denied" cgroup_of_run --cgroup-parent /ocxtest
  fi
  prints "run: a cgroup namespace" / podman run --rm "$image" sed -n 's/^0:://p' /proc/self/cgroup
  if is_ocx; then
    prints "run --cgroups=disabled: podman's own cgroup" "$(own_cgroup)" cgroup_of_run --cgroups=disabled
  else
    skip "run --cgroups=disabled" "crun and ocx can, others need not"
  fi
}

# podman moves itself into a cgroup below its unit's, beside that of the container, so this is for a unit of its own.
split_cgroups() {
  matches "run --cgroups=split: below podman's own unit" "/ocxtest-split.service/libpod-payload-[0-9a-f]*\$" \
    "$(systemd-run --user --wait --collect --pipe --quiet --property=Delegate=yes --unit=ocxtest-split --setenv=PATH="$PATH" \
      --setenv=HOME="$HOME" podman run --rm --cgroups=split --cgroupns host -m 50m "$image" sed -n 's/^0:://p' /proc/self/cgroup)"
}

limits() {
  local pid
  start_container limited --memory 64m --memory-swap 64m --pids-limit 50 --cpus 0.5 "$wait_for_term"
  pid=$(pid_of limited)
  check "run --memory" 67108864 "$(cgroup_limit "$pid" memory)"
  check "run --pids-limit" 50 "$(cgroup_limit "$pid" pids)"
  check "run --cpus" "50000 100000" "$(cgroup_limit "$pid" cpu)"
  prints "exec: the limit is seen inside" 67108864 podman exec limited cat /sys/fs/cgroup/memory.max
  matches "stats" "/ 67\.11MB" "$(podman stats --no-stream --format '{{.MemUsage}}' limited)"
  passes "update" podman update --memory 96m --memory-swap 96m --cpus 0.25 limited
  check "update --memory" 100663296 "$(cgroup_limit "$pid" memory)"
  check "update --cpus" "25000 100000" "$(cgroup_limit "$pid" cpu)"
  check "update: another limit stays" 50 "$(cgroup_limit "$pid" pids)"
  matches "top" "sh -c trap" "$(podman top limited args)"
  remove_container limited
}

lifecycle() {
  local id
  id=$(podman run -d --name peer "$image" sh -c "$wait_for_term")
  check "run -d: the runtime's state" "$id" "$(runtime_state)"
  ! uses_systemd || check "run -d: a scope" "libpod-$id.scope" "$(scopes)"
  passes "pause" podman pause peer
  check "pause: the status" paused "$(inspect peer '{{.State.Status}}')"
  check "pause: it is frozen" 1 "$(cat "$(cgroup_directory "$(pid_of peer)" memory)/cgroup.freeze")"
  passes "unpause" podman unpause peer
  passes "unpause: it runs" wait_until 10 has_log_line peer ready
  passes "stop" podman stop -t 20 peer
  check "stop: TERM was handled" 3 "$(inspect peer '{{.State.ExitCode}}')"
  passes "start again" podman start peer
  passes "pause again" podman pause peer
  passes "kill of a paused container" podman kill peer
  check "kill of a paused container: it ends" 137 "$(podman wait peer)"
  remove_container peer
  check "rm: no state of the runtime is left" "" "$(runtime_state)"
  passes "rm: no scope is left" wait_until 10 no_scopes
}

no_scopes() { [ -z "$(scopes)" ]; }

out_of_memory() {
  exits "run: killed for its memory" 137 podman run --rm -m 20m --memory-swap 20m "$image" \
    sh -c 'exec dd if=/dev/zero of=/dev/null bs=64M count=1'
  prints "run: one of its processes killed for its memory" "137, alive" in_container -m 20m --memory-swap 20m \
    'dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null; echo "$?, alive"'
  passes "run: no scope is left" wait_until 10 no_scopes
}

# A container in which systemd could run: it has its cgroup to itself, and owns it.
own_hierarchy() {
  prints "run --systemd=always: cgroups of its own" "0 /leaf pids" in_container --systemd=always \
    'cd /sys/fs/cgroup; mkdir leaf && echo $$ >leaf/cgroup.procs && echo +pids >cgroup.subtree_control
     echo $(stat -c %u .) $(sed -n s/^0:://p /proc/self/cgroup) $(cat cgroup.subtree_control)'
  fails_with "run: otherwise they are read-only" 1 "Read-only file system" in_container 'mkdir /sys/fs/cgroup/leaf'
  prints "run --systemd=always --userns=keep-id" "$UID made" in_container --systemd=always --userns=keep-id \
    'cd /sys/fs/cgroup; mkdir leaf && echo $(stat -c %u leaf) made'
}

pods() {
  passes "pod create" podman pod create --name group --infra=false
  exits "run --pod" 7 podman run --rm --pod group "$image" sh -c 'exit 7'
  passes "pod rm" podman pod rm -f -t 0 group
  passes "pod create: with a container that holds it" podman pod create --name held --share ipc,uts,net,pid --network none
  passes "pod start" podman pod start held
  prints "run --pod: its pids" catatonit in_container --pod held 'cat /proc/1/comm'
  passes "pod rm: with a container that holds it" podman pod rm -f -t 0 held
}

# podman's network namespace is its user namespace's, podman is in the host's.
networks() {
  local id
  if [ ! -w /dev/net/tun ] || ! command -v slirp4netns >/dev/null; then
    skip "run --network slirp4netns" "it needs slirp4netns and /dev/net/tun"
    return
  fi
  prints "run --network slirp4netns" "lo tap0" in_container --network slirp4netns 'echo $(ls /sys/class/net)'
  id=$(podman run -d --name peer --network slirp4netns "$image" sh -c "$wait_for_term")
  prints "run --network container:" "$(namespace_of "$(pid_of peer)" net)" in_container --network container:peer \
    'readlink /proc/self/ns/net'
  prints "exec: its network" "lo tap0" podman exec peer sh -c 'echo $(ls /sys/class/net)'
  remove_container peer
}

if [ "$(id -u)" -eq 0 ]; then
  in_session
  exit
fi
cd "$HOME" || exit
set_up
run_topics placement split_cgroups limits lifecycle out_of_memory own_hierarchy pods networks
finish
