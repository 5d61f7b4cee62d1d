#!/bin/bash
# conmon, called as CRI-O calls it.
. "$(dirname "$0")/testing.sh"
needs conmon python3

at_exit 'remove_empty_cgroups ocxconmon'
at_exit 'for name in plain killed terminal failing oom; do "$RUNTIME" --root "$WORK/root" delete --force "$name" 2>/dev/null; done'

while IFS= read -r line; do
  case $line in
    "passed: "*) pass "${line#passed: }" ;;
    "FAILED: "*) line=${line#FAILED: }; fail "${line%%: got *}" "got ${line#*: got }" ;;
    *) fail conmon.py "$line" ;;
  esac
done < <(timeout -k 5 200 python3 "$here/conmon.py" "$cgroup_manager" 2>&1 || echo "exit code $?")
finish
