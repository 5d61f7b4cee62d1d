#!/bin/bash
# engines.sh BUILD uml|qemu cgroupfs|systemd [RUNTIME]: tests/engines/run.sh in a guest, with the runtime of a build, or
# with another one of the guest's (runc), and with the engines using that cgroup manager. The output is that of the
# tests, with their closing line `N passed, N failed, N skipped`. $ENGINES names the only ones that are wanted.
#
# Where no guest can be had, that is one skipped test, or a failed one with OCX_MUST_RUN=1.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
project=$here/../..
[ $# -eq 3 ] || [ $# -eq 4 ] || { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
build=$1 vm=$2 manager=$3 runtime=${4:-/job/ocx/ocx}
[ "$runtime" != runc ] || runtime=/usr/sbin/runc

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The tests read the configurations that docs/engines.md shows.
mkdir -p "$work/files/tests" "$work/files/docs"
cp -a "$project/tests/engines" "$work/files/tests/"
cp "$project/docs/engines.md" "$work/files/docs/"

# dockerd, containerd and a container at the same time need less than 400 MiB; the rest is for file caches.
"$here/run.sh" --vm "$vm" --image engines --build "$build" --files "$work/files" --memory 2048 \
  --timeout "${OCX_SUITE_TIMEOUT:-1800}" -- env "OCX_TEST_CGROUP_MANAGER=$manager" \
  "OCX_ENGINE_TIMEOUT=${OCX_ENGINE_TIMEOUT:-900}" "OCX_ENGINE_TOPICS=${OCX_ENGINE_TOPICS:-}" \
  /job/files/tests/engines/run.sh "$runtime" ${ENGINES:-} 2> >(tee "$work/reason" >&2)
status=$?
if [ $status -eq 125 ] && [ "${OCX_MUST_RUN:-}" != 1 ]; then
  echo "skipped: vm: $(sed -n '$s/^vm: //p' "$work/reason")"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi
exit $status
