#!/bin/sh
# check-docs.sh: what README.md, docs/ and the other READMEs name is there: relative links, and paths in backticks (also
# patterns like `spec/parse*.cpp` and `cmd/<command>.cpp`) that begin with one of this repository's directories.
set -eu
cd "$(dirname "$0")/.."

places='sys|spec|cgroups|runtime|cmd|tests|bundles|docs|cmake'
found=$(mktemp)
trap 'rm -f "$found"' EXIT
passed=0

# check DOCUMENT PATTERN: some file has that name. rootfs/ is filled by make.
check() {
  case $2 in */rootfs | */rootfs/* | *.oci) return ;; esac
  if ls -d $2 >/dev/null 2>&1; then
    passed=$((passed + 1))
  else
    echo "$1: $2 does not exist" >>"$found"
  fi
}

for document in README.md docs/*.md bundles/*.md bundles/*/*.md tests/*.md; do
  for path in $(sed -n '/^```/,/^```/!p' "$document" | grep -oE '`[^` ]+`' | tr -d '`' |
    sed -E 's/<[a-z]+>/*/g' | grep -E "^($places)/[A-Za-z0-9_.*/-]*\$"); do
    check "$document" "$path"
  done
  for link in $(grep -oE '\]\([^)]+\)' "$document" | sed -E 's/^\]\(//; s/\)$//; s/#.*//' | grep -vE '^$|^https?:'); do
    check "$document" "$(dirname "$document")/$link"
  done
done

cat "$found"
failed=$(wc -l <"$found")
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
