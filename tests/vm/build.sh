#!/bin/bash
# build.sh image|engines|uml|qemu: makes that part of the test guest unless it is in the cache, and prints its directory.
#
#   image   root.ext4, Debian with systemd, the same for both machines
#   engines root.ext4, the same with podman, containerd, Docker and what else tests/engines drives
#   uml     tree/usr/bin/linux.uml and what it needs, modules.ext4
#   qemu    tree/usr/bin/qemu-system-x86_64 and what it needs, vmlinuz, modules.ext4
#
# All of it is Debian packages from the mirrors apt is configured with. The cache is $OCX_VM_CACHE, or ocx-vm below
# $XDG_CACHE_HOME or /var/cache; a part whose recipe has changed is built anew, one unused for two weeks is removed.
# A part that can't be had within $OCX_VM_BUILD_LIMIT seconds (600) gives exit status 125.
set -euo pipefail

suite=bookworm
# The seccomp mode, which is twice as fast as ptrace and works on processors with AVX-512, came with Linux 6.16.
uml_suites='forky sid'
# The release's own QEMU needs 3 to 5 times as long for a fork or exec without KVM.
qemu_suite=bookworm-backports

here=$(cd "$(dirname "$0")" && pwd)
packages=$here/../../cmake/packages.sh
cache=${OCX_VM_CACHE:-${XDG_CACHE_HOME:-/var/cache}/ocx-vm}
limit=${OCX_VM_BUILD_LIMIT:-600}

die() { echo "vm: $*" >&2; exit 125; }
say() { echo "vm: $*" >&2; }

# The repository that apt has for a suite, else the one it has for any suite of Debian's main archive.
mirror() {
  apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
    awk -v suite="$1" '$1 == suite { print $2; found = 1; exit }
                       $2 ~ /\/debian\/?$/ && main == "" { main = $2 }
                       END { if (!found && suite !~ /-security$/) print main }'
}

sources() {
  local name uri
  for name; do
    uri=$(mirror "$name")
    [ -z "$uri" ] || echo "deb $uri $name main"
  done
}

# bootstrap VARIANT DIRECTORY SUITE OPTION...: sources on stdin. A mirror that is a snapshot has old Release files.
bootstrap() {
  local variant=$1 directory=$2 release=$3
  shift 3
  timeout -k 10 "$limit" mmdebstrap --quiet --mode=root --format=directory --variant="$variant" \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Retries "3"' \
    --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
    "$@" "$release" "$directory" - >&2
}

# unpack DIRECTORY GROUP SUITE...: the packages of a group, from the last suite where it has them, with all they need
# and without their maintainer scripts: to be run in a chroot, so that neither this machine's libraries count nor
# anything is installed here.
unpack() {
  local directory=$1 group=$2 link
  shift 2
  sources "$@" | bootstrap extract "$directory" "$1" --aptopt="APT::Default-Release \"${!#}\"" \
    --include="$("$packages" --list "$group" | tr ' ' ',')" || return
  for link in bin sbin lib lib64; do
    [ -e "$directory/$link" ] || [ ! -d "$directory/usr/$link" ] || ln -s "usr/$link" "$directory/$link"
  done
  [ -e "$directory/lib64" ] || ln -s lib/x86_64-linux-gnu "$directory/lib64"
  mkdir -p "$directory"/{proc,dev,tmp,mnt}
}

# ext4 IMAGE DIRECTORY SIZE: no loop device and no mount; without what a file system that is thrown away needs.
ext4() {
  mkfs.ext4 -q -F -O '^has_journal,^metadata_csum' -m 0 -E lazy_itable_init=1,nodiscard,root_owner=0:0 -d "$2" "$1" "$3" >/dev/null
}

