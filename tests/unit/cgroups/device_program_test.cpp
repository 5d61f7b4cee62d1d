#include "cgroups/device_program.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <random>

#include "cgroups/device_list.hpp"
#include "tests/unit/cgroups/device_rules.hpp"

using namespace ocx::cgroups;
using namespace ocx::test;
using ocx::spec::DeviceRule;

namespace {

constexpr unsigned mknod = BPF_DEVCG_ACC_MKNOD, reading = BPF_DEVCG_ACC_READ, writing = BPF_DEVCG_ACC_WRITE;

struct Request {
  char type;
  std::uint32_t major, minor;
  unsigned access;
};

/// The rules read literally: for each bit the last rule that names it and matches decides; else allowed.
bool rules_allow(const std::vector<DeviceRule>& rules, const Request& request) {
  for (const unsigned bit : {mknod, reading, writing}) {
    if ((request.access & bit) == 0) continue;
    bool allow = true;
    for (const DeviceRule& item : rules) {
      const bool named = bit == mknod ? item.mknod : bit == reading ? item.read : item.write;
      if (named && (item.type == 'a' || item.type == request.type) &&
          item.major.value_or(request.major) == request.major &&
          item.minor.value_or(request.minor) == request.minor)
        allow = item.allow;
    }
    if (!allow) return false;
  }
  return true;
}

/// Runs a program as the kernel would, as far as device programs need it; anything else fails the test.
class Machine {
 public:
  explicit Machine(const std::vector<bpf_insn>& code) : code_(code) {}

  bool allows(const Request& request) {
    context_ = {request.access << 16 | (request.type == 'b' ? 1U : 2U), request.major, request.minor};
    registers_ = {};
    for (std::size_t at = 0; at < code_.size(); ++at) {
      const bpf_insn& instruction = code_[at];
      if (instruction.code == (BPF_JMP | BPF_EXIT)) return answer();
      if (BPF_CLASS(instruction.code) == BPF_JMP)
        at += jump_length(instruction);
      else
        calculate(instruction);
    }
    throw std::runtime_error("ran past the end");
  }

 private:
  bool answer() const {
    if (registers_[0] > 1) throw std::runtime_error("an answer must be 0 or 1");
    return registers_[0] == 1;
  }
  std::size_t jump_length(const bpf_insn& instruction) const {
    if (instruction.off < 0) throw std::runtime_error("a jump back");
    const std::uint64_t left = registers_.at(instruction.dst_reg), right = value(instruction);
    bool taken = false;
    switch (instruction.code) {
      case BPF_JMP | BPF_JA:
        taken = true;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        taken = left == right;
        break;
      case BPF_JMP | BPF_JNE | BPF_K:
        taken = left != right;
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        taken = (left & right) != 0;
        break;
      default:
        throw std::runtime_error("unknown jump");
    }
    return taken ? static_cast<std::size_t>(instruction.off) : 0;
  }
  void calculate(const bpf_insn& instruction) {
    std::uint64_t& to = registers_.at(instruction.dst_reg);
    switch (instruction.code) {
      case BPF_LDX | BPF_MEM | BPF_W:
        if (instruction.src_reg != 1 || instruction.off % 4 != 0) throw std::runtime_error("bad load");
        to = context_.at(static_cast<std::size_t>(instruction.off) / 4);
        break;
      case BPF_ALU64 | BPF_MOV | BPF_K:
        to = value(instruction);
        break;
      case BPF_ALU64 | BPF_MOV | BPF_X:
        to = registers_.at(instruction.src_reg);
        break;
      case BPF_ALU64 | BPF_AND | BPF_K:
        to &= value(instruction);
        break;
      case BPF_ALU64 | BPF_RSH | BPF_K:
        to >>= value(instruction);
        break;
      default:
        throw std::runtime_error("unknown instruction");
    }
  }
  static std::uint64_t value(const bpf_insn& instruction) {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(instruction.imm));
  }

  std::vector<bpf_insn> code_;
  std::array<std::uint32_t, 3> context_{};
  std::array<std::uint64_t, 11> registers_{};
};

/// The verifier refuses what no path leads to.
bool all_reachable(const std::vector<bpf_insn>& code) {
  std::vector<bool> reached(code.size() + 1);
  reached[0] = true;
  for (std::size_t at = 0; at < code.size(); ++at) {
    if (!reached[at]) return false;
    const bool jumps = BPF_CLASS(code[at].code) == BPF_JMP && BPF_OP(code[at].code) != BPF_EXIT;
    const std::size_t target = at + 1 + static_cast<std::size_t>(code[at].off);
    if (jumps && target >= code.size()) return false;
    if (jumps) reached[target] = true;
    if (code[at].code != (BPF_JMP | BPF_EXIT) && code[at].code != (BPF_JMP | BPF_JA)) reached[at + 1] = true;
  }
  return !reached[code.size()];
}

