#!/bin/bash
# Checkpoint and restore through podman and containerd, by criu.
. "$(dirname "$0")/testing.sh"
needs criu podman containerd ctr
criu check >/dev/null 2>&1 || { skip all "criu check fails on this kernel"; finish; }

. "$here/podman-setup.sh"
. "$here/containerd-daemon.sh"

counter='i=0; while :; do i=$((i+1)); echo $i >>/count; sleep 0.1; done'

# counts_beyond NUMBER COMMAND...: what the command prints, the file, has more lines than that.
counts_beyond() { [ "$("${@:2}" 2>/dev/null | wc -l)" -gt "$1" ]; }

# goes_on NAME COMMAND...: the command prints the file of a container that was at $before; it goes on, without a new beginning.
goes_on() {
  local name=$1
  shift
  wait_until 20 counts_beyond "$before" "$@"
  check "$name" "" "$("$@" | awk '$1 != NR { print "line " NR " is " $1 } END { if (NR <= '"$before"') print "stands still" }')"
}

# counter_of DRIVER: remembers how far it has come.
remember() { before=$("$@" | wc -l); }

with_podman() {
  set_up_podman
  local file=(podman exec c cat /count)
  podman run -d --name c "$image" sh -c "$counter" >/dev/null
  wait_until 20 counts_beyond 2 "${file[@]}"
  passes "podman: checkpoint, left running" podman container checkpoint --leave-running c
  remember "${file[@]}"
  goes_on "podman: it runs" "${file[@]}"
  passes "podman: checkpoint" podman container checkpoint c
  check "podman: it is stopped" exited "$(podman inspect -f '{{.State.Status}}' c)"
  passes "podman: restore" podman container restore c
  goes_on "podman: it goes on" "${file[@]}"
  remember "${file[@]}"
  passes "podman: checkpoint into an archive" podman container checkpoint --export "$WORK/c.tar.gz" c
  podman rm -f -t 0 c >/dev/null
  passes "podman: restore from an archive, by another name" podman container restore --import "$WORK/c.tar.gz" --name d
  goes_on "podman: it goes on there" podman exec d cat /count
  podman rm -f -t 0 d >/dev/null
  before_and_after
}

# Memory in two steps, where the kernel can tell what has changed.
before_and_after() {
  local file=(podman exec e cat /count)
  podman run -d --name e "$image" sh -c "$counter" >/dev/null
  wait_until 20 counts_beyond 2 "${file[@]}"
  if ! criu check --feature mem_dirty_track >/dev/null 2>&1; then
    skip "podman: a checkpoint before the checkpoint" "the kernel has no soft-dirty bits"
  else
    passes "podman: a checkpoint before the checkpoint" podman container checkpoint -P -e "$WORK/pre.tar.gz" e
    remember "${file[@]}"
    passes "podman: and the rest of it" podman container checkpoint --with-previous -e "$WORK/e.tar.gz" e
    podman rm -f -t 0 e >/dev/null
    passes "podman: restore of both" podman container restore --import "$WORK/e.tar.gz" --import-previous "$WORK/pre.tar.gz"
    goes_on "podman: it goes on from both" "${file[@]}"
  fi
  podman rm -f -t 0 e >/dev/null
}

with_containerd() {
  start_containerd 'version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]'
  local image=localhost/busybox:latest id file=(ctr task exec --exec-id x c cat /count)
  local runtime=(--runc-binary "$RUNTIME" --runc-root "$WORK/runc")
  oci_archive "$image" "$WORK/image.oci"
  ctr image import "$WORK/image.oci" >/dev/null
  timeout -k 5 60 ctr run -d "${runtime[@]}" --cgroup "/$parent/c" "$image" c sh -c "$counter" >/dev/null 2>&1
  wait_until 20 counts_beyond 2 "${file[@]}"
  passes "ctr: checkpoint of task and file system" timeout -k 5 60 ctr container checkpoint --rw --task c localhost/checkpoint:c
  remember "${file[@]}"
  goes_on "ctr: it runs" "${file[@]}"
  ctr task delete --force c >/dev/null 2>&1
  ctr container rm c
  passes "ctr: restore" timeout -k 5 60 ctr container restore --rw --live c localhost/checkpoint:c
  goes_on "ctr: it goes on" "${file[@]}"
  passes "ctr: checkpoint of the task" timeout -k 5 60 ctr task checkpoint --exit --image-path "$WORK/image" c
  check "ctr: the image is where it was to be" "$WORK/image/pstree.img" "$(ls "$WORK/image/pstree.img")"
  ctr task delete --force c >/dev/null 2>&1
  ctr container rm c
}

run_topics with_podman with_containerd
finish
