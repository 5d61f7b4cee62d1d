#!/bin/bash
# bundle-sources.sh BUILD: `ocx bundle` of BUILD on what other programs make, and `ocx run` of the bundles: tar archives of each
# compression, image layouts of buildah's, archives of skopeo's, a Debian of debootstrap's. That Debian comes from the mirror that
# apt knows; all else is made here, offline.
set -u
export LC_ALL=C.UTF-8
build=$(cd "${1:?usage: bundle-sources.sh BUILD}" && pwd)
top=$(cd "$(dirname "$0")/.." && pwd)
suite=bookworm
work=$(mktemp -d /var/tmp/ocx-bundle-sources.XXXXXX)
. "$top/tests/results.sh"

# --- what is left behind: nothing -------------------------------------------------------------------------------------

# The libraries of buildah and skopeo remember things for the whole machine.
for place in /var/lib/containers /run/containers /run/libpod; do
  [ -e $place ] || places="${places:-} $place"
done

clean_up() {
  local id
  for id in $(ocx list --quiet); do ocx delete --force "$id"; done
  rm -rf --one-file-system "$work" ${places:-}
}
trap clean_up EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

# --- programs -----------------------------------------------------------------------------------------------------------

ocx() { timeout -k 5 120 "$build/ocx" --root "$work/state" "$@"; }

# vfs mounts nothing.
buildah() {
  timeout -k 5 120 buildah --root "$work/storage" --runroot "$work/storage-run" --storage-driver vfs "$@"
}
skopeo() { timeout -k 5 120 skopeo "$@"; }

# runs NAME TEXT SOURCE [OPTION...] [-- COMMAND...]: a bundle of it, whose program prints the text. The bundle stays in $bundle.
runs() {
  local name=$1 text=$2 source=$3 options=() count
  shift 3
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    options+=("$1")
    shift
  done
  count=$(ls "$work/bundles" | wc -l)
  bundle=$work/bundles/$count
  passes "$name: bundle" ocx bundle "${options[@]}" "$source" "$bundle" "$@"
  prints "$name: run" "$text" ocx run -b "$bundle" "test-$count"
}

# --- sources ------------------------------------------------------------------------------------------------------------

# A root file system with busybox, and one of each kind that has to be kept.
make_rootfs() {
  "$top/bundles/busybox/make-rootfs.sh" /bin/busybox "$rootfs"
  mkdir -p "$rootfs/srv/data" "$rootfs/usr/bin"
  echo 'first' >"$rootfs/srv/first"
  echo 'data' >"$rootfs/srv/data/file"
  chown -R 1000:1000 "$rootfs/srv/data"
  chmod 2750 "$rootfs/srv/data"
  cp /bin/busybox "$rootfs/usr/bin/capable"
  chown 1:2 "$rootfs/usr/bin/capable"
  chmod 4755 "$rootfs/usr/bin/capable"
  ln "$rootfs/srv/first" "$rootfs/srv/hard"
  mkfifo -m 620 "$rootfs/srv/fifo"
  add_attributes "$rootfs/usr/bin/capable" "$rootfs/srv/data"
  printf '#!/bin/sh\necho "$GREETING from $PWD as $(id -u):$(id -g): $*"\n' >"$rootfs/bin/report"
  chmod 755 "$rootfs/bin/report"
  find "$rootfs" -exec touch -h -d '2024-02-29 12:34:56.789' {} +
}

capability=0x0100000200200000000000000000000000000000 # cap_net_raw+ep, as setcap(8) writes it

# add_attributes PROGRAM DIRECTORY
add_attributes() {
  setfattr -n security.capability -v $capability "$1"
  setfattr -n user.note -v 'of a program' "$1"
  setfattr -n user.note -v 'of a directory' "$2"
}

# listing DIRECTORY: all that a copy has to have, one line each.
listing() {
  (
    cd "$1" || exit
    find . -printf '%p %y %m %U:%G %T@ %l\n'
    find . ! -type d -printf '%p has %n links\n'
    find . \( -type b -o -type c \) -exec stat -c '%n is device %t:%T' {} +
    find . -type f -exec sha256sum {} +
    getfattr -R -P -h -d -m '^(user\.|security\.capability$)' -e hex . | awk '/^# file: / { file = $0; next } /=/ { print file, $0 }'
  ) | sort
}

