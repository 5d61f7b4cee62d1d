// What decides a compiled filter, as bytes that differ when any of it differs.
#include <seccomp.h>

#include "ocx/version.hpp"
#include "runtime/seccomp_cache.hpp"
#include "runtime/seccomp_library.hpp"

namespace ocx::runtime {
namespace {

// Changes with the compiler: spans, the ENOSYS tail, the order of blocks.
constexpr std::uint64_t program_format = 1;

class KeyWriter {
 public:
  void number(std::uint64_t value) { key_.append(reinterpret_cast<const char*>(&value), sizeof value); }
  void number(std::optional<std::uint32_t> value) {
    number(std::uint64_t{value.has_value()});
    number(std::uint64_t{value.value_or(0)});
  }
  void text(std::string_view value) {
    number(value.size());
    key_.append(value);
  }
  void texts(const std::vector<std::string>& values) {
    number(values.size());
    for (const std::string& value : values) text(value);
  }
  std::string finish() { return std::move(key_); }

 private:
  std::string key_;
};

void write_rule(KeyWriter& out, const spec::SeccompSyscalls& rule) {
  out.texts(rule.names);
  out.number(static_cast<std::uint64_t>(rule.action));
  out.number(rule.errno_ret);
  out.number(rule.args.size());
  for (const spec::SeccompArg& arg : rule.args) {
    out.number(std::uint64_t{arg.index});
    out.number(arg.value);
    out.number(arg.value_two);
    out.number(static_cast<std::uint64_t>(arg.op));
  }
}

}  // namespace

std::string seccomp_key(const spec::Seccomp& profile, bool fail_unknown) {
  KeyWriter out;
  out.number(program_format);
  out.text(version);
  out.text(commit);
  out.text(library_version());
  out.number(std::uint64_t{::seccomp_arch_native()});
  out.number(std::uint64_t{fail_unknown});
  out.number(static_cast<std::uint64_t>(profile.default_action));
  out.number(profile.default_errno_ret);
  out.texts(profile.architectures);
  out.number(profile.flags);
  out.number(profile.syscalls.size());
  for (const spec::SeccompSyscalls& rule : profile.syscalls) write_rule(out, rule);
  return out.finish();
}

}  // namespace ocx::runtime
