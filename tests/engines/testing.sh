# Sourced by the ENGINE.sh beside it, which run.sh calls with
#   RUNTIME   the runtime under test, an absolute path
#   NAME      the name by which engines know it: ocx, whichever runtime it is
#   WORK      a directory for everything the script makes; run.sh removes it
#   ROOTFS    a root file system with busybox
#   IMAGE_TAR a tar file of that
# A script makes its checks and ends with `finish`.
set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
engine=$(basename "$0" .sh)
cd "$WORK" || exit
cgroup_manager=${OCX_TEST_CGROUP_MANAGER:-cgroupfs}
passed=0
failed=0
skipped=0

# --- results ----------------------------------------------------------------------------------------------------------

pass() {
  passed=$((passed + 1))
  echo "passed: $engine: $1"
}

# fail NAME WHY
fail() {
  failed=$((failed + 1))
  echo "FAILED: $engine: $1: $2"
}

# skip NAME REASON
skip() {
  skipped=$((skipped + 1))
  echo "skipped: $engine: $1: $2"
}

# check NAME WANTED GOT
check() {
  if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "wanted '$2', got '$3'"; fi
}

# matches NAME PATTERN TEXT: an extended regular expression is found in it.
matches() {
  if [[ $3 =~ $2 ]]; then pass "$1"; else fail "$1" "wanted a match of '$2', got '$3'"; fi
}

# passes NAME COMMAND...: exits with 0.
passes() {
  local name=$1 output status=0
  shift
  output=$("$@" 2>&1 </dev/null) || status=$?
  if [ $status -eq 0 ]; then pass "$name"; else fail "$name" "exit code $status: $output"; fi
}

# exits NAME CODE COMMAND...
exits() {
  local name=$1 wanted=$2 output status=0
  shift 2
  output=$("$@" 2>&1 </dev/null) || status=$?
  if [ $status -eq "$wanted" ]; then pass "$name"; else fail "$name" "wanted exit code $wanted, got $status: $output"; fi
}

# prints NAME TEXT COMMAND...: exits with 0, and that is what it prints.
prints() {
  local name=$1 wanted=$2 output status=0
  shift 2
  output=$("$@" 2>"$WORK/stderr" </dev/null) || status=$?
  if [ $status -eq 0 ] && [ "$output" = "$wanted" ]; then
    pass "$name"
  else
    fail "$name" "wanted '$wanted', got '$output', exit code $status: $(cat "$WORK/stderr")"
  fi
}

# fails_with NAME CODE TEXT COMMAND...: the output, stderr included, holds the text.
fails_with() {
  local name=$1 wanted=$2 text=$3 output status=0
  shift 3
  output=$("$@" 2>&1 </dev/null) || status=$?
  if [ $status -eq "$wanted" ] && [[ $output == *"$text"* ]]; then
    pass "$name"
  else
    fail "$name" "wanted exit code $wanted and '$text', got $status: $output"
  fi
}

# run_topics FUNCTION...: the parts of a script, or those of them that were asked for.
run_topics() {
  local topic
  for topic in "$@"; do
    [[ " ${OCX_ENGINE_TOPICS:-$topic} " != *" $topic "* ]] || "$topic"
  done
}

finish() {
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
  exit
}

# --- what a script leaves behind ------------------------------------------------------------------------------------------

cleanups=()

# at_exit COMMAND: a shell command for the end of the script, the last one first.
at_exit() { cleanups=("$1" "${cleanups[@]}"); }

run_cleanups() {
  local command
  for command in "${cleanups[@]}"; do eval "$command"; done
}
trap run_cleanups EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

# makes PLACE...: what an engine makes outside of $WORK goes at the end, unless it was there before.
makes() {
  local place
  for place in "$@"; do
    [ -e "$place" ] || at_exit "rm -rf --one-file-system '$place'"
  done
}

# stop_process PID [SECONDS]: TERM, after that time KILL, and waits until it has ended.
stop_process() {
  kill "$1" 2>/dev/null || return 0
  wait_until "${2:-10}" ended "$1" || kill -KILL "$1" 2>/dev/null
  wait_until 5 ended "$1"
}

