#!/bin/bash
# buildah, which calls the runtime itself.
. "$(dirname "$0")/testing.sh"
. "$here/podman-setup.sh"
needs buildah podman

# As in the documentation.
run_in() { buildah run --runtime "$RUNTIME" --isolation oci --network none "$@"; }

runs() {
  local container
  container=$(buildah from --pull-never "$image")
  exits "run: the exit code" 3 run_in "$container" -- sh -c 'exit 3'
  prints "run: output" hello run_in "$container" -- echo hello
  check "run: stderr stays apart" err "$(run_in "$container" -- sh -c 'echo out; echo err >&2' 2>&1 >/dev/null)"
  check "run: piped stdin" hello "$(echo hello | run_in "$container" -- cat)"
  prints "run --user" "1000 1000" run_in --user 1000:1000 "$container" -- sh -c 'echo $(id -u) $(id -g)'
  prints "run --hostname" box run_in --hostname box "$container" -- hostname
  prints "run --workingdir, --env" "/tmp b" run_in --workingdir /tmp --env A=b "$container" -- sh -c 'echo $PWD $A'
  prints "run --cap-drop" 0000000000000000 run_in --cap-drop all "$container" -- sed -n 's/^CapBnd:\t//p' /proc/self/status
  prints "run -t: a terminal" yes terminal_of "$container"
  mkdir -p "$WORK/data"
  echo content >"$WORK/data/file"
  prints "run --volume" content run_in -v "$WORK/data:/data" "$container" -- cat /data/file
  fails_with "run --volume :ro" 1 "Read-only file system" run_in -v "$WORK/data:/data:ro" "$container" -- touch /data/x
  passes "run: changes" run_in "$container" -- sh -c 'echo kept >/made'
  prints "run: changes are kept" kept run_in "$container" -- cat /made
  fails_with "run: a missing program" 1 'executable file not found in $PATH' run_in "$container" -- nope
  fails_with "run: a directory" 1 "ermission denied" run_in "$container" -- /etc
  check "run, as documented" hello "$(eval "$(configuration buildah |
    sed "s/ --isolation/ --network none&/; s/CONTAINER/$container/; s/COMMAND/echo hello/")" 2>&1)"
  check "run leaves no cgroup" "" "$(cgroups_named buildah-buildah)"
  passes "commit" buildah commit -q "$container" localhost/committed
  buildah rm "$container" >/dev/null
  prints "what was committed" kept podman run --rm localhost/committed cat /made
}

terminal_of() { run_in -t "$1" -- sh -c 'test -t 0 && test -t 1 && test -c /dev/console && echo yes' | tr -d '\r'; }

builds() {
  mkdir -p "$WORK/empty"
  printf '%s\n' "FROM $image" 'ARG word' 'USER user' 'WORKDIR /home/user' 'RUN echo "$word $(id -u) $PWD" >said' \
    'RUN --mount=type=tmpfs,target=/mnt touch /mnt/a && echo mounted >>said' >"$WORK/Dockerfile"
  passes "bud" buildah bud -q --isolation oci --network none --build-arg word=hello -t localhost/built -f "$WORK/Dockerfile" \
    "$WORK/empty"
  prints "bud: what RUN did" "hello 1000 /home/user mounted" podman run --rm localhost/built sh -c 'echo $(cat said)'
  printf 'FROM %s\nRUN exit 9\n' "$image" >"$WORK/Failing"
  fails_with "bud: a failing RUN" 9 "exit status 9" buildah bud -q --isolation oci --network none -f "$WORK/Failing" "$WORK/empty"
  printf 'FROM %s\nRUN sleep 300 &\nRUN echo "left: $(ps | grep -c "[s]leep 300")"\n' "$image" >"$WORK/Background"
  matches "bud: a process in the background ends with its RUN" "left: 0" \
    "$(buildah bud --isolation oci --network none -f "$WORK/Background" "$WORK/empty" 2>&1 | grep ^left)"
}

set_up_podman
at_exit 'buildah rm -a >/dev/null 2>&1'
run_topics runs builds
finish
