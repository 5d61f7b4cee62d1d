// A seccomp profile becomes a classic BPF program.
//
//   architecture? ── another: kill
//        │
//   a search tree over spans of call numbers ── decided by the number: its action
//        │                                  └── newer than the profile: ENOSYS
//   libseccomp's filter of the rules that look at arguments, or disagree
//
// The tree has a leaf a span, not a call: libseccomp's own (one comparison a call, in time that grows with
// the square of their number) takes forty times as long to compile and six times the instructions.
#pragma once

#include "runtime/seccomp_tree.hpp"
#include "spec/seccomp.hpp"

namespace ocx::runtime {

/// Errors, with their origin: invalid_config (a name unknown to libseccomp, with `fail_unknown`; rules that
/// contradict each other; a program longer than the kernel takes).
///
/// Calls with a higher number than any that the profile mentions on an architecture fail with ENOSYS in place
/// of the default action, unless that lets calls pass (allow, log) or asks a tracer: whoever wrote the
/// profile did not know them, and libraries fall back to older calls on ENOSYS alone.
FilterProgram compile_filter(const spec::Seccomp& profile, bool fail_unknown);

}  // namespace ocx::runtime
