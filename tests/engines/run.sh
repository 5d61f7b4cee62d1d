#!/bin/bash
# run.sh RUNTIME [ENGINE...]: real engines with RUNTIME as theirs, offline, as root. ENGINE is one of the scripts beside this
# (podman, podman-rootless, podman-rootless-systemd, buildah, conmon, containerd, cri, docker, checkpoint); without one, all of them.
# The last line is `N passed, N failed, N skipped`, after the names of what failed.
#
# OCX_TEST_CGROUP_MANAGER   cgroupfs (default) or systemd: what the engines are told to use
# OCX_ENGINE_TIMEOUT        seconds for each engine, 600 by default
# OCX_ENGINE_TOPICS         only these parts of a script, names of its functions
set -u

usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# -ge 1 ] && RUNTIME=$(command -v "$1") || usage
RUNTIME=$(realpath -s "$RUNTIME")
shift
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- podman podman-rootless podman-rootless-systemd buildah conmon containerd cri docker checkpoint

if [ "$(id -u)" -ne 0 ]; then
  echo "skipped: engines: they need root here"
  echo "0 passed, 0 failed, 1 skipped"
  exit
fi

# Short: engines put long names of sockets below it, which may have 107 characters.
top=$(mktemp -d "${TMPDIR:-/tmp}/ocx.XXXX")
chmod 711 "$top"
# Engines call the runtime with its usual directory, where it keeps what it has compiled: none of that was there before.
[ -e /run/ocx ] || state_root=/run/ocx
clean_up() {
  rm -rf --one-file-system "$top"
  [ -z "${state_root:-}" ] || { rm -rf "$state_root/.cache:seccomp"; rmdir "$state_root"; } 2>/dev/null
}
trap clean_up EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

# Links to busybox are relative: an absolute one would lead out of a root that is used carelessly.
make_image() {
  local applet
  ROOTFS=$top/rootfs IMAGE_TAR=$top/image.tar
  mkdir -p "$ROOTFS"/{bin,dev,etc,home/user,proc,root,run,sys,tmp,var/tmp}
  chmod 1777 "$ROOTFS/tmp" "$ROOTFS/var/tmp"
  chown 1000:1000 "$ROOTFS/home/user"
  cp /bin/busybox "$ROOTFS/bin/busybox"
  for applet in $(/bin/busybox --list); do
    case $applet in busybox) ;; *) ln -s busybox "$ROOTFS/bin/$applet" ;; esac
  done
  printf '%s\n' root:x:0:0:root:/root:/bin/sh user:x:1000:1000:user:/home/user:/bin/sh >"$ROOTFS/etc/passwd"
  printf '%s\n' root:x:0: user:x:1000: extra:x:2000:user >"$ROOTFS/etc/group"
  tar -C "$ROOTFS" -cf "$IMAGE_TAR" .
}

# processes_of DIRECTORY: those that have it on their command line, are in it or run from it.
processes_of() {
  local process
  for process in /proc/[0-9]*; do
    if grep -qsF "$1" "$process/cmdline" || [[ $(readlink "$process/cwd" "$process/exe" "$process/root") == *"$1"* ]]; then
      echo "${process#/proc/} $(tr '\0' ' ' <"$process/cmdline" | cut -c 1-150)"
    fi
  done 2>/dev/null
}

mounts_of() { awk -v directory="$1/" 'index($5 "/", directory) == 1 { print $5 }' /proc/self/mountinfo | sort -r; }

# leftovers DIRECTORY
leftovers() {
  processes_of "$1" | sed 's/^/process /'
  mounts_of "$1" | sed 's/^/mount /'
}

# what_stays DIRECTORY: what has not ended by itself within 5 s.
what_stays() {
  local left attempt
  for attempt in {1..50}; do
    left=$(leftovers "$1")
    [ -n "$left" ] || break
    read -r -t 0.1 -u "$silence" || :
  done
  echo "$left"
}

# remove_work DIRECTORY: whatever an engine that failed has left there.
remove_work() {
  local process mount_point
  processes_of "$1" | while read -r process _; do kill -KILL "$process" 2>/dev/null; done
  mounts_of "$1" | while read -r mount_point; do umount -l "$mount_point"; done
  rm -rf --one-file-system "$1"
}

# run_engine ENGINE: leaves its output in ENGINE.log.
run_engine() {
  local name=$1 log=$top/$1.log status=0 left
  export RUNTIME NAME=ocx WORK=$top/w ROOTFS IMAGE_TAR
  mkdir "$WORK"
  chmod 711 "$WORK"
  timeout -k 30 "${OCX_ENGINE_TIMEOUT:-600}" "$here/$name.sh" </dev/null >"$log" 2>&1 || status=$?
  left=$(what_stays "$WORK")
  remove_work "$WORK"
  count "$name" "$log" "$status" "$left"
}

# count ENGINE LOG STATUS LEFTOVERS
count() {
  local ok=0 bad=0 not_run=0 closing
  closing=$(tail -n 1 "$2")
  if [[ $closing =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
    ok=${BASH_REMATCH[1]} bad=${BASH_REMATCH[2]} not_run=${BASH_REMATCH[3]}
    sed -i '$d' "$2"
  else
    bad=$(($(grep -c '^FAILED: ' "$2") + 1)) ok=$(grep -c '^passed: ' "$2") not_run=$(grep -c '^skipped: ' "$2")
    echo "FAILED: $1: ended early, exit code $3" >>"$2"
  fi
  if [ -n "$4" ]; then
    bad=$((bad + 1))
    echo "FAILED: $1: leaves something: $4" >>"$2"
  fi
  cat "$2"
  passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + not_run))
}

exec {silence}<> <(:) # never has anything to read
make_image
passed=0 failed=0 skipped=0
for name in "$@"; do
  [ -x "$here/$name.sh" ] || { echo "run.sh: no engine \"$name\"" >&2; usage; }
done
for name in "$@"; do run_engine "$name"; done

sed -n 's/^FAILED: /failed: /p' "$top"/*.log
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
