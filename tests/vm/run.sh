#!/bin/bash
# run.sh [OPTION...] [--] COMMAND [ARG...]: runs a command as root in a throw-away Debian guest with systemd as pid 1,
# cgroup v2 and AppArmor. ocx, the bundles and the test programs of a build are in /job/ocx, where it starts, and in its PATH.
#
#   --vm uml|qemu     the machine: user-mode-linux starts in seconds and has the controllers cpu, io, memory and pids;
#                     QEMU, slower by far, also has cpuset, hugetlb, rdma, misc, pressure ($OCX_VM; default: uml)
#   --image NAME      image, or engines, which has podman, containerd, Docker and more (default: image)
#   --build DIR       take the programs of this build (default: build/release)
#   --files DIR       also copy DIR into the guest, to /job/files
#   --timeout SECONDS for the command (default: 600); starting the machine has a limit of its own
#   --memory MIB      (default: 1024)
#   --console FILE    keep what the kernel and systemd say
#
# Standard output and error of the command come on standard output; standard input is empty. The exit status is the
# command's; 124 when it took too long, 125 when there is no guest to run it in, 126 when the guest died under it.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
vm=${OCX_VM:-uml} build=$here/../../build/release files='' system=image limit=600 memory=1024 console=''

usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
no_guest() { echo "vm: $*" >&2; exit 125; }

while [ $# -gt 0 ]; do
  case $1 in
    --vm) vm=$2 ;;
    --image) system=$2 ;;
    --build) build=$2 ;;
    --files) files=$2 ;;
    --timeout) limit=$2 ;;
    --memory) memory=$2 ;;
    --console) console=$(realpath "$2") ;;
    --) shift; break ;;
    -*) usage ;;
    *) break ;;
  esac
  shift 2 || usage
done
[ $# -gt 0 ] || usage
case $vm in
  uml) boot_limit=120 ;;
  qemu) boot_limit=300 ;;
  *) usage ;;
esac

"$here/../../cmake/packages.sh" vm >&2 || no_guest "its tools are missing"
image=$("$here/build.sh" "$system") && machine=$("$here/build.sh" "$vm") || exit 125

work=$(mktemp -d)
emulator='' printer=''
clean_up() {
  [ -z "$emulator" ] || kill -KILL "$emulator" 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

# The job disk: /job in the guest.
mkdir -p "$work/job/ocx/tests"
for file in ocx ocx-systemd ocx-bundle ocx-cni tests/integration tests/probe tests/unit_sys tests/unit_cgroups tests/unit_runtime; do
  [ ! -e "$build/$file" ] || cp "$build/$file" "$work/job/ocx/$file"
done
cp -a "$here/../../bundles" "$work/job/ocx/bundles"
cp -a "$here/../../docs" "$work/job/ocx/docs"
[ -z "$files" ] || cp -a "$files" "$work/job/files"
printf '%q ' cd /job/ocx >"$work/job/command"
printf '\nexec' >>"$work/job/command"
printf ' %q' "$@" >>"$work/job/command"
mkfs.ext4 -q -F -O '^has_journal,^metadata_csum' -m 0 -E lazy_itable_init=1,nodiscard,root_owner=0:0 \
  -d "$work/job" "$work/job.ext4" "$(($(du -sm "$work/job" | cut -f1) * 5 / 4 + 64))M" >/dev/null
rm -rf "$work/job"

# Descriptors of the machine: 6 its console, 7 the command's output, 1 what the guest's job says of itself. The output
# goes through a pipe, because the emulators want something they can poll and must not truncate.
exec 6>"${console:-$work/console}"
exec 7> >(exec cat)
printer=$!
exec {status}< <(exec unshare --mount --pid --fork --kill-child=KILL \
  "$here/launch.sh" "$vm" "$machine" "$image/root.ext4" "$work/job.ext4" "$memory")
emulator=$!
exec 6>&- 7>&-

# hear SECONDS: the next word from the guest, and what follows it.
hear() {
  word='' rest=''
  read -r -t "$1" -u "$status" word rest
}
show_console() { tail -n "$1" "${console:-$work/console}" | sed 's/^/vm: console: /' >&2; }

heard=0
hear $boot_limit || heard=$?
if [ "$word" != ready ]; then
  show_console 15
  if [ $heard -gt 128 ]; then no_guest "the guest was not up after $boot_limit s"; fi
  no_guest "the guest did not start: ${rest:-the emulator ended}; its parts are in $(dirname "$image")"
fi

heard=0
hear "$limit" || heard=$?
if [ "$word" = exit ]; then
  # It powers itself off; the last output is through when the printer ends.
  timeout 10 tail --pid=$emulator -s 0.05 -f /dev/null || kill -KILL "$emulator"
  wait $printer || true
  emulator=''
  exit "$rest"
fi
show_console 15
if [ $heard -gt 128 ]; then
  echo "vm: stopped after $limit s" >&2
  exit 124
fi
echo "vm: the guest died" >&2
exit 126
