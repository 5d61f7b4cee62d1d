#!/bin/sh
# check-format.sh: every C and C++ file is as clang-format 14 (Debian 12's; others differ in details) writes it.
# check-format.sh --fix writes them.
set -eu
cd "$(dirname "$0")/.."

if ! clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
  echo 'skipped: format (no clang-format 14)'
  echo '0 passed, 0 failed, 1 skipped'
  exit 0
fi

files=$(find sys spec cgroups runtime cmd tests bundles \( -name '*.[ch]pp' -o -name '*.[ch]' \) -type f)
if [ "${1:-}" = --fix ]; then
  exec clang-format -i $files
fi

wrong=$(clang-format --dry-run $files 2>&1 | sed -n 's/^\(.*\):[0-9]*:[0-9]*: warning:.*/\1/p' | sort -u)
if [ -n "$wrong" ]; then
  echo "$wrong" | sed 's|$|: not formatted (tests/check-format.sh --fix)|'
  echo "0 passed, $(echo "$wrong" | wc -l) failed, 0 skipped"
  exit 1
fi
echo '1 passed, 0 failed, 0 skipped'
