#!/bin/bash
# Kubernetes' way: containerd through the socket that the kubelet uses, with pods and containers of the runtime handler "ocx", which a
# RuntimeClass names. Pods have the host's network, so no CNI plugin is needed.
. "$(dirname "$0")/testing.sh"
needs containerd ctr protoc pgrep
/usr/bin/python3 -c 'import grpc' 2>/dev/null || { skip all "python3-grpcio is not installed"; finish; }

. "$here/containerd-daemon.sh"
export CONTAINERD_NAMESPACE=k8s.io

image=localhost/test:latest
forever='trap "exit 3" TERM; while :; do sleep 0.1; done'
own_pids=1 shared_pids=0 # the modes CONTAINER and POD of the pid namespace

set_up() {
  local answers calls
  start_containerd "$(configuration cri | sed "
    s/SystemdCgroup = true/SystemdCgroup = $(uses_systemd && echo true || echo false)/
    /BinaryName/a Root = '$WORK/runc'")
[plugins.'io.containerd.grpc.v1.cri']
restrict_oom_score_adj = true # lower values need CAP_SYS_RESOURCE
sandbox_image = '$image'
[plugins.'io.containerd.grpc.v1.cri'.cni]
conf_dir = '$WORK/cni'
[plugins.'io.containerd.internal.v1.opt']
path = '$WORK/opt'"
  oci_archive "$image" "$WORK/image.oci"
  ctr image import "$WORK/image.oci" >/dev/null
  mkdir "$WORK/logs"
  coproc CRI { /usr/bin/python3 "$here/cri.py" "$CONTAINERD_ADDRESS" 2>"$WORK/cri.log"; }
  # Subshells get no descriptors of a coprocess, but copies.
  exec {calls}>&"${CRI[1]}" {answers}<&"${CRI[0]}"
  to_cri=$calls from_cri=$answers
  wait_until 60 answers_cri || give_up "CRI does not answer" "$WORK/containerd.log"
}

answers_cri() { [ "$(cri Version runtime_name '{}' 2>/dev/null)" = containerd ]; }

# cri METHOD FIELD REQUEST: prints that field of the response.
cri() {
  local status count lines
  echo "$1 $2 ${3//$'\n'/ }" >&"$to_cri"
  read -r -t 90 -u "$from_cri" status count || { echo "no answer from cri.py" >&2; return 2; }
  mapfile -t -n "$count" -u "$from_cri" lines
  [ "$status" = ok ] || { printf '%s\n' "${lines[@]}" >&2; return 1; }
  [ "$2" = - ] || printf '%s\n' "${lines[@]}"
}

# --- requests -----------------------------------------------------------------------------------------------------------