std::string text(const std::vector<DeviceRule>& rules) {
  std::string result;
  for (const DeviceRule& item : rules) {
    result += (item.allow ? "+" : "-") + std::string(1, item.type) + " ";
    result += (item.major ? std::to_string(*item.major) : "*") + ":";
    result += (item.minor ? std::to_string(*item.minor) : "*") + " ";
    result += std::string(item.read ? "r" : "") + (item.write ? "w" : "") + (item.mknod ? "m" : "") + "\n";
  }
  return result;
}

/// The first request the program judges otherwise than the rules, or nothing.
std::optional<Request> difference(const std::vector<DeviceRule>& rules, const std::vector<bpf_insn>& code,
                                  const std::vector<std::uint32_t>& numbers) {
  Machine machine(code);
  for (const char type : {'b', 'c'})
    for (const std::uint32_t major : numbers)
      for (const std::uint32_t minor : numbers)
        for (unsigned access = 1; access < 8; ++access) {
          const Request request{type, major, minor, access};
          if (machine.allows(request) != rules_allow(rules, request)) return request;
        }
  return std::nullopt;
}

void check_equal(const std::vector<DeviceRule>& rules, const std::vector<std::uint32_t>& numbers) {
  const std::vector<bpf_insn> code = device_program(rules);
  const std::optional<Request> found = difference(rules, code, numbers);
  const bool reachable = all_reachable(code);
  if (!found && reachable) return;
  INFO(text(rules));
  if (found) {
    CAPTURE(found->type, found->major, found->minor, found->access);
    FAIL_CHECK("the program says otherwise");
  }
  CHECK(reachable);
}

/// Few numbers, so that the rules meet each other.
class RandomRules {
 public:
  explicit RandomRules(unsigned seed) : generator_(seed) {}
  std::vector<DeviceRule> list(unsigned most) {
    std::vector<DeviceRule> rules(below(most + 1));
    for (DeviceRule& item : rules) item = one();
    return rules;
  }

 private:
  unsigned below(unsigned limit) { return static_cast<unsigned>(generator_() % limit); }
  Number number() { return below(3) == 0 ? any : Number(below(3)); }
  DeviceRule one() {
    if (below(12) == 0) return below(2) == 0 ? allow_all : deny_all;
    const unsigned access = below(3) == 0 ? 7 : below(8);
    return {below(2) == 0,     "abcc"[below(4)],  number(),         number(),
            (access & 1) != 0, (access & 2) != 0, (access & 4) != 0};
  }
  std::mt19937 generator_;
};

std::vector<DeviceRule> with_defaults(std::vector<DeviceRule> rules) {
  const auto& defaults = default_device_rules();
  rules.insert(rules.end(), defaults.begin(), defaults.end());
  return rules;
}

}  // namespace

TEST_CASE("a device program says what its rules say", "[cgroups][bpf]") {
  struct Case {
    const char* name;
    std::vector<DeviceRule> rules;
    Request request;
    bool allowed;
  };
  const Case cases[] = {
      {"no rule: all is allowed", {}, {'b', 8, 0, 7}, true},
      {"everything denied", {deny_all}, {'c', 1, 3, reading}, false},
      {"the last rule wins", {deny_all, rule(true, 'c', 1, 3, "rw")}, {'c', 1, 3, reading | writing}, true},
      {"the last rule wins, denying",
       {rule(true, 'c', 1, 3, "rw"), rule(false, 'c', 1, 3, "w")},
       {'c', 1, 3, writing},
       false},
      {"one denied bit denies",
       {deny_all, rule(true, 'c', 1, 3, "r")},
       {'c', 1, 3, reading | writing},
       false},
      {"one allowed bit is allowed", {deny_all, rule(true, 'c', 1, 3, "r")}, {'c', 1, 3, reading}, true},
      {"bits may come from several rules",
       {deny_all, rule(true, 'c', 1, 3, "r"), rule(true, 'c', 1, any, "w")},
       {'c', 1, 3, reading | writing},
       true},
      {"another type", {deny_all, rule(true, 'c', 1, 3, "rwm")}, {'b', 1, 3, reading}, false},
      {"type a with numbers is both types",
       {deny_all, rule(true, 'a', 1, 3, "r")},
       {'b', 1, 3, reading},
       true},
      {"a part of a wildcard taken back, which v1 can't say",
       {deny_all, rule(true, 'b', any, any, "rwm"), rule(false, 'b', 8, 0, "rwm")},
       {'b', 8, 0, reading},
       false},
      {"the rest of it stays",
       {deny_all, rule(true, 'b', any, any, "rwm"), rule(false, 'b', 8, 0, "rwm")},
       {'b', 8, 1, reading},
       true},
      {"the largest device",
       {deny_all, rule(true, 'b', 0xfff, 0xfffff, "r")},
       {'b', 0xfff, 0xfffff, reading},
       true},
      {"numbers beyond any device match none",
       {deny_all, rule(true, 'b', 0x100000001, 3, "r")},
       {'b', 1, 3, reading},
       false},
      {"a negative number matches none",
       {deny_all, rule(true, 'b', -1, 3, "r")},
       {'b', 1, 3, reading},
       false},
  };
  for (const Case& item : cases) {
    INFO(item.name);
    CHECK(Machine(device_program(item.rules)).allows(item.request) == item.allowed);
    CHECK(rules_allow(item.rules, item.request) == item.allowed);
  }
}

