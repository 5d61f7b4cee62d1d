#!/bin/sh
# check-layers.sh: the arrows cmd -> runtime -> cgroups -> spec -> sys, and what each layer must not know (docs/testing.md).
# Prints each offending line as FILE:LINE: TEXT: reason.
set -eu
cd "$(dirname "$0")/.."

found=$(mktemp)
trap 'rm -f "$found"' EXIT

# forbid REASON PATTERN FILE...: no line of the files may match the extended regular expression.
forbid() {
  reason=$1
  pattern=$2
  shift 2
  grep -nHE -- "$pattern" "$@" /dev/null 2>/dev/null | sed "s|\$|: $reason|" >>"$found" || :
}

include='^[[:space:]]*#[[:space:]]*include[[:space:]]*'
sources() { for layer in "$@"; do find "$layer" -name '*.[ch]pp'; done; }

# An include points down or stays.
forbid 'sys/ knows only sys/' "$include\"(spec|cgroups|runtime|cmd|tests)/" $(sources sys)
forbid 'spec/ may include only sys/' "$include\"(cgroups|runtime|cmd|tests)/" $(sources spec)
forbid 'cgroups/ may include only spec/ and sys/' "$include\"(runtime|cmd|tests)/" $(sources cgroups)
forbid 'runtime/ must not know cmd/' "$include\"(cmd|tests)/" $(sources runtime)
forbid 'cmd/ must not know tests/' "$include\"tests/" $(sources cmd)
forbid 'includes are written from the top: "sys/fd.hpp"' "$include\"[^/\"]*\"" $(sources sys spec cgroups runtime cmd)

# json.hpp costs three seconds a file.
forbid 'json.hpp belongs into spec/*.cpp, runtime/record.cpp and cmd/ocx-cni/' "$include<nlohmann/json.hpp>" \
  $(sources sys cgroups cmd | grep -v '^cmd/ocx-cni/') $(find spec -name '*.hpp') $(sources runtime | grep -v '^runtime/record\.cpp$')
forbid 'program_options belongs into cmd/' "$include<boost/" $(sources sys spec cgroups runtime)

# Constructors before main, locales and threads have no place in a process that becomes a container.
forbid 'no iostream, locale, regex, threads in the runtime' \
  "$include<(iostream|fstream|sstream|iomanip|locale|regex|thread|future|mutex|condition_variable)>" \
  $(sources sys spec cgroups runtime)
forbid 'library code does not print' '(^|[^_[:alnum:]])(std::)?(printf|puts|perror|cout|cerr)[[:space:]]*(\(|<<)' \
  $(sources sys spec cgroups runtime)
forbid 'NSS does not work in a static executable' \
  '(^|[^_[:alnum:]])(getpwnam|getpwuid|getgrnam|getgrgid|getgrouplist|initgroups|getaddrinfo)(_r)?[[:space:]]*\(' \
  $(sources sys spec cgroups runtime cmd)
forbid 'system calls belong into sys/' \
  '(^|[^_[:alnum:].:>])::(open|openat|close|read|write|mount|umount2|fork|vfork|clone|execve|execv|execvp|unshare|setns|prctl|syscall|ioctl|mkdir|mkdirat|unlink|unlinkat|kill|waitpid|waitid|socket|sendmsg|recvmsg|poll)[[:space:]]*\(' \
  $(sources spec cgroups runtime cmd)

# A file is called what a reader would grep for.
find sys spec cgroups runtime cmd tests \( -iname 'util*' -o -iname 'common*' -o -iname 'helper*' -o -iname 'misc*' \) -type f |
  sed 's|$|: says nothing about what is in it|' >>"$found"
find sys cgroups runtime cmd -iname 'linux.*' -type f | sed 's|$|: everything here is Linux|' >>"$found"

cat "$found"
if [ -s "$found" ]; then
  echo "0 passed, $(wc -l <"$found") failed, 0 skipped"
  exit 1
fi
echo '1 passed, 0 failed, 0 skipped'
