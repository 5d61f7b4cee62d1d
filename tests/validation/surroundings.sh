#!/bin/sh
# surroundings.sh WORK NEEDS COMMAND...: runs COMMAND where it can leave nothing behind, and exits with its status.
#
# It gets mount, pid and cgroup namespaces of its own. In the last, below a cgroup that was made for it in each hierarchy, it sees
# the host's layout of /sys/fs/cgroup, and paths like /cgrouptest are its own. WORK is a directory for this, NEEDS are words:
#
#   net_cls net_prio hugetlb  a controller of version 1 that the host mounts nowhere; the kernel takes it back afterwards. When
#                             it is in use elsewhere the status is 75, with a line "skip: REASON" on standard error
#   capabilities              a user namespace whose root has each capability the kernel knows
#   runtimetest               the archives rootfs-*.tar.gz of the current directory hold its runtimetest, too
set -eu

skip() {
  echo "skip: $*" >&2
  exit 75
}

# host_layout: a line "directory type options" for each hierarchy that is mounted below /sys/fs/cgroup.
host_layout() {
  awk '$5 ~ "^/sys/fs/cgroup" {
    split(substr($0, index($0, " - ") + 3), filesystem, " ")
    if (filesystem[1] !~ /^cgroup2?$/) next
    options = filesystem[3]
    gsub(/(^|,)(rw|ro|nsdelegate|memory_recursiveprot|memory_hugetlb_accounting|favordynmods|xattr|clone_children|release_agent=[^,]*)/, "", options)
    sub(/^,/, "", options)
    if (options ~ /name=/ && options !~ /^none/) options = "none," options
    directory = substr($5, length("/sys/fs/cgroup/") + 1)
    print (directory == "" ? "." : directory), filesystem[1], (options == "" ? "-" : options)
  }' /proc/self/mountinfo
  for controller in $controllers; do
    echo "$controller cgroup $controller"
  done
}

# mount_layout TARGET: mounts what $work/layout names.
mount_layout() {
  while read -r directory type options; do
    [ "$options" != - ] || options=rw
    mkdir -p "$1/$directory"
    mount -t "$type" -o "$options" "$type" "$1/$directory" || skip "$options can't be mounted as version 1"
  done <"$work/layout"
}

# own_cgroup DIRECTORY OPTIONS: the path of the cgroup that is made below the one that this process is in.
own_cgroup() {
  current=$(awk -F: -v wanted="${2#none,}" '($2 == wanted) || ($2 == "" && wanted == "-") { print $3 }' /proc/self/cgroup)
  echo "$work/cgroup/$1${current%/}/ocx-validation-${work##*/}"
}

make_cgroups() {
  while read -r directory type options; do
    own=$(own_cgroup "$directory" "$options")
    mkdir "$own" 2>/dev/null || continue
    echo "$own" >>"$work/own"
    for file in cpuset.cpus cpuset.mems; do
      [ ! -e "$own/$file" ] || [ "$type" = cgroup2 ] || cat "${own%/*}/$file" >"$own/$file"
    done
  done <"$work/layout"
}

# In a subshell: only what it becomes is in the cgroups.
enter() {
  while read -r own; do
    echo 0 >"$own/cgroup.procs"
  done <"$work/own"
  set -- unshare --cgroup --pid --fork --kill-child --mount-proc "$0" --inside "$work" "$@"
  [ "$user_namespace" = no ] || with_all_capabilities "$@"
  exec "$@"
}

# The ids are mapped from outside, and only what is executed after that has the capabilities.
with_all_capabilities() {
  mkfifo "$work/mapped"
  unshare --user sh -c 'read -r _ <"$0" && exec "$@"' "$work/mapped" "$@" &
  exec 3>"$work/mapped" # opens when the other end does, so in the new namespace
  echo 0 0 65536 >/proc/$!/uid_map
  echo 0 0 65536 >/proc/$!/gid_map
  echo mapped >&3
  wait $!
  exit
}

# What the command has left is below its cgroups; its processes ended with the pid namespace.
remove_cgroups() {
  while read -r own; do
    find "$own" -depth -type d -exec rmdir {} \;
  done <"$work/own"
}

# The kernel keeps a hierarchy that was unmounted before it had forgotten the removed cgroups, which it does later and tells
# nobody: mounted and unmounted once more, it goes.
release_controllers() {
  for controller in $controllers; do
    directory=$work/cgroup/$controller
    umount "$directory" || continue
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      grep -Eq "^$controller\s+0\s" /proc/cgroups && break
      sleep 0.1
      mount -t cgroup -o "$controller" cgroup "$directory" && umount "$directory"
    done
  done
}

interrupted() {
  kill -KILL $(head -n 1 "$work/own" | sed 's|$|/cgroup.procs|' | xargs cat) || true
  wait
  remove_cgroups
  release_controllers
  exit 1
}

add_runtimetest() {
  for archive in rootfs-*.tar.gz; do
    gzip -dc "$archive" >"$work/$archive"
    tar --append -f "$work/$archive" runtimetest
    mount --bind "$work/$archive" "$archive"
  done
}

# prepare NEED...: sets $controllers and $user_namespace.
prepare() {
  controllers='' user_namespace=no
  for need in "$@"; do
    case $need in
      capabilities) user_namespace=yes ;;
      runtimetest) add_runtimetest ;;
      *) controllers="$controllers $need" ;;
    esac
  done
}

if [ "$1" = --outside ]; then
  work=$2
  prepare $3
  shift 3
  mkdir "$work/cgroup"
  host_layout >"$work/layout"
  mount -t tmpfs tmpfs "$work/cgroup"
  mount_layout "$work/cgroup"
  : >"$work/own"
  make_cgroups
  trap interrupted INT TERM
  status=0
  (enter "$@") &
  wait $! || status=$?
  remove_cgroups
  release_controllers
  exit "$status"
elif [ "$1" = --inside ]; then
  work=$2
  shift 2
  # In a user namespace the kernel has locked them in place, and they are only covered.
  umount --recursive --lazy "$work/cgroup" /sys/fs/cgroup 2>/dev/null || true
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  mount_layout /sys/fs/cgroup
  # Not exec: orphans, which containers are, have to be reaped by pid 1.
  "$@" &
  wait $!
else
  exec unshare --mount --propagation private "$0" --outside "$@"
fi
