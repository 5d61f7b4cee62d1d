#!/bin/sh
# make-rootfs.sh BUSYBOX ROOTFS...: the smallest root file system with a shell, from one static executable; several of them.
set -eu
busybox=$1
shift

# Beside their places, then renamed: nobody sees half a root file system.
work=$(mktemp -d "$1.new.XXXXXX")
trap 'rm -rf "$work"' EXIT
new=$work/rootfs
mkdir -p "$new/bin" "$new/dev" "$new/etc" "$new/mnt" "$new/proc" "$new/root" "$new/sys" "$new/tmp" "$new/var"
chmod 1777 "$new/tmp"
install -m 755 "$busybox" "$new/bin/busybox"

# Relative links: an absolute one, followed by a program outside the container, would lead into the host's /bin.
for applet in $("$busybox" --list); do
  [ "$applet" = busybox ] || ln -s busybox "$new/bin/$applet"
done

cat >"$new/etc/passwd" <<EOF
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/:/bin/false
user:x:1000:1000:user:/tmp:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false
EOF
cat >"$new/etc/group" <<EOF
root:x:0:
daemon:x:1:
tty:x:5:
user:x:1000:
nogroup:x:65534:
EOF

chmod -R go+rX "$new" # an ordinary user may copy it

for rootfs in "$@"; do
  cp -a "$new" "$work/copy"
  rm -rf "$rootfs"
  mv "$work/copy" "$rootfs"
done
