#include "sys/landlock.hpp"

#include <fcntl.h>

#include <cerrno>

#include "runtime/init_context.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

namespace bits = sys::landlock;

void allow_path(sys::FdRef ruleset, const spec::LandlockRules::Path& rule) {
  const std::string what = "Landlock rule for " + sys::quote(rule.path);
  // The container's root is "/" by now: links lead nowhere else.
  const sys::FdResult object = sys::try_openat(sys::FdRef::cwd(), rule.path, O_PATH | O_CLOEXEC);
  if (!object)
    throw Error::from_errno(what, object.error_number)
        .at(spec::landlock_origin("fs"))
        .hint(object.error_number == ENOENT ? "make it in the image, or take the rule out" : "");
  const bool directory = S_ISDIR(sys::fstat(object.fd).st_mode);
  const std::uint64_t access = directory ? rule.access : rule.access & bits::fs_of_files;
  if (access == 0)
    throw Error(what + " allows nothing: these are rights in directories", ErrorKind::invalid_config)
        .at(spec::landlock_origin("fs"));
  if (int error = sys::try_landlock_allow_path(ruleset, object.fd, access); error != 0)
    throw Error::from_errno(what + ": landlock_add_rule", error).at(spec::landlock_origin("fs"));
}

void allow_port(sys::FdRef ruleset, const spec::LandlockRules::Port& rule) {
  if (int error = sys::try_landlock_allow_port(ruleset, rule.port, rule.access); error != 0)
    throw Error::from_errno("Landlock rule for port " + std::to_string(rule.port) + ": landlock_add_rule",
                            error)
        .at(spec::landlock_origin("tcp"));
}

}  // namespace

void execute(InitContext&, const step::Landlock& step) {
  const sys::UniqueFd ruleset = sys::landlock_create_ruleset(step.rules.handled);
  for (const spec::LandlockRules::Path& rule : step.rules.paths) allow_path(ruleset, rule);
  for (const spec::LandlockRules::Port& rule : step.rules.ports) allow_port(ruleset, rule);
  const int error = sys::try_landlock_restrict_self(ruleset);
  if (error == 0) return;
  Error failure = Error::from_errno("landlock_restrict_self", error);
  if (error == EPERM) failure.hint("set process.noNewPrivileges, or run ocx with CAP_SYS_ADMIN");
  if (error == E2BIG)
    failure.hint("the kernel stacks the rules of at most 16 callers; ocx runs below that many already");
  throw failure;
}

}  // namespace ocx::runtime