# modules IMAGE DIRECTORY: what DIRECTORY/VERSION holds, to be mounted on /usr/lib/modules.
modules() {
  local version=$2/*
  version=$(basename $version)
  mkdir -p "$2/root/lib"
  ln -s ../.. "$2/root/lib/modules"
  depmod -b "$2/root" "$version"
  rm -r "$2/root"
  ext4 "$1" "$2" $(($(du -sm "$2" | cut -f1) * 5 / 4 + 16))M
  rm -rf "$2"
}

# root_image DIRECTORY SIZE GROUP...: root.ext4 with the packages of these groups.
root_image() {
  local root=$1/root size=$2 target=$1/root.ext4 group groups=''
  shift 2
  for group; do groups+=" $("$packages" --list "$group")"; done
  sources $suite $suite-security | bootstrap minbase "$root" $suite --include="$(printf '%s\n' $groups | sort -u | paste -sd,)" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*'
  chroot "$root" useradd --create-home --uid 1000 --shell /bin/bash tester
  cp -r "$here/guest/." "$root/"
  chmod 755 "$root"/usr/local/lib/ocx-vm/* "$root"/usr/local/bin/*
  chroot "$root" systemctl --quiet enable ocx-vm.service
  xargs chroot "$root" systemctl --quiet mask <"$here/masked-units"
  # These come when they are asked for.
  rm "$root/usr/lib/systemd/system/multi-user.target.wants/systemd-logind.service"
  chroot "$root" systemctl --quiet disable apparmor.service
  chroot "$root" systemctl --quiet set-default multi-user.target
  # The tests start daemons of their own.
  rm -f "$root"/etc/systemd/{system,user}/*.wants/{docker,containerd,podman}*
  ext4 "$target" "$root" "$size"
  rm -rf "$root"
}

build_image() { root_image "$1" 3G guest; }
build_engines() { root_image "$1" 5G guest engines; }

build_uml() {
  local release
  for release in $uml_suites; do
    say "fetching user-mode-linux of $release"
    rm -rf "$1/tree"
    unpack "$1/tree" uml "$release" && break
  done
  [ -x "$1/tree/usr/bin/linux.uml" ]
  mkdir "$1/modules"
  mv "$1"/tree/usr/lib/uml/modules/* "$1/modules/"
  modules "$1/modules.ext4" "$1/modules"
}

build_qemu() {
  say "fetching qemu of $qemu_suite and the kernel of $suite"
  unpack "$1/tree" qemu $suite $qemu_suite
  unpack "$1/kernel" kernel $suite
  mv "$1"/kernel/boot/vmlinuz-* "$1/vmlinuz"
  mkdir "$1/modules"
  mv "$1"/kernel/usr/lib/modules/* "$1/modules/" 2>/dev/null || mv "$1"/kernel/lib/modules/* "$1/modules/"
  modules "$1/modules.ext4" "$1/modules"
  rm -rf "$1/kernel"
}

[ $# -eq 1 ] && [[ $1 =~ ^(image|engines|uml|qemu)$ ]] || die "usage: build.sh image|engines|uml|qemu"
[ "$(id -u)" -eq 0 ] || die "only root can build the guest"
[ "$(uname -m)" = x86_64 ] || die "the guest is for x86_64"
command -v apt-get >/dev/null || die "the guest is made from the packages of a Debian host's mirrors"

# recipe PART: all that decides what is in it.
recipe() {
  cat "$here/build.sh"
  case $1 in
    image | engines)
      "$packages" --list guest
      [ "$1" = image ] || "$packages" --list engines
      cd "$here"
      find guest masked-units -type f | sort | xargs tail -n +1
      ;;
    uml) "$packages" --list uml ;;
    qemu) "$packages" --list qemu; "$packages" --list kernel ;;
  esac
}
part=$cache/$1-$(recipe "$1" | sha256sum | cut -c1-16)
mkdir -p "$cache"
exec 9>"$cache/$1.lock"
flock -w "$limit" 9 || die "another build of $1 holds $cache/$1.lock"
if [ ! -d "$part" ]; then
  begin=$SECONDS
  say "building $1 in $cache"
  rm -rf "$part.new"
  mkdir "$part.new"
  # Not "build || die": that would switch off set -e inside.
  give_up() { rm -rf "$part.new"; die "could not make the guest's ${part##*/} of packages from apt's mirrors"; }
  trap give_up EXIT
  "build_$1" "$part.new"
  trap - EXIT
  mv "$part.new" "$part"
  say "built $1 in $((SECONDS - begin)) s, $(du -sm "$part" | cut -f1) MB"
fi
touch "$part"
find "$cache" -maxdepth 1 -name "$1-*" -mtime +14 -exec rm -rf {} +
echo "$part"
