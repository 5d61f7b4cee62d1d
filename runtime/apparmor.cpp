#include <fcntl.h>

#include <cerrno>

#include "runtime/init_context.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

constexpr const char* own_file = "/attr/apparmor/exec";  // Linux 5.8
constexpr const char* shared_file = "/attr/exec";        // whichever security module came first
constexpr const char* without_profile = "unconfined";    // engines ask for it, AppArmor or not

struct Attempt {
  std::string file;
  int error_number = 0;
  bool opened = false;
};

// Kernels before 5.8 have but the shared file. There no AppArmor answers EINVAL: no other module knows this
// command.
Attempt write_profile(const InitContext& context, const std::string& name) {
  for (const char* file : {own_file, shared_file}) {
    const std::string path = context.proc_self + file;
    const sys::FdResult opened = context.proc.try_open(path, O_WRONLY);
    if (opened) return {path, sys::try_write(opened.fd, "exec " + name), true};
    if (opened.error_number != ENOENT) return {path, opened.error_number, false};
  }
  return {context.proc_self + shared_file, EINVAL, true};  // no security module at all
}

// Podman knows errors of labels by the file in backquotes, but takes any that says "no such file" for a
// missing program: a missing profile is told without errno's words.
Error failure(const std::string& name, const Attempt& attempt) {
  const std::string write = "write `/proc/" + attempt.file + "`";
  const std::string profile = "AppArmor profile " + sys::quote(name);
  if (attempt.opened && attempt.error_number == ENOENT)
    return Error(profile + " is not loaded: " + write).hint("load it: apparmor_parser --replace FILE");
  if (attempt.opened && attempt.error_number == EINVAL)
    return Error(profile + ": AppArmor is not enabled on this host: " + write, ErrorKind::unsupported)
        .hint("leave the profile out, or boot with security=apparmor");
  Error error = Error::from_errno(profile + ": " + write, attempt.error_number);
  if (attempt.error_number == EXDEV) error.hint("something is mounted over that part of /proc");
  if (attempt.error_number == EACCES || attempt.error_number == EPERM)
    error.hint("the profile that confines ocx itself must allow change_profile");
  return error;
}

}  // namespace

void execute(InitContext& context, const step::AppArmorProfile& step) {
  const Attempt attempt = write_profile(context, step.name);
  if (attempt.error_number == 0) return;
  if (attempt.opened && attempt.error_number == EINVAL && step.name == without_profile) return;
  throw failure(step.name, attempt);
}

}  // namespace ocx::runtime
