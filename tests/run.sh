#!/bin/sh
# run.sh BUILD [SUITE...]: runs test suites and adds them up. The last line is `N passed, N failed, N skipped`; the exit
# status is 0 only if nothing failed.
#
#   layers size docs man format tidy   checks of the sources, documents and man pages
#   units                     every unit_* executable of BUILD (or name one: unit_spec)
#   integration               real containers, as root; OCX_RUNTIME=PATH tests another runtime
#   vm                        the same in a guest with systemd and cgroup v2, with each cgroup manager: tests/vm/
#   engines                   podman, containerd, Docker … with BUILD/ocx as their runtime: tests/engines/
#   engines-vm                tests/engines in such a guest
#   bundle-sources            `ocx bundle` on what tar, buildah, skopeo and debootstrap make, with BUILD/ocx
#   package                   the Debian package of BUILD, checked, installed, used and removed in a clean Debian
#
# Without a SUITE: layers size docs man units integration. What a suite printed is kept in BUILD/test-logs; OCX_MUST_RUN=1 makes
# a skipped test a failed one.
set -eu

usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# -ge 1 ] && [ -d "$1" ] || usage
source_dir=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- layers size docs man units integration

logs=$build/test-logs
mkdir -p "$logs"
: >"$logs/failed"
passed=0
failed=0
skipped=0
# A hung suite must not hang whoever waits for the result.
limit=${OCX_SUITE_TIMEOUT:-900}

# execute NAME COMMAND...: leaves the output in NAME.log, the exit status and the time in NAME.status.
execute() {
  log=$logs/$1.log status_file=$logs/$1.status
  shift
  begin=$(date +%s%N)
  status=0
  timeout --foreground -k 10 "$limit" "$@" >"$log" 2>&1 </dev/null || status=$?
  echo "$status $((($(date +%s%N) - begin) / 1000000))" >"$status_file"
}

# report NAME: adds up what execute left.
shown=no        # the output has been seen as it came
may_be_empty=no # a suite without tests is no failure
report() {
  name=$1
  log=$logs/$name.log
  read -r status milliseconds <"$logs/$name.status"
  counts=$(tail -n 1 "$log" | awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { print $1, $3, $5 }')
  read -r ok bad not_run <<EOF
${counts:-0 0 0}
EOF
  note=
  if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
    note=" (stopped after $limit s)"
  elif [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
    note=" (exit status $status)"
  elif [ -z "$counts" ]; then
    note=" (no closing line)"
  elif [ "$((ok + bad + not_run))" -eq 0 ] && [ "$may_be_empty" = no ]; then
    note=" (no test)"
  fi
  # Dying without a count, or counting nothing, is a failure too.
  [ -z "$note" ] || [ "$bad" -gt 0 ] || bad=1

  [ "$bad" -eq 0 ] || [ "$shown" = yes ] || cat "$log"
  printf '%-16s %4d passed, %d failed, %d skipped   %d.%d s%s\n' "$name" "$ok" "$bad" "$not_run" \
    $((milliseconds / 1000)) $((milliseconds % 1000 / 100)) "$note"
  [ "$bad" -gt 0 ] || [ "$shown" = yes ] || sed -n 's/^skipped: /    skipped: /p' "$log"
  { [ -z "$note" ] || echo "failed: $name:$note"; sed -n "s/^failed: /failed: $name: /p" "$log"; } >>"$logs/failed"
  passed=$((passed + ok))
  failed=$((failed + bad))
  skipped=$((skipped + not_run))
}

# run NAME COMMAND...
run() {
  [ ! -t 1 ] || printf '%-16s …\r' "$1"
  execute "$@"
  report "$1"
}

run_units() {
  found=no
  for suite in "$build"/tests/unit_*; do
    [ -f "$suite" ] && [ -x "$suite" ] || continue
    found=yes
    run "${suite##*/}" "$suite"
  done
  [ "$found" = yes ] || run units sh -c 'echo "no unit_* in $0/tests: not built"; exit 1' "$build"
}

run_integration() {
  if [ "$(id -u)" -ne 0 ]; then
    run integration sh -c 'echo "skipped: integration: containers need root here"; echo "0 passed, 0 failed, 1 skipped"'
  else
    run integration "$build/tests/integration"
  fi
}

# $ENGINES names the only ones that are wanted. Each keeps to a limit of its own.
run_engines() {
  saved_limit=$limit
  limit=$((limit * 3))
  run engines "$source_dir/tests/engines/run.sh" "$build/ocx" ${ENGINES:-}
  limit=$saved_limit
}

# in_guests NAME IMAGE SCRIPT MACHINE...: a guest has one processor, so two run side by side, their output as it comes.
in_guests() {
  guest_name=$1 image=$2 script=$source_dir/tests/vm/$3
  shift 3
  shown=yes
  may_be_empty=yes
  # The guest keeps to the suite's limit itself; making and starting it have their own.
  export OCX_SUITE_TIMEOUT="$limit"
  limit=$((limit + 400))
  for machine; do
    for part in "$image" "$machine"; do "$source_dir/tests/vm/build.sh" "$part" >/dev/null || break; done
    for manager in cgroupfs systemd; do
      name=$guest_name-$machine-$manager
      : >"$logs/$name.log"
      execute "$name" "$script" "$build" "$machine" "$manager" &
      tail -n +1 -s 0.2 --pid=$! -f "$logs/$name.log" | sed -u "s/^/$machine $manager: /" &
    done
    wait
    for manager in cgroupfs systemd; do report "$guest_name-$machine-$manager"; done
  done
  shown=no
  may_be_empty=no
  limit=$OCX_SUITE_TIMEOUT
  # All of the machines together must have run something.
  [ "$((passed + failed + skipped))" -gt 0 ] || { echo "$guest_name: no test matches"; failed=1; }
}

cd "$source_dir"
for suite in "$@"; do
  case $suite in
    layers | size | docs | man | format | tidy) run "$suite" "tests/check-$suite.sh" "$build" ;;
    units) run_units ;;
    unit_*) run "$suite" "$build/tests/$suite" ;;
    integration) run_integration ;;
    bundle-sources | package) run "$suite" "tests/$suite.sh" "$build" ;;
    engines) run_engines ;;
    # $VM names the only machine that is wanted. $TESTS is a Catch2 filter, $ENGINES a list.
    vm) in_guests vm image suite.sh ${VM:-uml qemu} ;;
    engines-vm) limit=$((limit * 2)); in_guests engines-vm engines engines.sh ${VM:-uml}; limit=$((limit / 2)) ;;
    *) echo "run.sh: no suite \"$suite\"" >&2; usage ;;
  esac
done

# Once more at the end, where a log cut short still has them.
cat "$logs/failed"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
