# Sourced by the scripts that use containerd: one of their own with root, state and socket below $WORK, an image to run, and what
# they ask of processes and cgroups.

export CONTAINERD_ADDRESS=$WORK/ctd.sock
parent=ocxtest$$ # the cgroup above the containers, whose name tells what is left of them
containerd_pid=

# For containers: with either client the size arrives after the start.
terminal_facts='for i in $(seq 100); do [ "$(stty size 2>/dev/null)" = "33 101" ] && break; sleep 0.1; done; echo $(tty) $(stty size)'

uses_systemd() { [ "$cgroup_manager" = systemd ]; }

# start_containerd SETTINGS: TOML, on top of what a private instance needs.
start_containerd() {
  makes /run/containerd /opt/containerd
  at_exit stop_containerd
  printf '%s\n' "root = '$WORK/ctd/root'" "state = '$WORK/ctd/state'" 'oom_score = 0' "$1" '[grpc]' \
    "address = '$CONTAINERD_ADDRESS'" >"$WORK/containerd.toml"
  launch_containerd
}

# launch_containerd: also again, after kill_containerd.
launch_containerd() {
  setsid containerd --config "$WORK/containerd.toml" >>"$WORK/containerd.log" 2>&1 </dev/null &
  containerd_pid=$!
  wait_until 60 containerd_answers || give_up "containerd does not answer" "$WORK/containerd.log"
}

containerd_answers() { timeout 10 ctr version >/dev/null 2>&1; }

kill_containerd() {
  kill -KILL "$containerd_pid"
  wait "$containerd_pid" 2>/dev/null
}

# Shims outlive their daemon, so they go first: it then deletes their containers. When everything works there are none any more.
stop_containerd() {
  local shim
  for shim in $(shims); do kill -KILL "$shim"; done
  wait_until 20 no_containers
  stop_process "$containerd_pid"
  unmount_below "$WORK"
  remove_empty_cgroups "$parent"
}

shims() {
  local shim
  for shim in $(shims); do stop_process "$shim" 0; done
}

shims() { pgrep -f -- "^[^ ]*containerd-shim-runc-v2 .*-address $CONTAINERD_ADDRESS"; }

# give_up WHY LOG: nothing else could run.
give_up() {
  fail "$1" "$(tail -n 20 "$2")"
  finish
}

# check_nothing_left DIRECTORY-OF-THE-RUNTIME: the directory holds a directory for each namespace, that holds the containers.
check_nothing_left() {
  wait_until 20 no_containers
  check "no shim is left" "" "$(shims)"
  check "no root file system is left mounted" "" "$(awk -v work="$WORK/" 'index($5, work) == 1 && /rootfs/ { print $5 }' /proc/self/mountinfo)"
  check "no cgroup of a container is left" "" "$(container_cgroups)"
  check "the runtime's directory is empty" "" "$(find "$1" -mindepth 2 ! -path '*/.cache*' 2>/dev/null)"
}

no_containers() { [ -z "$(shims)$(container_cgroups)" ]; }

# What is below $parent or a slice of that name, or a scope with that prefix; but not BuildKit's parent, which nobody removes.
container_cgroups() {
  find /sys/fs/cgroup -type d \( -path "*/$parent/*" -o -path "*/$parent.slice/*" -o -name "$parent-*.scope" \
    -o -name "$parent.slice:*" \) \
    ! -name buildkit 2>/dev/null
}

# with_terminal COMMAND: its output when run on a terminal of 33 lines and 101 columns, without the carriage returns and the
# NUL that script types at the end of its own input.
with_terminal() {
  timeout -k 5 60 script -qec "stty rows 33 cols 101; $1" /dev/null </dev/null 2>&1 | tr -d '\r' | sed 's/\^@//'
  return "${PIPESTATUS[0]}"
}

# oci_archive NAME FILE: the root file system as an image of that name, in an OCI archive.
oci_archive() {
  local blobs=$WORK/oci/blobs/sha256 layer config manifest
  rm -rf "$WORK/oci"
  mkdir -p "$blobs"
  layer=$(add_blob "$blobs" <"$IMAGE_TAR")
  config=$(printf '{"architecture":"%s","os":"linux","config":{"Env":["PATH=/bin:/usr/bin"],"Cmd":["sleep","86400"]},
    "rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$(dpkg --print-architecture)" "$layer" | add_blob "$blobs")
  manifest=$(printf '{"schemaVersion":2,"config":%s,"layers":[%s]}' "$(descriptor config.v1+json "$config")" \
    "$(descriptor layer.v1.tar "$layer")" | add_blob "$blobs")
  echo '{"imageLayoutVersion":"1.0.0"}' >"$WORK/oci/oci-layout"
  printf '{"schemaVersion":2,"manifests":[%s]}' "$(descriptor manifest.v1+json "$manifest" "$1")" >"$WORK/oci/index.json"
  tar -C "$WORK/oci" -cf "$2" .
}

# add_blob DIRECTORY: stores stdin under its digest, and prints that.
add_blob() {
  local digest
  cat >"$1/new"
  digest=$(sha256sum "$1/new" | cut -d' ' -f1)
  mv "$1/new" "$1/$digest"
  echo "$digest"
}

# descriptor TYPE DIGEST [IMAGE-NAME]
descriptor() {
  printf '{"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%d' "$1" "$2" "$(stat -c %s "$blobs/$2")"
  [ -z "${3-}" ] || printf ',"annotations":{"io.containerd.image.name":"%s"}' "$3"
  printf '}'
}
