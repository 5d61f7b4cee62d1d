#include "runtime/seccomp.hpp"

#include <fcntl.h>

#include "runtime/seccomp_cache.hpp"
#include "runtime/seccomp_compile.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"

namespace ocx::runtime {
namespace {

/// crun's annotation: a name that libseccomp does not know is an error.
bool fails_unknown(const Annotations& annotations) {
  const auto found = annotations.find("run.oci.seccomp_fail_unknown_syscall");
  return found != annotations.end() && found->second != "0";
}

std::string bytes_of(const FilterProgram& program) {
  return {reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter)};
}

/// For exec. The file is the container's own: whatever happens to the cache later, its filter stays.
void keep(sys::FdRef container, const std::string& program) {
  const sys::UniqueFd file =
      sys::openat(container, StateDirectory::seccomp_file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  sys::write_all(file, write_seccomp_file({{}, program}));
}

}  // namespace

std::optional<std::string> cached_seccomp(const StateDirectory& directory, const spec::Seccomp& profile,
                                          const Annotations& annotations) {
  SeccompCache cache(directory.fd());
  std::optional<std::string> program = cache.find(seccomp_key(profile, fails_unknown(annotations)));
  if (program) keep(directory.fd(), *program);
  return program;
}

std::string compile_seccomp(const StateDirectory& directory, const spec::Seccomp& profile,
                            const Annotations& annotations) {
  const bool fail_unknown = fails_unknown(annotations);
  const SeccompFile file{seccomp_key(profile, fail_unknown), bytes_of(compile_filter(profile, fail_unknown))};
  sys::log_debug("seccomp: compiled a filter of " +
                 std::to_string(file.program.size() / sizeof(sock_filter)) + " instructions");
  SeccompCache(directory.fd()).store(file);
  keep(directory.fd(), file.program);
  return file.program;
}

std::string stored_seccomp(const StateDirectory& directory, const std::function<spec::Seccomp()>& profile,
                           const Annotations& annotations) {
  if (auto file = load_seccomp_file(directory.fd(), StateDirectory::seccomp_file))
    return std::move(file->program);
  sys::log_warning("seccomp: the filter kept for the container is missing or damaged, compiling it again");
  return bytes_of(compile_filter(profile(), fails_unknown(annotations)));
}

}  // namespace ocx::runtime
