#include "seccomp/compile.hpp"

#include <linux/audit.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <map>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "seccomp/syscall_numbers.hpp"

namespace berth::seccomp {
namespace {

using Address = std::size_t;  // an instruction's distance from the end of the program

constexpr std::uint32_t x32_bit = 0x40000000;

// Builds a program from its end to its beginning, because jumps only go forward: what an instruction jumps to exists
// already. The front of the program is the end of `reversed_`.
class Assembler {
 public:
  Address leave_with(Verdict verdict) {
    const auto known = returns_.find(verdict);
    if (known != returns_.end() && in_reach(known->second)) return known->second;
    return returns_[verdict] = append({BPF_RET | BPF_K, 0, 0, verdict});
  }

  /// Loads a word of seccomp_data into the accumulator and goes on.
  Address load(std::size_t offset, Address next) {
    return before(next, {BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)});
  }

  Address mask(std::uint32_t bits, Address next) { return before(next, {BPF_ALU | BPF_AND | BPF_K, 0, 0, bits}); }

  /// `test` is BPF_JEQ, BPF_JGT or BPF_JGE of the accumulator against `value`.
  Address branch(std::uint16_t test, std::uint32_t value, Address yes, Address no) {
    if (yes == no) return yes;
    yes = near(yes);
    no = near(no);
    return append({static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), distance(yes), distance(no), value});
  }

  Program finish(Address entry) {
    if (entry + 1 != reversed_.size()) jump(entry);
    return {reversed_.rbegin(), reversed_.rend()};
  }

 private:
  static constexpr std::size_t reach = 253;  // of the 255 of a conditional jump, two for what `near` may put in between

  [[nodiscard]] bool in_reach(Address target) const { return reversed_.size() - target <= reach; }
  [[nodiscard]] std::uint8_t distance(Address target) const {
    return static_cast<std::uint8_t>(reversed_.size() - target - 1);
  }

  Address append(sock_filter instruction) {
    reversed_.push_back(instruction);
    return reversed_.size() - 1;
  }

  Address jump(Address target) {
    return append({BPF_JMP | BPF_JA, 0, 0, static_cast<std::uint32_t>(reversed_.size() - target - 1)});
  }

  /// The target itself, or something close that has its effect.
  Address near(Address target) {
    if (in_reach(target)) return target;
    const auto& instruction = reversed_[target];
    return instruction.code == (BPF_RET | BPF_K) ? leave_with(instruction.k) : jump(target);
  }

  Address before(Address next, sock_filter instruction) {
    if (next + 1 != reversed_.size()) jump(next);
    return append(instruction);
  }

  Program reversed_;
  std::map<Verdict, Address> returns_;
};

// What is to be done with one call number.
struct Decision {
  std::vector<std::pair<std::vector<Condition>, Verdict>> conditional;
  std::optional<Verdict> otherwise;

  friend bool operator==(const Decision&, const Decision&) = default;
};

struct Range {
  std::uint32_t first = 0;  // up to the next one's first
  Decision decision;
};

struct AbiTraits {
  std::uint32_t audit_arch;
  bool wide;  // arguments of 64 bits
};

AbiTraits traits(Abi abi) {
  switch (abi) {
    case Abi::x86_64: return {AUDIT_ARCH_X86_64, true};
    case Abi::x32: return {AUDIT_ARCH_X86_64, false};
    case Abi::x86: return {AUDIT_ARCH_I386, false};
    case Abi::aarch64: return {AUDIT_ARCH_AARCH64, true};
    case Abi::arm: return {AUDIT_ARCH_ARM, false};
  }
  return {};
}

bool refuses(Verdict verdict) {
  const auto action = verdict & SECCOMP_RET_ACTION_FULL;
  return action != SECCOMP_RET_ALLOW && action != SECCOMP_RET_LOG && action != SECCOMP_RET_TRACE;
}

using Decisions = std::map<std::uint32_t, Decision>;