TEST_CASE("device programs equal their rules, for thousands of random lists", "[cgroups][bpf]") {
  RandomRules random(1);
  for (int i = 0; i < 2500; ++i) check_equal(random.list(8), {0, 1, 2, 3});
  for (int i = 0; i < 200; ++i) check_equal(random.list(60), {0, 1, 2, 3});
  for (int i = 0; i < 100; ++i) check_equal(with_defaults(random.list(6)), {0, 1, 2, 3, 5, 7, 10, 136, 200});
}

TEST_CASE("pairs of rules are compiled right, all of them", "[cgroups][bpf]") {
  std::vector<DeviceRule> all;
  for (const bool allow : {false, true})
    for (const char type : {'a', 'b', 'c'})
      for (const Number& major : {any, Number(1)})
        for (const Number& minor : {any, Number(1)})
          for (const unsigned access : {0U, 1U, 3U, 6U, 7U})
            all.push_back(
                {allow, type, major, minor, (access & 1) != 0, (access & 2) != 0, (access & 4) != 0});
  for (const DeviceRule& first : all)
    for (const DeviceRule& second : all) check_equal({first, second}, {1, 2});
}

TEST_CASE("the default rules make a short program", "[cgroups][bpf]") {
  const std::vector<DeviceRule> rules = with_defaults({deny_all});
  check_equal(rules, {0, 1, 2, 3, 5, 7, 8, 9, 10, 136, 200, 201});
  const std::size_t size = device_program(rules).size();
  CAPTURE(size);
  CHECK(size <= 50);
}

TEST_CASE("rules that change nothing cost nothing", "[cgroups][bpf]") {
  const auto size = [](const std::vector<DeviceRule>& rules) { return device_program(rules).size(); };
  CHECK(size({}) == 2);
  CHECK(size({deny_all}) == 2);
  CHECK(size(with_defaults({allow_all})) == 2);
  CHECK(size({rule(true, 'c', 1, 3, "r"), deny_all}) == 2);
  CHECK(size({deny_all, rule(false, 'b', 8, any, "rw")}) == 2);
  CHECK(size({deny_all, rule(true, 'c', 1, 3, "")}) == 2);
  CHECK(size({deny_all, rule(true, 'c', 1, 3, "r"), rule(true, 'c', 1, any, "rwm")}) ==
        size({deny_all, rule(true, 'c', 1, any, "rwm")}));
  CHECK(
      size({deny_all, rule(true, 'c', 1, 3, "r"), rule(true, 'b', 8, 0, "r"), rule(true, 'c', 1, 3, "wm")}) ==
      size({deny_all, rule(true, 'b', 8, 0, "r"), rule(true, 'c', 1, 3, "rwm")}));
}

TEST_CASE("long lists are jumped over in sections", "[cgroups][bpf]") {
  std::vector<DeviceRule> rules = {deny_all};
  for (int i = 0; i < 300; ++i) rules.push_back(rule(true, 'c', 1, i, "rw"));
  for (int i = 0; i < 2000; ++i) rules.push_back(rule(true, i % 8 == 0 ? 'b' : 'c', i % 1500, i, "r"));
  const std::vector<bpf_insn> code = device_program(rules);
  CHECK(code.size() > 10000);
  CHECK(all_reachable(code));
  Machine machine(code);
  for (const std::uint32_t i : {0U, 1U, 2U, 298U, 299U, 300U, 1001U, 1499U, 1500U, 1501U, 1999U, 2000U})
    for (const char type : {'b', 'c'})
      for (const std::uint32_t major : {1U, i % 1500U})
        for (unsigned access = 1; access < 8; ++access) {
          const Request request{type, major, i, access};
          CAPTURE(type, major, i, access);
          CHECK(machine.allows(request) == rules_allow(rules, request));
        }
}
