#include "runtime/seccomp_compile.hpp"

#include <linux/bpf_common.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include <cerrno>
#include <cstddef>
#include <optional>

#include "runtime/seccomp_library.hpp"
#include "runtime/seccomp_rules.hpp"
#include "sys/error.hpp"

namespace ocx::runtime {
namespace {

constexpr std::uint32_t no_such_call = SECCOMP_RET_ERRNO | ENOSYS;
constexpr std::uint32_t wrong_architecture = SECCOMP_RET_KILL_THREAD;  // libseccomp's
constexpr std::uint32_t x32_bit = 0x40000000;  // x32 shares the architecture of x86-64, not its numbers
constexpr std::uint32_t no_call = 0xffffffff;

bool has_tail(spec::SeccompAction default_action) {
  using Action = spec::SeccompAction;
  return default_action != Action::allow && default_action != Action::log && default_action != Action::trace;
}

/// The program under way.
class Compiler {
 public:
  explicit Compiler(const spec::Seccomp& profile)
      : profile_(profile),
        default_action_(filter_action(profile.default_action, profile.default_errno_ret)) {}

  FilterProgram compile(const std::vector<ArchitectureRules>& architectures) {
    out_.load(offsetof(seccomp_data, arch));
    std::vector<FilterAssembler::Label> blocks;
    for (const ArchitectureRules& rules : architectures)
      if (rules.token != SCMP_ARCH_X32) blocks.push_back(dispatch(rules.token));
    out_.return_action(wrong_architecture);
    std::size_t block = 0;
    for (const ArchitectureRules& rules : architectures)
      if (rules.token != SCMP_ARCH_X32)
        emit_architecture(blocks[block++], rules, x32_of(architectures, rules));
    for (const Fallback& fallback : fallbacks_) {
      out_.place(fallback.label);
      out_.append(library_filter(profile_, fallback.rules->token, fallback.rules->conditional));
    }
    return out_.finish();
  }

 private:
  struct Fallback {
    FilterAssembler::Label label;
    const ArchitectureRules* rules;
  };

  FilterAssembler::Label dispatch(std::uint32_t architecture) {
    const FilterAssembler::Label label = out_.make_label();
    out_.skip_if_equal(architecture, 0, 1);
    out_.jump(label);
    return label;
  }

  static const ArchitectureRules* x32_of(const std::vector<ArchitectureRules>& architectures,
                                         const ArchitectureRules& rules) {
    if (rules.token != SCMP_ARCH_X86_64) return nullptr;
    for (const ArchitectureRules& candidate : architectures)
      if (candidate.token == SCMP_ARCH_X32) return &candidate;
    return nullptr;
  }

  void emit_architecture(FilterAssembler::Label label, const ArchitectureRules& rules,
                         const ArchitectureRules* x32) {
    out_.place(label);
    out_.load(offsetof(seccomp_data, nr));
    std::vector<Span> spans;
    add_spans(spans, 0, rules);
    if (x32 != nullptr) {
      add_spans(spans, x32_bit, *x32);
    } else if (rules.token == SCMP_ARCH_X86_64) {
      const Span last = spans.back();
      spans.push_back({x32_bit, false, wrong_architecture, 0});
      spans.push_back({no_call, last.jump, last.action, last.target});  // a tracer's "skip this call"
    }
    emit_tree(out_, merge_spans(spans));
  }

  /// The numbers from `base` on.
  void add_spans(std::vector<Span>& spans, std::uint32_t base, const ArchitectureRules& rules) {
    const Span undecided = undecided_span(rules);
    std::uint32_t next = base;
    for (const auto& [number, action] : rules.decided) {
      if (number > next) spans.push_back({next, undecided.jump, undecided.action, undecided.target});
      spans.push_back({number, false, action, 0});
      next = number + 1;
    }
    const bool tail = rules.highest && has_tail(profile_.default_action);
    if (!tail || next <= *rules.highest)
      spans.push_back({next, undecided.jump, undecided.action, undecided.target});
    if (tail) spans.push_back({*rules.highest + 1, false, no_such_call, 0});
  }

  Span undecided_span(const ArchitectureRules& rules) {
    if (rules.conditional.empty()) return {0, false, default_action_, 0};
    const FilterAssembler::Label label = out_.make_label();
    fallbacks_.push_back({label, &rules});
    return {0, true, 0, label};
  }

  const spec::Seccomp& profile_;
  std::uint32_t default_action_;
  FilterAssembler out_;
  std::vector<Fallback> fallbacks_;
};

}  // namespace

FilterProgram compile_filter(const spec::Seccomp& profile, bool fail_unknown) {
  FilterProgram program = Compiler(profile).compile(sort_rules(profile, fail_unknown));
  if (program.size() > BPF_MAXINSNS)
    throw Error("the seccomp filter has " + std::to_string(program.size()) +
                    " instructions, the kernel takes " + std::to_string(BPF_MAXINSNS),
                ErrorKind::invalid_config)
        .at("/linux/seccomp/syscalls");
  return program;
}

}  // namespace ocx::runtime
