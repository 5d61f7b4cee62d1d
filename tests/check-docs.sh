#!/bin/sh
# check-docs.sh: what README.md, docs/ and the other READMEs name is there: relative links, and paths in backticks (also
# patterns like `spec/parse*.cpp` and `cmd/<command>.cpp`) that begin with one of this repository's directories. And the tests
# that docs/engine-contract.md names are those tagged [contract], and bundles/README.md has all bundles.
set -eu
cd "$(dirname "$0")/.."

places='sys|spec|cgroups|runtime|cmd|tests|bundles|docs|cmake'
found=$(mktemp)
trap 'rm -f "$found" "$found.named" "$found.tagged"' EXIT
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

# The table of the bundles has every one; a row too much is a link that leads nowhere.
for bundle in $(ls bundles/*/config.json | cut -d/ -f2); do
  if grep -q "^| \[$bundle\]($bundle/README.md) " bundles/README.md; then
    passed=$((passed + 1))
  else
    echo "bundles/README.md: $bundle is missing" >>"$found"
  fi
done

# Name and tags of each integration test, a tab between; a long name is several literals.
tests=$(cat tests/integration/*_test.cpp | tr '\n' ' ' | sed -e 's/" *"//g' -e 's/TEST_CASE(/\n&/g' |
  sed -nE 's/^TEST_CASE\( *"(([^"\\]|\\.)*)", *"(\[[^"]*)"\) \{.*/\1\t\3/p')
contract=docs/engine-contract.md
sed -n 's/^|[^|]*|[^|]*|\(.*\)|$/\1/p' "$contract" | grep -oE '`[^`]+`' | tr -d '`' | sort -u >"$found.named"
printf '%s\n' "$tests" | sed -n 's/\t.*\[contract\].*//p' | sort -u >"$found.tagged"
comm -23 "$found.named" "$found.tagged" | sed "s|.*|$contract: no test \"&\" tagged [contract]|" >>"$found"
comm -13 "$found.named" "$found.tagged" | sed "s|.*|$contract: the test \"&\" is not mentioned|" >>"$found"
passed=$((passed + $(comm -12 "$found.named" "$found.tagged" | wc -l)))

cat "$found"
failed=$(wc -l <"$found")
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
