#!/bin/bash
# package.sh BUILD: the Debian package of BUILD (`make deb`; made now if there is none) is checked by lintian, installed in a clean
# Debian of its own, used there by hand, and removed without a trace. That Debian comes from the mirror that apt knows.
set -u
export LC_ALL=C.UTF-8
build=$(cd "${1:?usage: package.sh BUILD}" && pwd)
top=$(cd "$(dirname "$0")/.." && pwd)
suite=bookworm
work=$(mktemp -d /var/tmp/ocx-package.XXXXXX)
root=$work/root
trap 'rm -rf --one-file-system "$work"' EXIT
. "$top/tests/results.sh"

# inside COMMAND...: with that Debian as its root. All its mounts are in a mount namespace of its own, and end with it.
inside() {
  unshare --mount --pid --fork --kill-child --propagation private sh -euc '
    mount --bind "$0" "$0"
    cd "$0"
    mount -t proc proc proc
    mount --rbind /sys sys
    mount --rbind /dev dev
    mount -t tmpfs tmpfs run
    pivot_root . mnt
    umount -l mnt
    exec env -i HOME=/run PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 TERM=dumb DEBIAN_FRONTEND=noninteractive chroot . "$@"' \
    "$root" "$@"
}

# Every file of the Debian inside but what apt, dpkg and man-db keep of their own.
files() {
  find "$root" -xdev -path "$root/var/lib/dpkg" -prune -o -path "$root/var/lib/apt" -prune -o -path "$root/var/log" -prune \
    -o -path "$root/var/cache" -prune -o -path "$root/tmp" -prune -o -printf '%P %y %l\n' | sort
}

make_debian() {
  local mirror
  mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
    awk -v suite="$suite" '$1 == suite { print $2; exit }')
  timeout -k 10 600 mmdebstrap --quiet --mode=root --variant=minbase --skip=cleanup/apt/lists \
    --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Check-Valid-Until "false"' --dpkgopt=force-unsafe-io \
    --include=man-db,bash-completion,zsh,fish,busybox-static "$suite" "$root" "${mirror:-http://deb.debian.org/debian}" \
    >"$work/mmdebstrap" 2>&1 </dev/null
}

test_package() {
  local again
  passes 'lintian finds no error' lintian --allow-root --fail-on error "$package"
  cp "$package" "$work/first.deb"
  again=$("$top/cmake/deb/build.sh" "$build" 2>"$work/output")
  passes 'the same build makes the same package, byte for byte' cmp "$work/first.deb" "$again"
  # What hello needs is static: neither a library nor a package beside those of every Debian, if no helper asks for one.
  shows 'the package names what is linked' 'libseccomp (= ' dpkg-deb -f "$package" Built-Using
}

test_installed() {
  local command
  passes 'its programs find their libraries' inside sh -c '! ldd /usr/sbin/ocx* /usr/libexec/ocx/ocx* 2>&1 | grep "not found"'
  shows 'the commit is told' 'commit: ' inside ocx --version
  shows 'bundles/hello runs' 'Hello from inside a container' \
    inside sh -c 'cd /usr/share/doc/ocx/examples && ocx run -b bundles/hello hello'
  shows 'examples run where they are copied to' lesson inside sh -c \
    '/usr/share/doc/ocx/examples/copy-bundles /tmp/lessons && cd /tmp/lessons && ocx run -b bundles/uts-hostname uts'
  shows 'man ocx-run' 'create, start, wait and delete in one command' inside man ocx-run
  shows 'man ocx-config' 'ociVersion' inside man 5 ocx-config
  for command in $(inside ocx --help | sed -n '/^Usage:/,/^Global options:/s/^  \([a-z][a-z-]*\)  .*/\1/p'); do
    passes "man ocx-$command" inside man -w "ocx-$command"
  done
  shows 'apropos' 'ocx-explain (8)' inside sh -c 'mandb -q && apropos "without running any"'
}

test_completion() {
  shows bash '-F _ocx' inside bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader ocx; complete -p ocx'
  shows zsh _ocx inside zsh -fc 'autoload -Uz compinit; compinit -D -u; print -r -- $_comps[ocx]'
  shows fish stats inside fish -c 'complete -C "ocx sta"'
}

[ "$(id -u)" -eq 0 ] || { skip 'the package: to install it takes root'; finish; }
for tool in lintian mmdebstrap dpkg-shlibdeps; do
  command -v $tool >/dev/null || { skip "the package: no $tool (cmake/packages.sh deb package)"; finish; }
done
package=$(ls "$build"/ocx_*.deb 2>/dev/null) || package=$("$top/cmake/deb/build.sh" "$build") || { fail 'make deb' /dev/null; finish; }
test_package

make_debian || { skip "the package, installed: no clean Debian: $(tail -n 1 "$work/mmdebstrap")"; finish; }
files >"$work/before"
cp "$package" "$root/tmp/ocx.deb"
passes 'apt installs it' inside sh -c 'apt-get install -qq --no-install-recommends /tmp/ocx.deb'
test_installed
test_completion
passes 'apt removes it' inside apt-get purge -qq --auto-remove ocx
files >"$work/after"
passes 'nothing is left' diff "$work/before" "$work/after"
finish