# is_copy NAME DIRECTORY
is_copy() {
  listing "$bundle/rootfs" >"$work/copy"
  passes "$1: owners, modes, times, links, content and attributes" diff "$2" "$work/copy"
}

# --- tests ----------------------------------------------------------------------------------------------------------------

show='stat -c "%u:%g %a" /usr/bin/capable /srv/data; cat /srv/first'
shown=$'1:2 4755\n1000:1000 2750\nfirst'

test_directory() {
  listing "$rootfs" >"$work/original"
  prints 'attributes that are compared' 3 grep -c '^# file: ' "$work/original"
  runs 'a directory' "$shown" "$rootfs" -- sh -c "$show"
  is_copy 'a directory' "$work/original"
}

test_archives() {
  local suffix tar=$work/busybox.tar
  tar --format=posix --xattrs --xattrs-include='*' -C "$rootfs" -cf "$tar" .
  gzip -k "$tar"
  xz -k -0 "$tar"
  zstd -q "$tar"
  for suffix in tar tar.gz tar.xz tar.zst; do
    runs "$suffix" "$shown" "$work/busybox.$suffix" -- sh -c "$show"
    is_copy "$suffix" "$work/original"
  done
}

# An image of one layer, and one on top of it that adds and removes.
make_layout() {
  local box more root
  box=$(buildah from scratch) && root=$(buildah mount "$box") && [ -n "$root" ] || return
  cp -a "$rootfs/." "$root"
  buildah config --env GREETING=hello --env EMPTY= --entrypoint '["/bin/report"]' --cmd 'default words' --user user \
    --workingdir /srv --stop-signal SIGUSR1 --label org.example.made=here "$box"
  buildah commit -q "$box" localhost/box >/dev/null && buildah push -q localhost/box "oci:$layout:box" || return
  more=$(buildah from --pull-never localhost/box) && root=$(buildah mount "$more") && [ -n "$root" ] || return
  rm -r "$root/srv/data" "$root/srv/hard" "$root/usr/bin/capable"
  echo second >"$root/srv/second"
  buildah config --env GREETING=again "$more"
  buildah commit -q "$more" "oci:$layout:more" >/dev/null
}

test_layout() {
  local from='hello from /srv as 1000:1000:'
  runs 'buildah' "$from default words" "$layout" --ref box
  prints 'buildah: the stop signal' SIGUSR1 jq -r '.annotations["org.opencontainers.image.stopSignal"]' "$bundle/config.json"
  prints 'buildah: a label' here jq -r '.annotations["org.example.made"]' "$bundle/config.json"
  prints 'buildah: owner and mode of a program' '1:2 4755' stat -c '%u:%g %a' "$bundle/rootfs/usr/bin/capable"
  prints 'buildah: capabilities of a program' "security.capability=$capability" sh -c \
    'cd "$0" && getfattr -e hex -n security.capability capable | grep =' "$bundle/rootfs/usr/bin"
  runs 'buildah, other words' "$from other" "$layout" --ref box -- other
  runs 'buildah, another entrypoint and user' 'hello 0' "$layout" --ref box --entrypoint sh --user 0 -- -c 'echo $GREETING $(id -u)'
  runs 'buildah, two layers' 'again from /srv as 1000:1000: default words' "$layout" --ref more
  prints 'buildah, two layers: what is there' $'fifo\nfirst\nsecond' ls "$bundle/rootfs/srv"
}

test_copies() {
  local from='hello from /srv as 1000:1000: default words'
  passes 'skopeo to oci:' skopeo copy -q "oci:$layout:box" "oci:$work/copied:box"
  runs 'oci:' "$from" "$work/copied"
  passes 'skopeo to oci:, zstd' skopeo copy -q --dest-compress-format zstd "oci:$layout:box" "oci:$work/zstd:box"
  passes 'skopeo to oci:, zstd: so they are' grep -rqF 'tar+zstd' "$work/zstd/blobs"
  runs 'oci:, zstd' "$from" "$work/zstd"
  passes 'skopeo to oci-archive:' skopeo copy -q "oci:$layout:more" "oci-archive:$work/oci.tar:more"
  runs 'oci-archive:' "${from/hello/again}" "$work/oci.tar"
  passes 'skopeo to docker-archive:' skopeo copy -q "oci:$layout:more" "docker-archive:$work/docker.tar:localhost/box:1.2"
  runs 'docker-archive:' "${from/hello/again}" "$work/docker.tar" --ref localhost/box:1.2
  prints 'docker-archive:: what is there' $'fifo\nfirst\nsecond' ls "$bundle/rootfs/srv"
}

