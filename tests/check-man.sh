#!/bin/sh
# check-man.sh BUILD: the pages of docs/man say what `ocx --help` and `ocx COMMAND --help` of BUILD/ocx say: the same commands and
# summaries, usage, options in the same order with the same values and defaults, and the examples. And they become pages without a
# warning, and ocx-annotations(7) has the annotations of docs/annotations.md.
set -eu
export LC_ALL=C.UTF-8
build=$(cd "${1:-build/release}" && pwd)
cd "$(dirname "$0")/.."

ocx=$build/ocx
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$work/found"
passed=0
skipped=0

complain() { echo "$*" >>"$work/found"; }
ok() { passed=$((passed + 1)); }

# same PAGE WHAT: the files "help" and "page" are the same.
same() {
  if cmp -s "$work/help" "$work/page"; then
    ok
  else
    complain "$1: $2, help (<) and page (>):"
    diff "$work/help" "$work/page" | sed -n 's/^[<>]/  &/p' >>"$work/found"
  fi
}

# A page without its markup: bold, underlined, escaped. Literal blocks stay as they are.
plain() {
  sed -E '/^```/,/^```/b; s/\*//g; s/(^|[^[:alnum:]\\])_/\1/g; s/_([^[:alnum:]]|$)/\1/g; s/\\//g' "$1"
}
section() { awk -v name="# $2" '/^# / { inside = $0 == name; next } inside' "$1"; }

# The options of a help text, or of a page: `-b --bundle DIR`, a tab, and the default.
entry='
  function flush() {
    if (name == "") return
    default_value = match(text, /\(default: [^)]*\)/) ? substr(text, RSTART + 1, RLENGTH - 2) : ""
    print name "\t" default_value
    name = ""
  }
  END { flush() }'
options_of_help() {
  awk "$entry"'
    /^  (-[a-z], |    )--/ {
      flush()
      text = ""
      # Column 31 is where the text begins, if the name leaves room for it.
      alone = substr($0, 30, 1) != " "
      name = alone ? $0 : substr($0, 1, 29)
      if (!alone) text = substr($0, 30)
      gsub(/^ +| +$/, "", name)
      sub(/,/, "", name)
      next
    }
    /^                              / { sub(/^ +/, " "); text = text $0; next }
    { flush() }'
}
options_of_page() {
  section "$1" OPTIONS | awk "$entry"'
    /^(-[a-z], )?--[a-z]/ { flush(); text = ""; name = $0; sub(/,/, "", name); next }
    /^\t/ { sub(/^\t+/, " "); text = text $0; next }'
}

# check_options PAGE: "text" is the help text, "plain" the page.
check_options() {
  options_of_help <"$work/text" >"$work/help"
  options_of_page "$work/plain" >"$work/page"
  same "$1" options
}

check_command() {
  page=docs/man/ocx-$1.8.scd
  [ -f "$page" ] || { complain "$page does not exist: ocx $1 has no page"; return 0; }
  "$ocx" "$1" --help >"$work/text"
  plain "$page" >"$work/plain"
  check_options "$page"

  sed -n 's/^Usage: ocx /ocx [global options] /p' "$work/text" >"$work/help"
  section "$work/plain" SYNOPSIS | sed '/^$/d' >"$work/page"
  same "$page" usage

  printf 'ocx-%s - %s\n' "$1" "$2" >"$work/help"
  section "$work/plain" NAME | sed '/^$/d' >"$work/page"
  same "$page" summary

  sed -n '/^Example:/,/^$/s/^  //p' "$work/text" >"$work/help"
  section "$page" EXAMPLES | grep -Fx -f "$work/help" | sort -u >"$work/page" || :
  sort -u -o "$work/help" "$work/help"
  same "$page" examples
}

# "COMMAND, a tab, SUMMARY", as --help lists them: between the usage and the global options, indented by two.
"$ocx" --help >"$work/general"
sed -n '/^Usage:/,/^Global options:/s/^  \([a-z][a-z-]*\)  *\(.*\)/\1\t\2/p' "$work/general" >"$work/commands"
while IFS='	' read -r command summary; do check_command "$command" "$summary"; done <"$work/commands"

for page in docs/man/ocx-*.8.scd; do
  command=${page#docs/man/ocx-}
  # Or it is the page of a program beside ocx.
  [ -d "cmd/ocx-${command%.8.scd}" ] || grep -q "^${command%.8.scd}	" "$work/commands" || complain "$page: ocx has no such command"
done

page=docs/man/ocx-cni.8.scd
"$build/ocx-cni" --help >"$work/text"
plain "$page" >"$work/plain"
check_options "$page"

page=docs/man/ocx.8.scd
cp "$work/general" "$work/text"
plain "$page" >"$work/plain"
check_options "$page"
sed 's/^/ocx-/' "$work/commands" >"$work/help"
section "$work/plain" COMMANDS | sed -n '/^ocx-/{s/(8)$//;N;s/\n\t/\t/p;}' >"$work/page"
same "$page" commands

# Annotations: those named in the first column of the tables, and those that begin an entry.
page=docs/man/ocx-annotations.7.scd
grep -E '^\| \[?`' docs/annotations.md | cut -d'|' -f2 | grep -oE '`(org|run|io)\.[^`]+`' | tr -d '`' | sort -u >"$work/help"
plain "$page" | grep -E '^(org|run|io)\.' | sed 's/, /\n/g' | grep -v '^io\.' | sort -u >"$work/page"
same "$page" annotations

# What a page refers to of ours is there.
for page in docs/man/*.scd; do
  for name in $(grep -oE '\*ocx[a-z-]*\*\([0-9]\)' "$page" | sed -E 's/^\*(.*)\*\((.)\)$/\1.\2/' | sort -u); do
    if [ -f "docs/man/$name.scd" ]; then ok; else complain "$page: there is no page $name"; fi
  done
done

if command -v scdoc >/dev/null; then
  for page in docs/man/*.scd; do
    name=$(basename "$page" .scd)
    scdoc <"$page" >"$work/$name" 2>"$work/errors" || { complain "$page: $(cat "$work/errors")"; continue; }
    ! command -v man >/dev/null || man --warnings -E UTF-8 -l -Tutf8 -Z "$work/$name" 2>"$work/errors" >/dev/null || :
    if [ -s "$work/errors" ]; then complain "$page: $(cat "$work/errors")"; else ok; fi
  done
else
  skipped=1
  echo 'skipped: man pages become pages (no scdoc)'
fi

cat "$work/found"
failed=$(grep -cv '^  ' "$work/found" || :)
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
