#!/bin/sh
# check-size.sh: files of at most 400 lines, functions of at most 60 (those need Universal Ctags).
set -eu
cd "$(dirname "$0")/.."

max_file=400
max_function=60
found=$(mktemp)
trap 'rm -f "$found"' EXIT

files=$(find sys spec cgroups runtime cmd tests bundles \( -name '*.[ch]pp' -o -name '*.[ch]' \) -type f)
for file in $files; do
  lines=$(wc -l <"$file")
  [ "$lines" -le "$max_file" ] || echo "$file: $lines lines, more than $max_file" >>"$found"
done

skipped=0
if ctags --version 2>/dev/null | grep -q Universal; then
  # A Catch2 TEST_CASE is a table of cases as often as a function: only the other functions are measured.
  ctags -x --languages=C,C++ --kinds-C=f --kinds-C++=f --fields=+ne \
    --_xformat='%F %n %{end} %N' $files 2>/dev/null |
    awk -v max="$max_function" '$3 && $4 !~ /^(TEST_CASE|SECTION)/ && $3 - $2 + 1 > max {
      printf "%s:%d: %s has %d lines, more than %d\n", $1, $2, $4, $3 - $2 + 1, max }' >>"$found"
else
  skipped=1
  echo 'skipped: lengths of functions (no Universal Ctags; Debian: universal-ctags)'
fi

cat "$found"
if [ -s "$found" ]; then
  echo "0 passed, $(wc -l <"$found") failed, $skipped skipped"
  exit 1
fi
echo "1 passed, 0 failed, $skipped skipped"