# json_array TEXT...
json_array() {
  local text list=
  for text in "$@"; do
    text=${text//\\/\\\\}
    list="$list,\"${text//\"/\\\"}\""
  done
  echo "[${list#,}]"
}

# namespaces MODE-OF-PIDS [TARGET]
namespaces() { echo "\"namespace_options\":{\"network\":2,\"pid\":$1,\"target_id\":\"${2-}\"}"; }

# pod_settings NAME MODE-OF-PIDS
pod_settings() {
  local cgroup=/$parent
  ! uses_systemd || cgroup=/$parent.slice
  echo "{\"metadata\":{\"name\":\"$1\",\"uid\":\"$1\",\"namespace\":\"default\"},\"log_directory\":\"$WORK/logs\",\"linux\":{
    \"cgroup_parent\":\"$cgroup\",\"sysctls\":{\"kernel.shm_rmid_forced\":\"1\"},\"security_context\":{$(namespaces "$2")}}}"
}

# run_pod NAME MODE-OF-PIDS: its id is $pod.
run_pod() {
  pod_settings=$(pod_settings "$1" "$2") pids=$2
  pod=$(cri RunPodSandbox pod_sandbox_id "{\"config\":$pod_settings,\"runtime_handler\":\"ocx\"}") || fail "run pod $1" "see above"
}

# create NAME SECURITY RESOURCES COMMAND...: prints the id. The two are members of JSON objects, or empty.
create() {
  local name=$1 security=${2:-$(namespaces "$pids")} resources=$3
  shift 3
  cri CreateContainer container_id "{\"pod_sandbox_id\":\"$pod\",\"sandbox_config\":$pod_settings,\"config\":{
    \"metadata\":{\"name\":\"$name\"},\"image\":{\"image\":\"$image\"},\"command\":$(json_array "$@"),\"log_path\":\"$name.log\",
    \"envs\":[{\"key\":\"NAME\",\"value\":\"$name\"}],\"mounts\":[${mounts-}],
    \"linux\":{\"resources\":{$resources},\"security_context\":{$security}}}}"
}

start() { cri StartContainer - "{\"container_id\":\"$1\"}"; }
status() { cri ContainerStatus "status.$2" "{\"container_id\":\"$1\"}"; }
pid() { cri ContainerStatus info.info.pid "{\"container_id\":\"$1\",\"verbose\":true}"; }
stop() { cri StopContainer - "{\"container_id\":\"$1\",\"timeout\":$2}"; }
remove() { cri RemoveContainer - "{\"container_id\":\"$1\"}"; }
remove_pod() {
  cri StopPodSandbox - "{\"pod_sandbox_id\":\"$1\"}" && cri RemovePodSandbox - "{\"pod_sandbox_id\":\"$1\"}"
}

# execute ID FIELD SECONDS COMMAND...
execute() { cri ExecSync "$2" "{\"container_id\":\"$1\",\"timeout\":$3,\"cmd\":$(json_array "${@:4}")}"; }

has_status() { [ "$(status "$1" "$2")" = "$3" ]; }
created=0 running=1 exited=2

# launch NAME SECURITY RESOURCES COMMAND...: its id is $container.
launch() {
  container=$(create "$@") && start "$container" || fail "start $1" "see above"
}

# output_of NAME SECURITY RESOURCES COMMAND...: what it writes until it ends.
output_of() {
  launch "$@"
  wait_until 30 has_status "$container" state $exited || echo "still runs"
  awk '{ sub(/^[^ ]* [^ ]* [^ ]* /, ""); print }' "$WORK/logs/$1.log"
}

# --- cases --------------------------------------------------------------------------------------------------------------

pods() {
  run_pod pods $own_pids
  check "a pod is ready" 0 "$(cri PodSandboxStatus status.state "{\"pod_sandbox_id\":\"$pod\"}")"
  check "its runtime handler" ocx "$(cri PodSandboxStatus status.runtime_handler "{\"pod_sandbox_id\":\"$pod\"}")"
  check "output and environment" "hello o1" "$(output_of o1 "" "" sh -c 'echo hello $NAME')"
  check "stderr" "oops" "$(output_of o2 "" "" sh -c 'echo oops >&2')"
  check "a sysctl of the pod" 1 "$(output_of o3 "" "" cat /proc/sys/kernel/shm_rmid_forced)"
  launch o4 "" "" sh -c 'exit 7'
  passes "a container ends" wait_until 30 has_status "$container" state $exited
  check "exit code" "7 Error" "$(status "$container" exit_code) $(status "$container" reason)"
  remove_pod "$pod"
}

executions() {
  run_pod executions $own_pids
  launch x1 "" "" sh -c "$forever"
  check "a container runs" $running "$(status "$container" state)"
  check "exec: exit code" 5 "$(execute "$container" exit_code 30 sh -c 'exit 5')"
  check "exec: stdout" out "$(execute "$container" stdout 30 sh -c 'echo out; echo err >&2')"
  check "exec: stderr" err "$(execute "$container" stderr 30 sh -c 'echo out; echo err >&2')"
  fails_with "exec: a program missing" 1 'executable file not found in $PATH' execute "$container" exit_code 30 nonexistent
  fails_with "exec: time is up" 1 "DEADLINE_EXCEEDED" execute "$container" exit_code 1 sleep 8643.5
  check "exec: its process is killed" "" "$(pgrep -f 'sleep 8643.5')"
  remove_pod "$pod"
}

resources() {
  run_pod resources $own_pids
  launch r1 "" '"memory_limit_in_bytes":67108864,"cpu_period":100000,"cpu_quota":50000' sh -c "$forever"
  local init=$(pid "$container")
  check "limits" "67108864 50000 100000" "$(cgroup_limit "$init" memory) $(cgroup_limit "$init" cpu)"
  passes "an update" cri UpdateContainerResources - "{\"container_id\":\"$container\",\"linux\":{\"memory_limit_in_bytes\":100663296,
    \"cpu_quota\":70000,\"cpu_period\":100000}}"
  check "new limits" "100663296 70000 100000" "$(cgroup_limit "$init" memory) $(cgroup_limit "$init" cpu)"
  matches "statistics" '^[1-9][0-9]*$' "$(cri ContainerStats stats.memory.working_set_bytes.value "{\"container_id\":\"$container\"}")"
  launch r2 "" '"memory_limit_in_bytes":20971520' \
    sh -c 'sleep 0.5; dd if=/dev/zero of=/dev/null bs=64M count=1; sleep 0.5; exit 9'
  passes "out of memory" wait_until 30 has_status "$container" reason OOMKilled
  wait_until 30 has_status "$container" state $exited
  check "out of memory: exit code" 9 "$(status "$container" exit_code)"
  remove_pod "$pod"
}

security() {
  local seccomp='awk "/^Seccomp:/ { print \$2 }" /proc/self/status'
  run_pod security $own_pids
  check "seccomp RuntimeDefault" 2 "$(output_of s1 "$(namespaces 1),\"seccomp\":{\"profile_type\":0}" "" sh -c "$seccomp")"
  check "seccomp Unconfined" 0 "$(output_of s2 "$(namespaces 1),\"seccomp\":{\"profile_type\":1}" "" sh -c "$seccomp")"
  matches "a read-only root" "Read-only file system" \
    "$(output_of s3 "$(namespaces 1),\"readonly_rootfs\":true" "" touch /file)"
  check "user and groups" "uid=1000 gid=2000 groups=2000,3000" "$(output_of s4 \
    "$(namespaces 1),\"run_as_user\":{\"value\":1000},\"run_as_group\":{\"value\":2000},\"supplemental_groups\":[3000]" "" \
    sh -c 'id | sed "s/([^)]*)//g"')"
  check "no new privileges" 1 "$(output_of s5 "$(namespaces 1),\"no_new_privs\":true" "" \
    awk '/NoNewPrivs/ { print $2 }' /proc/self/status)"
  check "capabilities" "0000000000000000 0000000000000400" "$(output_of s6 \
    "$(namespaces 1),\"capabilities\":{\"drop_capabilities\":[\"ALL\"],\"add_capabilities\":[\"NET_BIND_SERVICE\"]}" "" \
    awk '/CapAmb|CapBnd/ { caps = $2 " " caps } END { $0 = caps; print $1, $2 }' /proc/self/status)"
  check "masked and read-only paths" "0 Read-only file system" "$(output_of s7 \
    "$(namespaces 1),\"masked_paths\":[\"/proc/timer_list\"],\"readonly_paths\":[\"/proc/sys\"]" "" \
    sh -c 'echo $(wc -c </proc/timer_list) $( (echo 1 >/proc/sys/kernel/shm_rmid_forced) 2>&1 | sed "s/.*: //")')"
  remove_pod "$pod"
}

