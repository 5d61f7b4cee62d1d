// Everything else that ocx reads: annotations, the exec document, kept filters, /etc/subuid, netlink. The
// first byte chooses.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "runtime/criu.hpp"
#include "runtime/external_mounts.hpp"
#include "runtime/rootless.hpp"
#include "runtime/seccomp_cache.hpp"
#include "runtime/seccomp_compile.hpp"
#include "runtime/seccomp_interpreter.hpp"
#include "spec/core_scheduling.hpp"
#include "spec/descriptors.hpp"
#include "spec/exec_document.hpp"
#include "spec/idmap_option.hpp"
#include "spec/landlock.hpp"
#include "spec/parse.hpp"
#include "sys/error.hpp"
#include "sys/netlink.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace ocx;
using namespace ocx::fuzz;

void annotations(std::string_view text) {
  for (const char* name : {"fs", "tcp", "scope", "compat"}) {
    const auto rules = spec::parse_landlock({{std::string("org.ocx.landlock.") + name, std::string(text)}});
    if (rules) require(!spec::describe_landlock(spec::fit_landlock(*rules, 3)).empty());
  }
}

void ids(std::string_view text) {
  runtime::login_name(text, 1000);
  for (const auto& range : runtime::parse_subordinate_ids(text, "user", 1000, 1000))
    require(range.count > 0 && std::uint64_t{range.first} + range.count <= 1ULL << 32U);
  runtime::parse_id_map(text);
}

void idmap(std::string_view text) {
  const spec::IdmapOption option = spec::parse_idmap_option(text, "/mounts/0/options/0");
  (void)option;
}

/// What is read back is what was written, and nothing else is taken.
void kept_filter(std::string_view text) {
  const auto file = runtime::parse_seccomp_file(text);
  if (file) require(runtime::write_seccomp_file(*file) == text);
}

/// A profile that is accepted gives a program that answers every call.
void seccomp(std::string_view text) {
  spec::Warnings warnings;
  const std::string document =
      R"({"ociVersion":"1.3.0","root":{"path":"r"},"linux":{"seccomp":)" + std::string(text) + "}}";
  const spec::Config config = spec::parse_config(document, warnings);
  if (!config.linux.seccomp) return;
  const runtime::FilterProgram program = runtime::compile_filter(*config.linux.seccomp, false);
  require(!program.empty() && program.size() <= BPF_MAXINSNS);
  const std::string bytes(reinterpret_cast<const char*>(program.data()), program.size() * sizeof program[0]);
  for (int number = 0; number < 600; number += 7) {
    seccomp_data data{};
    data.nr = number;
    data.arch = AUDIT_ARCH_X86_64;
    runtime::evaluate_filter(bytes, data);
  }
}

void netlink(std::string_view text) {
  for (const auto& message : sys::parse_netlink_messages(text))
    sys::parse_netlink_attributes(message.content, 16);
}

/// What criu says, its logs, and what an image, which comes from anywhere, has beside it.
void criu(std::string_view text) {
  require(runtime::first_criu_error(text).find('\n') == std::string::npos);
  runtime::parse_mount_entries(text);
  try {
    spec::parse_descriptors(text);
  } catch (const Error&) {
  }
  runtime::parse_criu_response(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr void (*parsers[])(std::string_view) = {
      annotations, ids,     idmap, kept_filter,
      seccomp,     netlink, criu,  [](std::string_view text) {
        spec::parse_exec_document(text); }};
  return parse_one(parsers, data, size);
}
