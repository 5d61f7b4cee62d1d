#include "cgroups/device_program.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "cgroups/device_list.hpp"

namespace ocx::cgroups {
namespace {

using Number = std::optional<std::int32_t>;

/// A rule for one type of device.
struct Entry {
  bool allow = false;
  std::int32_t type = 0;    // BPF_DEVCG_DEV_…
  Number major, minor;      // absent: any
  std::int32_t access = 0;  // BPF_DEVCG_ACC_…
};
/// Last rule first: the order in which the program asks.
using Entries = std::vector<Entry>;

constexpr std::int32_t every_access = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD;

std::int32_t access_of(const spec::DeviceRule& rule) {
  return (rule.read ? BPF_DEVCG_ACC_READ : 0) | (rule.write ? BPF_DEVCG_ACC_WRITE : 0) |
         (rule.mknod ? BPF_DEVCG_ACC_MKNOD : 0);
}

/// No device has a larger number (the kernel's dev_t: 12 bits and 20).
bool can_match(const spec::DeviceRule& rule) {
  constexpr std::int64_t largest_major = 0xfff, largest_minor = 0xfffff;
  const auto within = [](const std::optional<std::int64_t>& number, std::int64_t largest) {
    return !number || (*number >= 0 && *number <= largest);
  };
  return within(rule.major, largest_major) && within(rule.minor, largest_minor) && access_of(rule) != 0;
}

Number narrow(const std::optional<std::int64_t>& number) {
  return number ? Number(static_cast<std::int32_t>(*number)) : std::nullopt;
}

Entry entry_of(const spec::DeviceRule& rule, std::int32_t type) {
  return {rule.allow, type, narrow(rule.major), narrow(rule.minor), access_of(rule)};
}

bool covers(const Number& wide, const Number& number) {
  return !wide || wide == number;
}

bool overlaps(const Number& a, const Number& b) {
  return !a || !b || a == b;
}

bool covers(const Entry& wide, const Entry& entry) {
  return wide.type == entry.type && covers(wide.major, entry.major) && covers(wide.minor, entry.minor);
}

bool overlaps(const Entry& a, const Entry& b) {
  return a.type == b.type && overlaps(a.major, b.major) && overlaps(a.minor, b.minor) &&
         (a.access & b.access) != 0;
}

bool same_devices(const Entry& a, const Entry& b) {
  return a.type == b.type && a.major == b.major && a.minor == b.minor;
}

/// Adds the access of `entry` to a later rule for the same devices that says the same, when none between the
/// two says otherwise.
bool merge(Entries& later, const Entry& entry) {
  for (auto other = later.rbegin(); other != later.rend(); ++other) {
    if (other->allow != entry.allow && overlaps(*other, entry)) return false;
    if (other->allow != entry.allow || !same_devices(*other, entry)) continue;
    other->access |= entry.access;
    return true;
  }
  return false;
}

Entries entries_of(std::vector<spec::DeviceRule>::const_reverse_iterator first,
                   std::vector<spec::DeviceRule>::const_reverse_iterator last) {
  Entries entries;
  for (; first != last; ++first) {
    if (!can_match(*first)) continue;
    for (const auto& [letter, type] : {std::pair('b', BPF_DEVCG_DEV_BLOCK), {'c', BPF_DEVCG_DEV_CHAR}}) {
      if (first->type != letter && first->type != 'a') continue;
      const Entry entry = entry_of(*first, static_cast<std::int32_t>(type));
      if (!merge(entries, entry)) entries.push_back(entry);
    }
  }
  return entries;
}

/// Without the rules of which later ones decide everything. The verifier counts on it, too: after a rule that
/// decides everything nothing can be reached, and it refuses such instructions.
Entries without_overruled(const Entries& entries) {
  Entries kept;
  for (const Entry& entry : entries) {
    std::int32_t undecided = entry.access;
    for (const Entry& later : kept)
      if (covers(later, entry)) undecided &= ~later.access;
    if (undecided != 0) kept.push_back(entry);
  }
  return kept;
}

/// True when the rules before, or none of them, decide all of `entry` the same way. `earlier`: first rule
/// first.
bool changes_nothing(const Entries& earlier, bool base, const Entry& entry) {
  for (auto other = earlier.rbegin(); other != earlier.rend(); ++other) {
    if (other->allow != entry.allow && overlaps(*other, entry)) return false;
    const bool whole = (entry.access & ~other->access) == 0;
    if (other->allow == entry.allow && whole && covers(*other, entry)) return true;
  }
  return base == entry.allow;
}

Entries without_idle(const Entries& entries, bool base) {
  Entries kept;
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)
    if (!changes_nothing(kept, base, *entry)) kept.push_back(*entry);
  std::reverse(kept.begin(), kept.end());
  return kept;
}

/// Neighbouring rules that differ only in the minor number, for one comparison of all else.
struct Group {
  bool allow = false;
  Number major;
  std::int32_t access = 0;
  std::vector<std::int32_t> minors;  // empty: any
};

/// Jumps have 16 bits: so many comparisons in one group, and sections that end with the group that makes them
/// longer, stay well within.
constexpr std::size_t largest_group = 4000, largest_section = 8000;
static_assert(largest_section + 2 * largest_group < 32767);

bool fits(const Group& group, const Entry& entry) {
  return entry.minor && !group.minors.empty() && group.minors.size() < largest_group &&
         group.major == entry.major && group.access == entry.access;
}

/// Rules that say the same may change places, so that each may join any group since the last one that says
/// otherwise.
std::vector<Group> groups_of(const Entries& entries, std::int32_t type) {
  std::vector<Group> groups;
  std::ptrdiff_t run = 0;
  for (const Entry& entry : entries) {
    if (entry.type != type) continue;
    if (!groups.empty() && groups.back().allow != entry.allow) run = std::ssize(groups);
    auto group = std::find_if(groups.begin() + run, groups.end(),
                              [&](const Group& candidate) { return fits(candidate, entry); });
    if (group == groups.end())
      group = groups.insert(groups.end(), {entry.allow, entry.major, entry.access, {}});
    if (entry.minor) group->minors.push_back(*entry.minor);
  }
  return groups;
}

/// Writes instructions. The registers: 1 is the context at first, 0 the answer.
class Assembler {
 public:
  static constexpr std::uint8_t result = BPF_REG_0, context = BPF_REG_1, access = BPF_REG_2, type = BPF_REG_3,
                                major = BPF_REG_4, minor = BPF_REG_5;

