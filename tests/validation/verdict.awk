# verdict.awk: the verdict on one program of the validation suite, from its standard output (TAP, version 13).
#
#   awk -v status=EXIT -v limit=SECONDS -v stderr=LAST-LINE -f verdict.awk OUTPUT
#
# One line: ok, not ok, timeout or skipped; after a tab what speaks against ok. Some programs make no assertions when all is well, and
# report what is wrong as a diagnostic alone, so a diagnostic with an "error" that belongs to no assertion is a failure. A
# failure that the suite marks TODO is none.

/^TAP version/ { finish_document(); open_document = 1; next }
/^1\.\.[0-9]+/ {
  split($1, plan, /\.\./)
  if (plan[2] != numbered) fail("plan of " plan[2] " for " numbered " assertions")
  open_document = 0
  next
}
/^(not )?ok / {
  numbered++
  assertion = $0
  sub(/^[^0-9]*/, "", assertion)
  if (/^ok [0-9]+ # SKIP/) skipped++
  else {
    asserted++
    if (/^not ok/ && !/# TODO/) fail("not ok " assertion)
  }
  own_diagnostic = 1
  next
}
/^  ---/ { diagnostic = 1; orphan = !own_diagnostic; own_diagnostic = 0; next }
/^  \.\.\./ { diagnostic = 0; next }
diagnostic && orphan && /^ *"?error"?:/ {
  sub(/^ *"?error"?: */, "")
  fail("error: " $0)
}

function fail(what) {
  gsub(/\\n/, " ", what)
  failures = failures (failures == "" ? "" : "; ") what
}

function finish_document() {
  if (open_document) fail("ended without a plan")
  open_document = numbered = own_diagnostic = 0
}

END {
  finish_document()
  if (status == 124 || status == 137) print "timeout\tafter " limit " s"
  else {
    if (status != 0) fail("exit status " status (stderr == "" ? "" : ": " stderr))
    if (failures != "") print "not ok\t" failures
    else if (skipped && !asserted) print "skipped\tall of its assertions"
    else print "ok\t"
  }
}