ended() { ! kill -0 "$1" 2>/dev/null || [ "$(process_state "$1")" = Z ]; }

process_state() { sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null; }

# unmount_below DIRECTORY
unmount_below() {
  awk -v directory="$1/" 'index($5 "/", directory) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
    while read -r mount_point; do umount -l "$mount_point" 2>/dev/null; done
}

# --- waiting --------------------------------------------------------------------------------------------------------------

exec {silence}<> <(:) # never has anything to read

# wait_until SECONDS COMMAND...: until it succeeds.
wait_until() {
  local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
  shift
  until "$@"; do
    [ "${EPOCHREALTIME/[.,]/}" -lt $end ] || return 1
    read -r -t 0.05 -u "$silence" || : # a pause without a process
  done
}

# --- what there is ----------------------------------------------------------------------------------------------------

# ocx tells the name that it is called by; others tell their own.
is_ocx() { [[ $(exec -a ocx "$RUNTIME" --version | head -n 1) == ocx\ * ]]; }

# needs PROGRAM...: without it the whole script is one skipped test.
needs() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || { skip all "$program is not installed"; finish; }
  done
}

# version_at_least WANTED GOT
version_at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# has_capability NAME: this shell's bounding set, as `capsh` names it (cap_sys_resource).
has_capability() { setpriv --dump | sed -n 's/^Capability bounding set: //p' | grep -qw "${1#cap_}"; }

# configuration NAME: the block of docs/engines.md with that mark, for this runtime.
configuration() {
  local text
  text=$(awk -v mark="<!-- used by tests/engines: $1 -->" '
    $0 == mark { found = 1; next }
    found && /^```/ { if (inside) exit; inside = 1; next }
    inside { print }' "$here/../../docs/engines.md")
  [ -n "$text" ] || { echo "docs/engines.md has no block \"$1\"" >&2; return 1; }
  printf '%s\n' "${text//\/usr\/local\/sbin\/ocx/$RUNTIME}"
}

# --- cgroups, of version 1 and 2 ------------------------------------------------------------------------------------------

cgroup_version() { if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo 2; else echo 1; fi; }

# cgroup_directory PID CONTROLLER
cgroup_directory() {
  if [ "$(cgroup_version)" = 2 ]; then
    echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$1/cgroup")"
  else
    echo "/sys/fs/cgroup/$2$(awk -F: -v want="$2" '("," $2 ",") ~ ("," want ",") { print $3 }' "/proc/$1/cgroup")"
  fi
}

# cgroup_limit PID memory|pids|cpu: bytes, a number, or "QUOTA PERIOD" in microseconds; "max" is no limit.
cgroup_limit() {
  local directory
  case $1-$2-$(cgroup_version) in
    *-memory-1) cat "$(cgroup_directory "$1" memory)/memory.limit_in_bytes" ;;
    *-memory-2) cat "$(cgroup_directory "$1" memory)/memory.max" ;;
    *-pids-*) cat "$(cgroup_directory "$1" pids)/pids.max" ;;
    *-cpu-1)
      directory=$(cgroup_directory "$1" cpu)
      echo "$(sed 's/^-1$/max/' "$directory/cpu.cfs_quota_us") $(cat "$directory/cpu.cfs_period_us")"
      ;;
    *-cpu-2) cat "$(cgroup_directory "$1" cpu)/cpu.max" ;;
  esac
}

# cgroups_named TEXT: the directories of all hierarchies with that in their names.
cgroups_named() { find /sys/fs/cgroup -mindepth 1 -type d -name "*$1*" 2>/dev/null; }

# remove_empty_cgroups NAME: such cgroups at the top, of each hierarchy, with all that is empty below them.
remove_empty_cgroups() {
  local directory
  for directory in /sys/fs/cgroup/"$1" /sys/fs/cgroup/*/"$1"; do
    [ ! -d "$directory" ] || find "$directory" -depth -type d -exec rmdir {} \; 2>/dev/null
  done
}