  std::size_t position() const { return code_.size(); }
  void load(std::uint8_t to, std::size_t offset) {
    emit(BPF_LDX | BPF_MEM | BPF_W, to, context, static_cast<std::int16_t>(offset), 0);
  }
  void copy(std::uint8_t to, std::uint8_t from) { emit(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0); }
  void calculate(std::uint8_t operation, std::uint8_t to, std::int32_t value) {
    emit(static_cast<std::uint8_t>(BPF_ALU64 | BPF_K | operation), to, 0, 0, value);
  }
  /// Returns its position, for land().
  std::size_t jump(std::uint8_t operation, std::uint8_t left = 0, std::int32_t right = 0) {
    emit(static_cast<std::uint8_t>(BPF_JMP | BPF_K | operation), left, 0, 0, right);
    return code_.size() - 1;
  }
  /// Makes these jumps lead to what is written next.
  void land(const std::vector<std::size_t>& jumps) {
    for (const std::size_t jump : jumps) code_[jump].off = static_cast<std::int16_t>(code_.size() - jump - 1);
  }
  void answer(bool allow) {
    calculate(BPF_MOV, result, allow ? 1 : 0);
    emit(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
  }
  std::vector<bpf_insn> take() { return std::move(code_); }

 private:
  void emit(std::uint8_t code, std::uint8_t to, std::uint8_t from, std::int16_t offset, std::int32_t value) {
    bpf_insn instruction{};
    instruction.code = code;
    instruction.dst_reg = to & 0xfU;
    instruction.src_reg = from & 0xfU;
    instruction.off = offset;
    instruction.imm = value;
    code_.push_back(instruction);
  }

  std::vector<bpf_insn> code_;
};

void unpack_request(Assembler& code) {
  code.load(Assembler::access, offsetof(bpf_cgroup_dev_ctx, access_type));
  code.copy(Assembler::type, Assembler::access);
  code.calculate(BPF_AND, Assembler::type, 0xffff);
  code.calculate(BPF_RSH, Assembler::access, 16);
  code.load(Assembler::major, offsetof(bpf_cgroup_dev_ctx, major));
  code.load(Assembler::minor, offsetof(bpf_cgroup_dev_ctx, minor));
}

/// What happens to a request that the group matches: an answer, or on it goes with the bits that are left to
/// judge. Returns the jumps that go on.
std::vector<std::size_t> judge(Assembler& code, const Group& group) {
  std::vector<std::size_t> onward;
  if (group.access != every_access && group.allow) {
    code.calculate(BPF_AND, Assembler::access, ~group.access);
    onward = {code.jump(BPF_JNE, Assembler::access, 0)};
  } else if (group.access != every_access) {
    const std::size_t denied = code.jump(BPF_JSET, Assembler::access, group.access);
    onward = {code.jump(BPF_JA)};
    code.land({denied});
  }
  code.answer(group.allow);
  return onward;
}

void ask(Assembler& code, const Group& group) {
  std::vector<std::size_t> elsewhere, hits;
  if (group.major) elsewhere.push_back(code.jump(BPF_JNE, Assembler::major, *group.major));
  for (std::size_t i = 0; i + 1 < group.minors.size(); ++i)
    hits.push_back(code.jump(BPF_JEQ, Assembler::minor, group.minors[i]));
  if (!group.minors.empty()) elsewhere.push_back(code.jump(BPF_JNE, Assembler::minor, group.minors.back()));
  code.land(hits);
  const std::vector<std::size_t> onward = judge(code, group);
  elsewhere.insert(elsewhere.end(), onward.begin(), onward.end());
  code.land(elsewhere);
}

/// One type's groups, in sections that requests of other types jump over.
void ask_type(Assembler& code, const std::vector<Group>& groups, std::int32_t type) {
  for (std::size_t i = 0; i < groups.size();) {
    const std::size_t begin = code.jump(BPF_JNE, Assembler::type, type);
    while (i < groups.size() && code.position() - begin < largest_section) ask(code, groups[i++]);
    code.land({begin});
  }
}

}  // namespace

std::vector<bpf_insn> device_program(const std::vector<spec::DeviceRule>& rules) {
  // The last rule for everything settles all that came before it.
  const auto reset = std::find_if(rules.rbegin(), rules.rend(), matches_everything);
  const bool base = reset == rules.rend() || reset->allow;
  const Entries entries = without_idle(without_overruled(entries_of(rules.rbegin(), reset)), base);
  Assembler code;
  if (!entries.empty()) unpack_request(code);
  for (const std::int32_t type : {BPF_DEVCG_DEV_CHAR, BPF_DEVCG_DEV_BLOCK})
    ask_type(code, groups_of(entries, type), type);
  code.answer(base);
  return code.take();
}

}  // namespace ocx::cgroups
