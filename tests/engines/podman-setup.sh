# Sourced by the scripts that use podman's libraries: a private storage and configuration below $WORK.
image=localhost/test:latest

# No command hangs longer than that.
podman() { timeout -k 5 60 podman "$@"; }
buildah() { timeout -k 5 60 buildah "$@"; }

# write_containers_conf FILE [LINE...]: the block of the documentation, and more of its section "engine", so that podman
# does without the journal, the host's shared memory and systemd.
write_containers_conf() {
  local more line
  printf -v more '%s\\n' "cgroup_manager = \"$cgroup_manager\"" 'events_logger = "file"' 'lock_type = "file"' "${@:2}"
  {
    configuration podman | sed "s|^\[engine\]\$|&\n${more%\\n}|"
    # The defaults want more open files than each machine allows, and a network.
    printf '%s\n' '[containers]' 'netns = "none"' 'log_driver = "k8s-file"' 'default_sysctls = []' \
      "default_ulimits = [\"nofile=$(ulimit -Hn):$(ulimit -Hn)\", \"nproc=1024:1024\"]"
  } >"$1"
}

# set_up_podman: for root, with everything below $WORK, and with $image in the storage.
set_up_podman() {
  local top=$WORK/podman
  mkdir -p "$top"
  write_containers_conf "$top/containers.conf" "tmp_dir = \"$top/tmp\"" "volume_path = \"$top/volumes\""
  printf '%s\n' '[storage]' 'driver = "overlay"' "graphroot = \"$top/storage\"" "runroot = \"$top/run\"" >"$top/storage.conf"
  export CONTAINERS_CONF=$top/containers.conf CONTAINERS_STORAGE_CONF=$top/storage.conf
  makes /var/lib/containers /run/containers /run/libpod /run/ocx
  import_image
}

import_image() {
  at_exit tear_down_podman
  podman import -q -c "ENV PATH=/usr/bin:/bin" "$IMAGE_TAR" "$image" >/dev/null 2>"$WORK/stderr" ||
    { fail "import of the image" "$(cat "$WORK/stderr")"; finish; }
}

tear_down_podman() {
  podman pod rm -fa -t 0 >/dev/null 2>&1
  podman rm -fa -t 0 >/dev/null 2>&1
  unmount_below "$WORK"
  remove_empty_cgroups libpod_parent
}

# in_container [OPTION...] COMMAND: the output of a shell command in a new container.
in_container() { podman run --rm "${@:1:$#-1}" "$image" sh -c "${!#}"; }

# start_container NAME [OPTION...] COMMAND: in the background, for the rest of the topic.
start_container() {
  local name=$1
  shift
  podman run -d --name "$name" "${@:1:$#-1}" "$image" sh -c "${!#}" >/dev/null || fail "start $name" "see above"
}

remove_container() { podman rm -f -t 0 "$1" >/dev/null 2>&1; }

inspect() { podman inspect -f "$2" "$1"; }
pid_of() { inspect "$1" '{{.State.Pid}}'; }
has_log_line() { [[ $(podman logs "$1" 2>/dev/null) == *"$2"* ]]; }
namespace_of() { readlink "/proc/$1/ns/$2"; }

# Ends by itself, so that nothing stays when a test is interrupted.
wait_for_term='trap "echo got TERM; exit 3" TERM; trap "echo got USR1" USR1; echo ready;
  i=0; while [ $i -lt 3000 ]; do sleep 0.1; i=$((i+1)); done'