volumes() {
  local mounts="{\"container_path\":\"/mnt\",\"host_path\":\"$WORK/volume\",\"readonly\":true}"
  run_pod volumes $own_pids
  mkdir "$WORK/volume"
  echo content >"$WORK/volume/file"
  check "a read-only volume" "content Read-only file system" \
    "$(output_of v1 "" "" sh -c 'echo $(cat /mnt/file) $(touch /mnt/new 2>&1 | sed "s/.*: //")')"
  remove_pod "$pod"
}

# The kubelet shows this to the user as the state of the container.
start_errors() {
  run_pod start-errors $own_pids
  start_error "a program missing in PATH" e1 nonexistent 'exec: "nonexistent": executable file not found in $PATH'
  start_error "a program missing" e2 /nonexistent 'exec: "/nonexistent": stat /nonexistent: no such file or directory'
  start_error "a program not executable" e3 /etc/passwd "permission denied"
  remove_pod "$pod"
}

# start_error CASE NAME PROGRAM TEXT
start_error() {
  local id
  id=$(create "$2" "" "" "$3")
  fails_with "$1" 1 "$4" start "$id"
  check "$1: status" "$exited 128 StartError" "$(status "$id" state) $(status "$id" exit_code) $(status "$id" reason)"
  matches "$1: message" "exec: \"$3\"" "$(status "$id" message)"
}

stopping() {
  run_pod stopping $own_pids
  launch g1 "" "" sh -c "$forever"
  passes "stop with time to end" stop "$container" 30
  check "its exit code" 3 "$(status "$container" exit_code)"
  launch g2 "" "" sh -c 'trap : TERM; while :; do sleep 0.1; done'
  passes "stop without effect" stop "$container" 1
  check "exit code after the kill" 137 "$(status "$container" exit_code)"
  passes "a stopped container is removed" remove "$container"
  fails_with "and unknown then" 1 "NOT_FOUND" status "$container" state
  remove_pod "$pod"
}

# The pause process is init of all, and what a container leaves behind has to be killed by `kill --all`.
shared_pid_namespace() {
  run_pod shared $shared_pids
  launch p1 "" "" sh -c "sleep 8644.5 & exec sleep 8645.5"
  local first=$container
  matches "containers of a pod see each other" "sleep 86400.*sleep 8645.5" "$(output_of p2 "" "" ps -o args | tr '\n' ' ')"
  stop "$first" 0
  check "what a container leaves behind is killed" "" "$(pgrep -f 'sleep 864[45].5')"
  remove_pod "$pod"
}

target_pid_namespace() {
  run_pod target $own_pids
  launch t1 "" "" sh -c "exec sleep 8646.5"
  matches "a debugging container sees its target" "1 .*sleep 8646.5" "$(output_of t2 "$(namespaces 3 "$container")" "" ps -o pid,args)"
  remove_pod "$pod"
}

restart_of_the_daemon() {
  run_pod restart $own_pids
  launch k1 "" "" sh -c "$forever"
  local before=$(pid "$container")
  kill_containerd
  launch_containerd
  wait_until 60 answers_cri
  check "a pod outlives the daemon" 0 "$(cri PodSandboxStatus status.state "{\"pod_sandbox_id\":\"$pod\"}")"
  check "and its container" "$running $before" "$(status "$container" state) $(pid "$container")"
  check "exec after a restart" 5 "$(execute "$container" exit_code 30 sh -c 'exit 5')"
  passes "a pod is removed with its containers" remove_pod "$pod"
}

set_up
run_topics pods executions resources security volumes start_errors stopping shared_pid_namespace target_pid_namespace \
  restart_of_the_daemon
check_nothing_left "$WORK/runc"
finish
