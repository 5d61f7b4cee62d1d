#!/bin/sh
# Installs what a step needs and this machine lacks: cmake/packages.sh build|test|lint|bench|doc|deb|package|schema|engines|bundle-sources|vm ...
# This is the only list of the Debian packages. With nothing missing it is silent and needs neither root nor a network.
# cmake/packages.sh --list GROUP prints a group; those of the test guest are not for this machine: guest, uml, qemu, kernel.
set -eu

build="g++ cmake ninja-build pkg-config nlohmann-json3-dev libseccomp-dev libcap-dev libsystemd-dev libboost-program-options-dev
  libarchive-dev nettle-dev catch2 busybox-static"
test="runc strace procps iproute2 iptables containernetworking-plugins jq uidmap universal-ctags scdoc"
lint="clang libclang-rt-14-dev clang-format clang-tidy universal-ctags"
bench="runc crun strace"
doc="scdoc"
deb="scdoc dpkg-dev"
package="lintian mmdebstrap"
schema="python3-jsonschema"
engines="podman conmon runc catatonit buildah containerd docker.io iptables slirp4netns uidmap busybox-static procps
  python3 python3-grpcio protobuf-compiler"
bundle_sources="busybox-static buildah skopeo debootstrap xz-utils zstd jq attr"
vm="mmdebstrap e2fsprogs kmod"
guest="systemd systemd-sysv dbus dbus-user-session libpam-systemd kmod procps iproute2 uidmap apparmor
  busybox-static runc strace jq criu iptables containernetworking-plugins libcap2 libseccomp2 libarchive13 libboost-program-options1.74.0"
uml="user-mode-linux"
qemu="qemu-system-x86 seabios"
kernel="linux-image-cloud-amd64"

if [ $# -eq 2 ] && [ "$1" = --list ]; then
  case $2 in
    bundle-sources) echo "$bundle_sources" ;;
    build | test | lint | bench | doc | deb | package | schema | engines | vm | guest | uml | qemu | kernel) eval "echo \$$2" ;;
    *) echo "packages.sh: no group \"$2\"" >&2; exit 2 ;;
  esac
  exit
fi

wanted=""
for group in "$@"; do
  case $group in
    build) wanted="$wanted $build" ;;
    test) wanted="$wanted $test" ;;
    lint) wanted="$wanted $lint" ;;
    bench) wanted="$wanted $bench" ;;
    doc) wanted="$wanted $doc" ;;
    deb) wanted="$wanted $deb" ;;
    package) wanted="$wanted $package" ;;
    schema) wanted="$wanted $schema" ;;
    engines) wanted="$wanted $engines" ;;
    bundle-sources) wanted="$wanted $bundle_sources" ;;
    vm) wanted="$wanted $vm" ;;
    *) echo "packages.sh: no group \"$group\": build, test, lint, bench, doc, deb, package, schema, engines, bundle-sources, vm" >&2; exit 2 ;;
  esac
done

# Elsewhere the names differ: CMake reports what it doesn't find.
command -v dpkg-query >/dev/null || exit 0

installed=" $(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null | sed -n 's/^installed //p' | tr '\n' ' ')"
missing=""
for package in $wanted; do
  case "$installed $missing " in
    *" $package "*) ;;
    *) missing="$missing $package" ;;
  esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "These packages are missing, and only root can install them:" >&2
  echo "  apt-get install$missing" >&2
  exit 1
fi

echo "installing:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
# The engines come with services; the tests start their own, and nobody asked for others.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f "$log" $policy' EXIT
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
fi
install="apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 $missing"
# The second try is for a machine whose package lists are absent or older than its mirror.
if ! { $install || { apt-get update -qq && $install; }; } >"$log" 2>&1 </dev/null; then
  cat "$log" >&2
  echo "could not install:$missing" >&2
  exit 1
fi