void add(Decisions& decisions, std::uint32_t number, std::vector<Condition> conditions, Verdict verdict) {
  auto& decision = decisions[number];
  if (!conditions.empty())
    decision.conditional.emplace_back(std::move(conditions), verdict);
  else if (!decision.otherwise)
    decision.otherwise = verdict;
}

bool names_call(const Profile& profile, std::string_view call) {
  return std::ranges::any_of(profile.rules,
                             [&](const Rule& rule) { return std::ranges::find(rule.names, call) != rule.names.end(); });
}

/// A rule holds for the other way to a call too, unless the profile has an opinion of its own on that. Arguments are in
/// memory there: a permission that depends on them is not given, a refusal is for all.
void add_multiplexed(Decisions& decisions, const Profile& profile, Abi abi, const Rule& rule, const std::string& name) {
  const auto other = find_multiplexed(abi, name);
  if (!other || names_call(profile, other->call)) return;
  if (!rule.conditions.empty() && !refuses(rule.verdict)) return;
  const auto number = find_number(abi, other->call);
  add(decisions, number.value(), {{.value = other->operation, .lower_half = true}}, rule.verdict);
}

Decisions decide(const Profile& profile, Abi abi) {
  Decisions decisions;
  for (const auto& rule : profile.rules) {
    for (const auto& name : rule.names) {
      if (const auto number = find_number(abi, name)) add(decisions, *number, rule.conditions, rule.verdict);
      add_multiplexed(decisions, profile, abi, rule, name);
    }
  }
  // A condition that leads where the call goes anyway only costs instructions.
  for (auto& [number, decision] : decisions) {
    const auto rest = decision.otherwise.value_or(profile.default_verdict);
    while (!decision.conditional.empty() && decision.conditional.back().second == rest) decision.conditional.pop_back();
    decision.otherwise = rest;
  }
  return decisions;
}

/// All numbers from 0 up, neighbours with the same decision merged.
std::vector<Range> ranges_of(const Profile& profile, Abi abi) {
  const auto decisions = decide(profile, abi);
  const Decision by_default{{}, profile.default_verdict};
  std::vector<Range> ranges{{0, by_default}};
  auto put = [&](std::uint32_t first, const Decision& decision) {
    if (ranges.back().first == first)
      ranges.back().decision = decision;
    else if (ranges.back().decision != decision)
      ranges.push_back({first, decision});
  };
  // Arm's private calls lie far above; they do not tell which calls are newer than the profile.
  constexpr std::uint32_t private_calls = 0xf0000;
  std::uint32_t next = 0;
  auto end_of_ordinary = [&] {
    if (next != 0 && refuses(profile.default_verdict))
      put(next, {{}, fail_with(ENOSYS)});
    else
      put(next, by_default);
  };
  bool ordinary = true;
  for (const auto& [number, decision] : decisions) {
    if (ordinary && (number & ~x32_bit) >= private_calls) {
      end_of_ordinary();
      ordinary = false;
    } else if (number != next) {
      put(next, by_default);
    }
    put(number, decision);
    next = number + 1;
  }
  if (ordinary)
    end_of_ordinary();
  else
    put(next, by_default);
  return ranges;
}

constexpr std::size_t low_word(std::uint32_t index) {
  return offsetof(seccomp_data, args) + index * sizeof(std::uint64_t);
}

/// Two words compared as one number: the upper one decides unless it is equal.
Address ordered(Assembler& code, const Condition& condition, bool wide, Address yes, Address no) {
  const auto low = static_cast<std::uint32_t>(condition.value);
  const auto high = static_cast<std::uint32_t>(condition.value >> 32U);
  const bool upward = condition.compare == Compare::greater || condition.compare == Compare::greater_or_equal;
  const bool strict = condition.compare == Compare::greater || condition.compare == Compare::less_or_equal;
  const auto above = upward ? yes : no;
  const auto below = upward ? no : yes;
  auto entry = code.load(low_word(condition.index), code.branch(strict ? BPF_JGT : BPF_JGE, low, above, below));
  if (!wide) return entry;
  entry = code.branch(BPF_JEQ, high, entry, below);
  entry = code.branch(BPF_JGT, high, above, entry);
  return code.load(low_word(condition.index) + 4, entry);
}

