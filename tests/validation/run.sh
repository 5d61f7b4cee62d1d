#!/bin/sh
# run.sh [--conformance FILE] [--logs DIR] SUITE [TEST...]: runs opencontainers/runtime-tools' validation suite.
#
# SUITE is a checkout of it, built as its README says (`make runtimetest validation-executables`). Each program runs on its own, with
# a state directory, cgroups and namespaces that end with it (surroundings.sh), within LIMIT seconds (default 120).
# RUNTIME=PATH tests another runtime than build/release/ocx. A line a program, then `N passed, N failed, N skipped`.
#
#   --logs DIR          keep what the programs printed
#   --conformance FILE  write the document that explains each failure: see conformance.py. For all programs only.
set -eu

usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
die() { echo "run.sh: $*" >&2; exit 2; }

here=$(cd "$(dirname "$0")" && pwd)
document= logs=
while :; do
  case ${1-} in
    --conformance) document=${2?FILE}; shift 2 ;;
    --logs) mkdir -p "${2?DIR}"; logs=$(cd "$2" && pwd); shift 2 ;;
    -*) usage ;;
    *) break ;;
  esac
done
[ $# -ge 1 ] || usage
[ "$(id -u)" -eq 0 ] || die "containers with all namespaces need root"
suite=$(cd "$1" && pwd)
shift
[ -x "$suite/runtimetest" ] || die "$suite/runtimetest is missing: build the suite first"
[ $# -eq 0 ] || [ -z "$document" ] || die "the document is about all programs"
[ $# -gt 0 ] || set -- $(cd "$suite/validation" && ls -d ./*/*.t | sed 's|.*/||; s|\.t$||')
runtime=$(command -v "${RUNTIME:-$here/../../build/release/ocx}") || die "no runtime ${RUNTIME:-build/release/ocx}"
runtime=$(readlink -f "$runtime")
limit=${LIMIT:-120}

work=$(mktemp -d) || die "no directory for the work"
chmod 711 "$work" # ids of user namespaces pass through it
trap 'rm -rf "$work"' EXIT
child=
trap 'kill "$child"; wait "$child"; exit 1' INT TERM

# wrapper DIRECTORY: the runtime with a state directory of its own, which is all that it changes.
wrapper() {
  printf '#!/bin/sh\nexec "%s" --root "%s/state" "$@"\n' "$runtime" "$1" >"$1/runtime"
  chmod 755 "$1/runtime"
}

# What a program takes for granted, and hardly any host has: words for surroundings.sh.
needs_of() {
  case $1 in
    linux_cgroups_*network) echo net_cls net_prio ;;
    linux_cgroups_*hugetlb) echo hugetlb ;;
    process_capabilities) echo capabilities ;;
    misc_props) echo runtimetest ;;
  esac
}

# run_one NAME: leaves out and err in $work/NAME; the status is the program's, 124 or 137 when it was stopped.
run_one() {
  directory=$work/$1
  mkdir -p "$directory/tmp"
  chmod 711 "$directory" "$directory/tmp"
  wrapper "$directory"
  export RUNTIME="$directory/runtime" TMPDIR="$directory/tmp"
  (cd "$suite" && exec "$here/surroundings.sh" "$directory" "$(needs_of "$1")" \
    timeout -k 5 "$limit" "validation/$1/$1.t") >"$directory/out" 2>"$directory/err" </dev/null &
  child=$!
  wait "$child"
}

# judge NAME STATUS: prints "verdict<tab>what is against it".
judge() {
  reason=$(sed -n 's/^skip: //p' "$work/$1/err" | head -n 1)
  if [ "$2" -eq 75 ] && [ -n "$reason" ]; then
    printf 'skipped\t%s\n' "$reason"
    return
  fi
  awk -v status="$2" -v limit="$limit" -v stderr="$(tail -n 1 "$work/$1/err")" -f "$here/verdict.awk" "$work/$1/out"
}

passed=0 failed=0 skipped=0
for name in "$@"; do
  [ -x "$suite/validation/$name/$name.t" ] || die "the suite has no program $name"
  status=0
  run_one "$name" || status=$?
  verdict=$(judge "$name" "$status")
  printf '%s\t%s\n' "$name" "$verdict" >>"$work/results"
  printf '%-8s %s%s\n' "${verdict%%	*}" "$name" "$(echo "${verdict#*	}" | sed 's/^./: &/')"
  case $verdict in
    ok*) passed=$((passed + 1)) ;;
    skipped*) skipped=$((skipped + 1)) ;;
    *) failed=$((failed + 1)) ;;
  esac
  [ -z "$logs" ] || { cp "$work/$name/out" "$logs/$name.out" && cp "$work/$name/err" "$logs/$name.err"; }
  rm -rf "${work:?}/$name"
done

explained=0
if [ -n "$document" ]; then
  commit=; [ ! -e "$suite/.git" ] || commit=$(git -C "$suite" rev-parse HEAD)
  "$here/conformance.py" "$work/results" "$here/explanations" $commit >"$work/document" || explained=1
  [ "$explained" -ne 0 ] || cp "$work/document" "$document"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ -z "$document" ] || exit "$explained"
[ "$failed" -eq 0 ]