# start_overlay ID: a container on the image that all of them share.
start_overlay() {
  passes "overlay $1: bundle" ocx bundle --overlay --images "$work/images" --entrypoint '' --user 0 "$work/docker.tar" \
    "$work/bundles/$1" -- sleep 1000
  passes "overlay $1: run" ocx run --detach -b "$work/bundles/$1" "$1"
  passes "overlay $1: write" ocx exec "$1" sh -c "echo $1 >/srv/first; echo $1 >/srv/made; rm /srv/second"
}

test_overlay() {
  local id image
  passes 'overlay: an image' ocx bundle --overlay --images "$work/images" "$work/docker.tar" "$work/bundles/zero"
  image=$(find "$work/images" -type d -name rootfs)
  listing "$image" >"$work/original"
  for id in one two; do start_overlay $id; done
  for id in one two; do
    prints "overlay $id: what it wrote, and no other" "$id $id" ocx exec $id sh -c 'echo $(cat /srv/first /srv/made)'
    prints "overlay $id: on its host" "$id" cat "$work/bundles/$id/upper/srv/made"
  done
  prints 'overlay: the host has no mount of it' '' awk -v work="$work" 'index($0, work)' /proc/self/mountinfo
  prints 'overlay: the image is unpacked once' "$image" find "$work/images" -type d -name rootfs
  listing "$image" >"$work/copy"
  passes 'overlay: the image is as it was' diff "$work/original" "$work/copy"
  for id in one two; do passes "overlay $id: delete" ocx delete --force $id; done
}

# In a mount namespace of its own, which takes the mounts of an interrupted debootstrap with it.
make_debian() {
  local mirror
  mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
    awk -v suite="$suite" '$1 == suite { print $2; exit }')
  timeout -k 10 500 unshare --mount --propagation private debootstrap --variant=minbase "$suite" "$work/debian" \
    "${mirror:-http://deb.debian.org/debian}" >"$work/debootstrap" 2>&1 </dev/null
}

test_debian() {
  add_attributes "$work/debian/bin/tar" "$work/debian/srv"
  listing "$work/debian" >"$work/original"
  runs debootstrap $'debian 0\n4755 root\nperl' "$work/debian" -- bash -c \
    '. /etc/os-release; echo $ID $(id -u); stat -c "%a %U" /usr/bin/passwd; perl -e "print q(perl)"'
  is_copy debootstrap "$work/original"
  runs 'debootstrap, a user' 'www-data /' "$work/debian" --user www-data -- sh -c 'echo $(id -un) $PWD'
  runs 'debootstrap, an overlay' 'made' "$work/debian" --overlay --images "$work/images" -- sh -c 'echo made >/made; dpkg --verify; cat /made'
  listing "$work/debian" >"$work/copy"
  passes 'debootstrap: it is as it was' diff "$work/original" "$work/copy"
}

[ "$(id -u)" -eq 0 ] || { skip 'the sources of bundles: owners take root'; finish; }
for tool in /bin/busybox buildah skopeo xz zstd jq setfattr; do
  type -P $tool >/dev/null || { skip "the sources of bundles: no $tool (cmake/packages.sh bundle-sources)"; finish; }
done
[ -x "$build/ocx-bundle" ] || { skip 'the sources of bundles: ocx-bundle is not built'; finish; }
rootfs=$work/rootfs
layout=$work/layout
mkdir "$work/bundles"

make_rootfs
test_directory
test_archives
if make_layout 2>"$work/output"; then
  test_layout
  test_copies
  test_overlay
else
  fail 'buildah makes images' "$work/output"
fi
type -P debootstrap >/dev/null || { skip 'debootstrap: not there (cmake/packages.sh bundle-sources)'; finish; }
make_debian || { skip "debootstrap: no Debian: $(tail -n 1 "$work/debootstrap")"; finish; }
test_debian
finish