Address equal(Assembler& code, const Condition& condition, bool wide, Address yes, Address no) {
  const bool masked = condition.compare == Compare::masked_equal;
  const auto wanted = masked ? condition.value_two : condition.value;
  const auto mask = masked ? condition.value : ~std::uint64_t{0};
  if (condition.compare == Compare::not_equal) std::swap(yes, no);
  auto word = [&](std::size_t offset, unsigned shift, Address then) {
    const auto bits = static_cast<std::uint32_t>(mask >> shift);
    const auto value = static_cast<std::uint32_t>(wanted >> shift);
    if (bits == 0 && value == 0) return then;
    auto entry = code.branch(BPF_JEQ, value, then, no);
    if (bits != ~std::uint32_t{0}) entry = code.mask(bits, entry);
    return code.load(offset, entry);
  };
  const auto entry = word(low_word(condition.index), 0, yes);
  return wide ? word(low_word(condition.index) + 4, 32, entry) : entry;
}

Address test(Assembler& code, const Condition& condition, bool wide, Address yes, Address no) {
  const bool both_words = wide && !condition.lower_half;
  switch (condition.compare) {
    case Compare::equal:
    case Compare::not_equal:
    case Compare::masked_equal: return equal(code, condition, both_words, yes, no);
    default: return ordered(code, condition, both_words, yes, no);
  }
}

Address emit(Assembler& code, const Decision& decision, bool wide) {
  auto entry = code.leave_with(decision.otherwise.value());
  for (auto option = decision.conditional.rbegin(); option != decision.conditional.rend(); ++option) {
    const auto otherwise = entry;
    entry = code.leave_with(option->second);
    for (auto condition = option->first.rbegin(); condition != option->first.rend(); ++condition) {
      entry = test(code, *condition, wide, entry, otherwise);
    }
  }
  return entry;
}

/// A search tree over ranges[first, last); the accumulator holds the number.
Address search(Assembler& code, const std::vector<Range>& ranges, std::size_t first, std::size_t last, bool wide) {
  if (last - first == 1) return emit(code, ranges[first].decision, wide);
  const auto middle = first + (last - first) / 2;
  const auto right = search(code, ranges, middle, last, wide);
  const auto left = search(code, ranges, first, middle, wide);
  return code.branch(BPF_JGE, ranges[middle].first, right, left);
}

Address search(Assembler& code, const Profile& profile, Abi abi) {
  const auto ranges = ranges_of(profile, abi);
  return search(code, ranges, 0, ranges.size(), traits(abi).wide);
}

}  // namespace

Program compile(const Profile& profile) {
  Assembler code;
  const auto has = [&](Abi abi) { return std::ranges::find(profile.abis, abi) != profile.abis.end(); };
  auto entry = code.leave_with(SECCOMP_RET_KILL_THREAD);
  for (auto abi = profile.abis.rbegin(); abi != profile.abis.rend(); ++abi) {
    if (*abi == Abi::x32) continue;  // shares its architecture with x86_64, and is told by a bit of the number
    const auto others = entry;
    auto tree = search(code, profile, *abi);
    if (*abi == Abi::x86_64) {
      const auto x32 = has(Abi::x32) ? search(code, profile, Abi::x32) : code.leave_with(fail_with(ENOSYS));
      tree = code.branch(BPF_JGE, x32_bit, x32, tree);
    }
    entry = code.branch(BPF_JEQ, traits(*abi).audit_arch, code.load(offsetof(seccomp_data, nr), tree), others);
  }
  auto program = code.finish(code.load(offsetof(seccomp_data, arch), entry));
  if (program.size() > BPF_MAXINSNS) {
    throw Error{Kind::invalid, "the seccomp profile compiles to {} instructions, and the kernel takes {}",
                program.size(), BPF_MAXINSNS};
  }
  return program;
}

}  // namespace berth::seccomp
