// Assembling a seccomp filter: classic BPF with labels, and the search tree that finds a system call's number
// among spans of equal treatment.
#pragma once

#include <linux/filter.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ocx::runtime {

using FilterProgram = std::vector<sock_filter>;

/// Forward jumps of classic BPF reach 255 instructions when they depend on something; one to a label, any
/// distance.
class FilterAssembler {
 public:
  using Label = std::size_t;

  Label make_label();
  /// The label is the next instruction.
  void place(Label label);
  void load(std::uint32_t offset);  // a word of seccomp_data
  void return_action(std::uint32_t action);
  void jump(Label label);
  /// Skips so many instructions: `if_true` when the word loaded is equal, or greater or equal; else
  /// `if_false`.
  void skip_if_equal(std::uint32_t value, std::uint8_t if_true, std::uint8_t if_false);
  void skip_if_at_least(std::uint32_t value, std::uint8_t if_true, std::uint8_t if_false);
  void append(const FilterProgram& program);
  std::size_t size() const { return program_.size(); }
  /// With all jumps resolved; every label has been placed.
  FilterProgram finish();

 private:
  struct Jump {
    std::size_t at;
    Label label;
  };
  void emit(std::uint16_t code, std::uint32_t value, std::uint8_t if_true = 0, std::uint8_t if_false = 0);

  FilterProgram program_;
  std::vector<std::size_t> labels_;
  std::vector<Jump> jumps_;
};

/// System calls from `first` up to the next span: an action, or a place to go on.
struct Span {
  std::uint32_t first = 0;
  bool jump = false;
  std::uint32_t action = 0;
  FilterAssembler::Label target = 0;
  bool same_treatment(const Span& other) const {
    return jump == other.jump && (jump ? target == other.target : action == other.action);
  }
};

/// Spans in order, the first at 0; neighbours of equal treatment become one.
std::vector<Span> merge_spans(const std::vector<Span>& spans);

/// A balanced search tree over merged spans; the number of the call has been loaded.
void emit_tree(FilterAssembler& out, const std::vector<Span>& spans);

}  // namespace ocx::runtime
