#include "runtime/seccomp_tree.hpp"

#include <algorithm>
#include <utility>

namespace ocx::runtime {
namespace {

constexpr std::size_t longest_skip = 255;

/// The spans [low, high), and where to divide them.
struct Range {
  std::size_t low, high;
  bool is_leaf() const { return high - low == 1; }
  std::size_t middle() const { return low + (high - low) / 2; }
  Range left() const { return {low, middle()}; }
  Range right() const { return {middle(), high}; }
};

/// Instructions of the tree over a range: one a leaf, one a branch, one more for a branch over a far half.
std::size_t tree_size(Range range) {
  if (range.is_leaf()) return 1;
  const std::size_t left = tree_size(range.left());
  return 1 + (left > longest_skip ? 1 : 0) + left + tree_size(range.right());
}

void emit_leaf(FilterAssembler& out, const Span& span) {
  if (span.jump)
    out.jump(span.target);
  else
    out.return_action(span.action);
}

void emit_range(FilterAssembler& out, const std::vector<Span>& spans, Range range) {
  if (range.is_leaf()) return emit_leaf(out, spans[range.low]);
  const std::uint32_t boundary = spans[range.middle()].first;
  const std::size_t left = tree_size(range.left());
  if (left <= longest_skip) {
    out.skip_if_at_least(boundary, static_cast<std::uint8_t>(left), 0);
    emit_range(out, spans, range.left());
    return emit_range(out, spans, range.right());
  }
  const FilterAssembler::Label right = out.make_label();
  out.skip_if_at_least(boundary, 0, 1);
  out.jump(right);
  emit_range(out, spans, range.left());
  out.place(right);
  emit_range(out, spans, range.right());
}

}  // namespace

FilterAssembler::Label FilterAssembler::make_label() {
  labels_.push_back(0);
  return labels_.size() - 1;
}

void FilterAssembler::place(Label label) {
  labels_[label] = program_.size();
}

void FilterAssembler::emit(std::uint16_t code, std::uint32_t value, std::uint8_t if_true,
                           std::uint8_t if_false) {
  program_.push_back({code, if_true, if_false, value});
}

void FilterAssembler::load(std::uint32_t offset) {
  emit(BPF_LD | BPF_W | BPF_ABS, offset);
}

void FilterAssembler::return_action(std::uint32_t action) {
  emit(BPF_RET | BPF_K, action);
}

void FilterAssembler::jump(Label label) {
  jumps_.push_back({program_.size(), label});
  emit(BPF_JMP | BPF_JA, 0);
}

void FilterAssembler::skip_if_equal(std::uint32_t value, std::uint8_t if_true, std::uint8_t if_false) {
  emit(BPF_JMP | BPF_JEQ | BPF_K, value, if_true, if_false);
}

void FilterAssembler::skip_if_at_least(std::uint32_t value, std::uint8_t if_true, std::uint8_t if_false) {
  emit(BPF_JMP | BPF_JGE | BPF_K, value, if_true, if_false);
}

void FilterAssembler::append(const FilterProgram& program) {
  program_.insert(program_.end(), program.begin(), program.end());
}

FilterProgram FilterAssembler::finish() {
  for (const Jump& jump : jumps_)
    program_[jump.at].k = static_cast<std::uint32_t>(labels_[jump.label] - jump.at - 1);
  return std::move(program_);
}

std::vector<Span> merge_spans(const std::vector<Span>& spans) {
  std::vector<Span> merged;
  for (const Span& span : spans)
    if (merged.empty() || !merged.back().same_treatment(span)) merged.push_back(span);
  return merged;
}

void emit_tree(FilterAssembler& out, const std::vector<Span>& spans) {
  emit_range(out, spans, {0, spans.size()});
}

}  // namespace ocx::runtime
