// Profiles in Docker's JSON notation, and linux.seccomp of an OCI configuration, which is a part of it.
#include <linux/seccomp.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/strings.hpp"
#include "seccomp/profile.hpp"

namespace berth::seccomp {

namespace {

struct ArchMap {
  std::string architecture;
  json::Nullable<std::vector<std::string>> subArchitectures;
};
BOOST_DESCRIBE_STRUCT(ArchMap, (), (architecture, subArchitectures))

struct Filter {
  std::vector<std::string> caps;
  std::vector<std::string> arches;  ///< of Go: "amd64"
  std::string minKernel;            ///< "4.8"
};
BOOST_DESCRIBE_STRUCT(Filter, (), (caps, arches, minKernel))

struct Syscall {
  std::string name;
  std::vector<std::string> names;
  std::string action;
  std::optional<std::uint32_t> errnoRet;
  std::vector<oci::runtime::SeccompArg> args;
  Filter includes;
  Filter excludes;
};
BOOST_DESCRIBE_STRUCT(Syscall, (), (name, names, action, errnoRet, args, includes, excludes))

struct Document {
  std::string defaultAction;
  std::optional<std::uint32_t> defaultErrnoRet;
  std::vector<std::string> architectures;
  std::vector<ArchMap> archMap;
  std::string listenerPath;
  std::vector<Syscall> syscalls;
};
BOOST_DESCRIBE_STRUCT(Document, (), (defaultAction, defaultErrnoRet, architectures, archMap, listenerPath, syscalls))

Verdict parse_action(std::string_view name, std::optional<std::uint32_t> errno_value) {
  if (name == "SCMP_ACT_ALLOW") return SECCOMP_RET_ALLOW;
  if (name == "SCMP_ACT_ERRNO") return fail_with(static_cast<int>(errno_value.value_or(EPERM)));
  if (name == "SCMP_ACT_KILL" || name == "SCMP_ACT_KILL_THREAD") return SECCOMP_RET_KILL_THREAD;
  if (name == "SCMP_ACT_KILL_PROCESS") return SECCOMP_RET_KILL_PROCESS;
  if (name == "SCMP_ACT_TRAP") return SECCOMP_RET_TRAP;
  if (name == "SCMP_ACT_LOG") return SECCOMP_RET_LOG;
  if (name == "SCMP_ACT_TRACE") return SECCOMP_RET_TRACE | (errno_value.value_or(EPERM) & SECCOMP_RET_DATA);
  if (name == "SCMP_ACT_NOTIFY") throw Error{Kind::unsupported, "seccomp action SCMP_ACT_NOTIFY is not there yet"};
  throw Error{Kind::invalid, "unknown seccomp action {}", quote(name)};
}

/// Nothing for an architecture that this machine cannot run anyway.
std::optional<Abi> find_abi(std::string_view name) {
  if (name == "SCMP_ARCH_X86_64") return Abi::x86_64;
  if (name == "SCMP_ARCH_X86") return Abi::x86;
  if (name == "SCMP_ARCH_X32") return Abi::x32;
  if (name == "SCMP_ARCH_AARCH64") return Abi::aarch64;
  if (name == "SCMP_ARCH_ARM") return Abi::arm;
  if (!name.starts_with("SCMP_ARCH_")) throw Error{Kind::invalid, "unknown seccomp architecture {}", quote(name)};
  return std::nullopt;
}

std::string_view go_name(Abi abi) {
  switch (abi) {
    case Abi::x86_64: return "amd64";
    case Abi::x86: return "x86";
    case Abi::x32: return "x32";
    case Abi::aarch64: return "arm64";
    case Abi::arm: return "arm";
  }
  return "";
}

Compare parse_compare(std::string_view name) {
  if (name == "SCMP_CMP_EQ") return Compare::equal;
  if (name == "SCMP_CMP_NE") return Compare::not_equal;
  if (name == "SCMP_CMP_LT") return Compare::less;
  if (name == "SCMP_CMP_LE") return Compare::less_or_equal;
  if (name == "SCMP_CMP_GT") return Compare::greater;
  if (name == "SCMP_CMP_GE") return Compare::greater_or_equal;
  if (name == "SCMP_CMP_MASKED_EQ") return Compare::masked_equal;
  throw Error{Kind::invalid, "unknown seccomp comparison {}", quote(name)};
}

Condition parse_condition(const oci::runtime::SeccompArg& arg) {
  if (arg.index > 5) throw Error{Kind::invalid, "seccomp argument index {} is not one of 0 to 5", arg.index};
  return {
      .index = arg.index, .compare = parse_compare(arg.op), .value = arg.value, .value_two = arg.valueTwo.value_or(0)};
}

void add_rules(std::vector<Rule>& rules, std::vector<std::string> names, Verdict verdict,
               const std::vector<oci::runtime::SeccompArg>& args) {
  std::vector<Condition> conditions;
  std::set<std::uint32_t> indices;
  for (const auto& arg : args) {
    conditions.push_back(parse_condition(arg));
    indices.insert(arg.index);
  }
  if (indices.size() == conditions.size()) {
    rules.push_back({std::move(names), verdict, std::move(conditions)});
    return;
  }
  // Tests of one argument twice are alternatives, as runc has them: all at once they would rarely hold.
  for (const auto& condition : conditions) rules.push_back({names, verdict, {condition}});
}

void add_abi(std::vector<Abi>& abis, std::string_view name) {
  const auto abi = find_abi(name);
  if (abi && std::ranges::find(abis, *abi) == abis.end()) abis.push_back(*abi);
}

bool reaches(const Host& host, std::string_view minimum) {
  const auto parts = split_once(minimum, '.');
  const auto major = parts ? parse_number<int>(parts->first) : std::nullopt;
  const auto minor = parts ? parse_number<int>(parts->second) : std::nullopt;
  if (!major || !minor) throw Error{Kind::invalid, "invalid kernel version {} in seccomp profile", quote(minimum)};
  return std::pair{host.kernel_major, host.kernel_minor} >= std::pair{*major, *minor};
}

bool applies(const Syscall& call, const Host& host, const CapabilitySet& capabilities) {
  auto is_native = [&](const std::string& arch) { return arch == go_name(host.native); };
  auto has = [&](const std::string& capability) { return capabilities.contains(capability); };
  if (std::ranges::any_of(call.excludes.arches, is_native)) return false;
  if (std::ranges::any_of(call.excludes.caps, has)) return false;
  if (!call.excludes.minKernel.empty() && reaches(host, call.excludes.minKernel)) return false;
  if (!call.includes.arches.empty() && std::ranges::none_of(call.includes.arches, is_native)) return false;
  if (!std::ranges::all_of(call.includes.caps, has)) return false;
  return call.includes.minKernel.empty() || reaches(host, call.includes.minKernel);
}

/// The native ABI first, and alone if the profile names none.
std::vector<Abi> native_first(std::vector<Abi> abis, const Host& host) {
  std::erase(abis, host.native);
  if (!host.has_x32) std::erase(abis, Abi::x32);
  abis.insert(abis.begin(), host.native);
  return abis;
}

std::vector<Abi> abis_of(const Document& document, const Host& host) {
  if (!document.architectures.empty() && !document.archMap.empty()) {
    throw Error{
        Kind::invalid,
        "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or "
        "'archMap'"};
  }
  std::vector<Abi> abis;
  for (const auto& name : document.architectures) add_abi(abis, name);
  for (const auto& [architecture, others] : document.archMap) {
    if (find_abi(architecture) != host.native) continue;
    for (const auto& name : others.value_or(std::vector<std::string>{})) add_abi(abis, name);
  }
  return native_first(std::move(abis), host);
}

}  // namespace

Profile parse_docker_profile(std::string_view text, const Host& host, const CapabilitySet& capabilities) {
  Document document;
  try {
    document = json::parse<Document>(text);
  } catch (Error& error) {
    throw error.in("Decoding seccomp profile failed");
  }
  if (!document.listenerPath.empty()) throw Error{Kind::unsupported, "a seccomp listenerPath is not there yet"};
  Profile profile{.default_verdict = parse_action(document.defaultAction, document.defaultErrnoRet),
                  .abis = abis_of(document, host)};
  for (auto& call : document.syscalls) {
    if (!call.name.empty() && !call.names.empty()) {
      throw Error{Kind::invalid,
                  "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'"};
    }
    if (!call.name.empty()) call.names.push_back(call.name);
    const auto verdict = parse_action(call.action, call.errnoRet);
    if (applies(call, host, capabilities)) add_rules(profile.rules, std::move(call.names), verdict, call.args);
  }
  return profile;
}

Profile from_oci(const oci::runtime::Seccomp& seccomp, const Host& host) {
  if (!seccomp.listenerPath.empty()) throw Error{Kind::unsupported, "a seccomp listenerPath is not there yet"};
  Profile profile{.default_verdict = parse_action(seccomp.defaultAction, seccomp.defaultErrnoRet)};
  for (const auto& name : seccomp.architectures) add_abi(profile.abis, name);
  profile.abis = native_first(std::move(profile.abis), host);
  for (const auto& rule : seccomp.syscalls) {
    add_rules(profile.rules, rule.names, parse_action(rule.action, rule.errnoRet), rule.args);
  }
  return profile;
}

}  // namespace berth::seccomp
