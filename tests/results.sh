# What scripts of tests count with; sourced. $work is a directory of the script's own.
passed=0
failed=0
skipped=0

pass() { passed=$((passed + 1)); }
# fail NAME FILE: with what was printed.
fail() {
  failed=$((failed + 1))
  echo "failed: $1"
  sed 's/^/  /' "$2"
}
# A machine that has everything is told so by OCX_MUST_RUN=1.
skip() {
  if [ "${OCX_MUST_RUN:-}" = 1 ]; then
    echo "failed: skipped: $1"
    failed=$((failed + 1))
  else
    echo "skipped: $1"
    skipped=$((skipped + 1))
  fi
}
finish() {
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
  exit
}

# passes NAME COMMAND...: exits with 0.
passes() {
  local name=$1
  shift
  if "$@" >"$work/output" 2>&1 </dev/null; then pass; else fail "$name" "$work/output"; fi
}

# prints NAME TEXT COMMAND...: exits with 0, and the text is all it prints.
prints() {
  local name=$1 text=$2
  shift 2
  if "$@" >"$work/output" 2>&1 </dev/null && [ "$(cat "$work/output")" = "$text" ]; then pass; else fail "$name" "$work/output"; fi
}

# shows NAME TEXT COMMAND...: exits with 0, and what it prints has the text.
shows() {
  local name=$1 text=$2
  shift 2
  if "$@" >"$work/output" 2>&1 </dev/null && grep -qF -- "$text" "$work/output"; then pass; else fail "$name" "$work/output"; fi
}
