#!/bin/bash
# suite.sh BUILD uml|qemu cgroupfs|systemd: the integration suite of a build in a guest, with that cgroup manager.
# The output is the suite's, with its closing line `N passed, N failed, N skipped`. $TESTS is a Catch2 filter.
#
# With QUICK=1 the guest is not asked again what a host has answered: only what has to do with cgroups is tested, and what users
# without privileges may do with them.
# Tests tagged [v1] are about hosts that the guest is not. Those tagged [qemu] need what user-mode Linux has not: they
# run in QEMU, and nothing else does. Neither kernel has all of [landlock], or core scheduling for [smt], and no guest
# has the memory for [big]. A skipped test is a failed one there. Where no guest can be had, that is one skipped test, or
# a failed one with OCX_MUST_RUN=1.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 3 ] || { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
build=$1 vm=$2 manager=$3

case $vm in
  uml) only='~[v1]~[qemu]~[landlock]~[smt]~[big]' ;;
  qemu) only='~[v1][qemu]' ;;
esac
tests=${TESTS:-}
if [ -n "${QUICK:-}" ] && [ -z "$tests" ]; then
  tests='[cgroup],[cgroup_mount],[resources],[limits],[oom],[tiny],[device_policy],[unified],[v2],[fork_bomb],[systemd]'
  tests+=',[update],[pause],[kill],[delete],[lifecycle],[run],[stats],[events],[ps],[crash],[fault],[parallel],[concurrency]'
  [ "$manager" = systemd ] || tests+=',[rootless]'
fi
# A comma separates alternatives, each with conditions of its own.
filter=$(sed "s/,/$only,/g" <<<"$tests")$only
if [ -z "$("$build/tests/integration" --list-test-names-only "$filter")" ]; then
  echo "no test for $vm"
  echo "0 passed, 0 failed, 0 skipped"
  exit 0
fi

# The unit tests of pure cgroup v2 are skipped everywhere else. Their failure is told by the exit status.
units=:
[ "$vm $manager${TESTS:-}" != 'uml cgroupfs' ] || units="tests/unit_cgroups '[v2]'"
commands="$units || failed=1; tests/integration \"\$1\" || failed=1; exit \"\${failed:-0}\""

reason=$(mktemp)
trap 'rm -f "$reason"' EXIT
"$here/run.sh" --vm "$vm" --build "$build" --timeout "${OCX_SUITE_TIMEOUT:-900}" -- \
  env OCX_MUST_RUN=1 "OCX_TEST_CGROUP_MANAGER=$manager" sh -c "$commands" sh "$filter" 2> >(tee "$reason" >&2)
status=$?
if [ $status -eq 125 ] && [ "${OCX_MUST_RUN:-}" != 1 ]; then
  echo "skipped: vm: $(sed -n '$s/^vm: //p' "$reason")"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi
exit $status
