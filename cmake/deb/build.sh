#!/bin/bash
# build.sh BUILD: makes a Debian package of what was built in BUILD, BUILD/ocx_VERSION_ARCHITECTURE.deb, and prints its path.
#
# The same commit, compiled by the same compiler, makes the same package: its date is $SOURCE_DATE_EPOCH, or that of the
# commit. $DEBFULLNAME and $DEBEMAIL name the maintainer.
set -euo pipefail
export LC_ALL=C.UTF-8
umask 022
build=$(cd "${1:?usage: build.sh BUILD}" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..
work=$build/deb
stage=$work/stage
doc=$stage/usr/share/doc/ocx

die() { echo "deb: $*" >&2; exit 1; }

# What the version is made of: that of the project, and, but for a tag of it, the commit.
project_version=$(sed -n 's/^CMAKE_PROJECT_VERSION:[^=]*=//p' "$build/CMakeCache.txt")
commit=$(git -C "$top" rev-parse --short=12 HEAD 2>/dev/null || :)
if [ -z "${SOURCE_DATE_EPOCH:-}" ] && [ -n "$commit" ]; then SOURCE_DATE_EPOCH=$(git -C "$top" log -1 --format=%ct); fi
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(stat -c %Y "$top/CMakeLists.txt")}
version=$project_version
if [ -n "$commit" ] && [ "$(git -C "$top" describe --exact-match --tags 2>/dev/null)" != "v$version" ]; then
  version+="~git$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d.%H%M%S).$commit"
fi
maintainer="${DEBFULLNAME:-ocx maintainers} <${DEBEMAIL:-ocx@maintainers.invalid}>"

install_build() {
  DESTDIR=$stage cmake --install "$build" --prefix /usr --strip >"$work/install.log" || die "$(cat "$work/install.log")"
  [ -d "$stage/usr/share/man/man8" ] || die 'there are no man pages: scdoc was missing when BUILD was configured'
  # Where Debian's zsh looks.
  if [ -d "$stage/usr/share/zsh/site-functions" ]; then
    mv "$stage/usr/share/zsh/site-functions" "$stage/usr/share/zsh/vendor-completions"
  fi
}

# The programs have to be below /usr/libexec: /usr/share is for what is the same on each architecture.
install_examples() {
  local examples=$doc/examples programs=$stage/usr/libexec/ocx/examples config
  mkdir -p "$examples" "$programs"/hello/{dev,proc,sys,tmp}
  cp "$build/bundles/hello" "$programs/hello/hello"
  cp "$build/bundles/escape" "$programs/escape"
  for config in "$top"/bundles/*/config.json; do
    tar -C "$top" --exclude=rootfs -c "bundles/$(basename "$(dirname "$config")")" | tar -C "$examples" --no-same-owner -x
  done
  cp "$top/bundles/README.md" "$examples/bundles/"
  ln -s ../../../../../../libexec/ocx/examples/hello "$examples/bundles/hello/rootfs"
  install -m 755 "$here/copy-bundles" "$examples/copy-bundles"
}

# Libraries inside static executables, "PACKAGE" a line: their licenses want to be told, and Built-Using names their sources.
linked_packages() {
  local library
  for library in c stdc++ gcc_eh seccomp cap boost_program_options; do
    dpkg-query -S "$(realpath "$(g++ -print-file-name=lib$library.a)")"
  done | cut -d: -f1
  dpkg-query -S /usr/include/nlohmann/json.hpp | cut -d: -f1
}

install_documents() {
  local package document
  install -m 644 "$here/copyright" "$here/README.Debian" "$doc/"
  mkdir "$doc/linked"
  for package in $linked; do install -m 644 "/usr/share/doc/$package/copyright" "$doc/linked/$package"; done
  for document in annotations conformance deviations engine-contract engines tutorial; do
    [ ! -e "$top/docs/$document.md" ] || install -m 644 "$top/docs/$document.md" "$doc/"
  done
  gzip -9n <"$work/debian/changelog" >"$doc/changelog.gz"
  # Debian Policy, 12.3: text that is not small is compressed.
  find "$doc" -path "$doc/examples" -prune -o -name '*.gz' -prune -o -type f ! -name copyright -size +4k -exec gzip -9n {} +
  install -D -m 644 "$here/lintian-overrides" "$stage/usr/share/lintian/overrides/ocx"
}

write_control() {
  mkdir -p "$work/debian"
  sed "s/@MAINTAINER@/$maintainer/" "$here/control" >"$work/debian/control"
  cat >"$work/debian/changelog" <<EOF
ocx ($version) unstable; urgency=medium

  * Package of commit ${commit:-unknown}.

 -- $maintainer  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
EOF
}

# dpkg's tools, which read ./debian. A static executable needs nothing.
fill_control() {
  local file dynamic=() sources
  while read -r file; do
    ! readelf -d "$file" 2>/dev/null | grep -q '(NEEDED)' || dynamic+=("-e$file")
  done < <(find "$stage/usr" -type f -perm -u+x | sort)
  rm -f debian/substvars
  [ ${#dynamic[@]} -eq 0 ] || dpkg-shlibdeps -Tdebian/substvars "${dynamic[@]}" 2>shlibdeps.log || die "$(cat shlibdeps.log)"
  sources=$(dpkg-query -W -f '${source:Package} (= ${source:Version})\n' $linked | sort -u | paste -sd, | sed 's/,/, /g')
  echo "ocx:BuiltUsing=$sources" >>debian/substvars
  mkdir "$stage/DEBIAN"
  (cd "$stage" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
  dpkg-gencontrol -pocx -P"$stage" -Tdebian/substvars -fdebian/files
}

rm -rf "$work"
mkdir -p "$stage"
linked=$(linked_packages | sort -u)
write_control
install_build
install_examples
install_documents
chmod -R u=rwX,go=rX "$stage"
find "$stage" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
(cd "$work" && fill_control)
package=$build/ocx_${version}_$(dpkg --print-architecture).deb
rm -f "$build"/ocx_*.deb
dpkg-deb --root-owner-group --uniform-compression -Zxz --build "$stage" "$package" >/dev/null
rm -rf "$work"
echo "$package"
