#include "seccomp/syscall_numbers.hpp"

#include <seccomp.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace berth::seccomp {
namespace {

struct Known {
  std::string_view name;
  std::uint32_t number;
};

// Calls that the packaged libseccomp does not know yet. From 424 on, all architectures share one numbering
// (linux/scripts/syscall.tbl).
constexpr Known recent[] = {
    {"cachestat", 451},         {"fchmodat2", 452},         {"map_shadow_stack", 453}, {"futex_wake", 454},
    {"futex_wait", 455},        {"futex_requeue", 456},     {"statmount", 457},        {"listmount", 458},
    {"lsm_get_self_attr", 459}, {"lsm_set_self_attr", 460}, {"lsm_list_modules", 461}, {"mseal", 462},
    {"setxattrat", 463},        {"getxattrat", 464},        {"listxattrat", 465},      {"removexattrat", 466},
    {"open_tree_attr", 467},    {"file_getattr", 468},      {"file_setattr", 469},
};
constexpr Known recent_x86_64[] = {{"uretprobe", 335}, {"uprobe", 336}};

// On i386 libseccomp answers with pseudo-numbers for calls that also go through socketcall(2) and ipc(2); these are the
// direct ones, most of them of Linux 4.3 and 5.1.
constexpr Known direct_x86[] = {
    {"socket", 359},   {"socketpair", 360}, {"bind", 361},       {"connect", 362},     {"listen", 363},
    {"accept4", 364},  {"getsockopt", 365}, {"setsockopt", 366}, {"getsockname", 367}, {"getpeername", 368},
    {"sendto", 369},   {"sendmsg", 370},    {"recvfrom", 371},   {"recvmsg", 372},     {"shutdown", 373},
    {"recvmmsg", 337}, {"sendmmsg", 345},   {"semget", 393},     {"semctl", 394},      {"shmget", 395},
    {"shmctl", 396},   {"shmat", 397},      {"shmdt", 398},      {"msgget", 399},      {"msgsnd", 400},
    {"msgrcv", 401},   {"msgctl", 402},
};

// What socketcall(2) and ipc(2) of i386 do, by their first argument.
constexpr Known through_socketcall[] = {
    {"socket", 1},      {"bind", 2},        {"connect", 3},    {"listen", 4},      {"accept", 5},
    {"getsockname", 6}, {"getpeername", 7}, {"socketpair", 8}, {"send", 9},        {"recv", 10},
    {"sendto", 11},     {"recvfrom", 12},   {"shutdown", 13},  {"setsockopt", 14}, {"getsockopt", 15},
    {"sendmsg", 16},    {"recvmsg", 17},    {"accept4", 18},   {"recvmmsg", 19},   {"sendmmsg", 20},
};
constexpr Known through_ipc[] = {
    {"semop", 1},   {"semget", 2},  {"semctl", 3}, {"semtimedop", 4}, {"msgsnd", 11}, {"msgrcv", 12},
    {"msgget", 13}, {"msgctl", 14}, {"shmat", 21}, {"shmdt", 22},     {"shmget", 23}, {"shmctl", 24},
};

template <std::size_t Size>
const Known* find(const Known (&table)[Size], std::string_view name) {
  const auto* found = std::ranges::find(table, name, &Known::name);
  return found == std::end(table) ? nullptr : found;
}

std::uint32_t library_arch(Abi abi) {
  switch (abi) {
    case Abi::x86_64: return SCMP_ARCH_X86_64;
    case Abi::x86: return SCMP_ARCH_X86;
    case Abi::x32: return SCMP_ARCH_X32;
    case Abi::aarch64: return SCMP_ARCH_AARCH64;
    case Abi::arm: return SCMP_ARCH_ARM;
  }
  return 0;
}

}  // namespace

std::optional<std::uint32_t> find_number(Abi abi, const std::string& name) {
  constexpr std::uint32_t x32_bit = 0x40000000;
  const auto number = seccomp_syscall_resolve_name_arch(library_arch(abi), name.c_str());
  if (number >= 0) return static_cast<std::uint32_t>(number);
  if (const auto* known = find(recent, name)) return known->number | (abi == Abi::x32 ? x32_bit : 0U);
  if (abi == Abi::x86_64) {
    if (const auto* known = find(recent_x86_64, name)) return known->number;
  }
  if (abi == Abi::x86) {
    if (const auto* known = find(direct_x86, name)) return known->number;
  }
  return std::nullopt;
}

std::optional<Multiplexed> find_multiplexed(Abi abi, const std::string& name) {
  if (abi != Abi::x86) return std::nullopt;
  if (const auto* known = find(through_socketcall, name)) return Multiplexed{"socketcall", known->number};
  if (const auto* known = find(through_ipc, name)) return Multiplexed{"ipc", known->number};
  return std::nullopt;
}

}  // namespace berth::seccomp
