#include "base/strings.hpp"
#include "cli/commands.hpp"
#include "cli/container_flags.hpp"
#include "cli/session.hpp"

namespace berth::cli {
namespace {

/// Declares the flags and returns how they fill the body of POST /containers/{id}/update: what is left at 0 or empty
/// there stays as it is.
std::function<json::Object()> declare_limits(Command& command) {
  const std::vector<std::pair<std::string_view, Number>> numbers{
      {"BlkioWeight",
       command.number("--blkio-weight", 0,
                      "Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)", "uint16")},
      {"CpuPeriod", command.number("--cpu-period", 0, "Limit CPU CFS (Completely Fair Scheduler) period")},
      {"CpuQuota", command.number("--cpu-quota", 0, "Limit CPU CFS (Completely Fair Scheduler) quota")},
      {"CpuRealtimePeriod", command.number("--cpu-rt-period", 0, "Limit the CPU real-time period in microseconds")},
      {"CpuRealtimeRuntime", command.number("--cpu-rt-runtime", 0, "Limit the CPU real-time runtime in microseconds")},
      {"CpuShares", command.number("-c,--cpu-shares", 0, "CPU shares (relative weight)")},
      {"Memory", command.bytes("-m,--memory", "Memory limit")},
      {"MemoryReservation", command.bytes("--memory-reservation", "Memory soft limit")},
      {"MemorySwap",
       command.bytes("--memory-swap", "Swap limit equal to memory plus swap: -1 to enable unlimited swap", true)},
      {"PidsLimit", command.number("--pids-limit", 0, "Tune container pids limit (set -1 for unlimited)")}};
  const std::vector<std::pair<std::string_view, Text>> texts{
      {"CpusetCpus", command.text("--cpuset-cpus", "", "CPUs in which to allow execution (0-3, 0,1)")},
      {"CpusetMems", command.text("--cpuset-mems", "", "MEMs in which to allow execution (0-3, 0,1)")}};
  const auto kernel_memory = command.bytes("--kernel-memory", "Kernel memory limit (deprecated)");
  command.hide();
  const auto cpus = command.text("--cpus", "", "Number of CPUs", "decimal", check_cpus);
  return [=] {
    json::Object body;
    for (const auto& [name, number] : numbers) {
      if (*number != 0) body[name] = *number;
    }
    for (const auto& [name, text] : texts) {
      if (!text->empty()) body[name] = *text;
    }
    if (*kernel_memory != 0) body["KernelMemory"] = *kernel_memory;
    if (cpus.given()) body["NanoCpus"] = parse_cpus(*cpus);
    return body;
  };
}

int update(Session& session, const json::Value& body, const std::vector<std::string>& names) {
  std::vector<std::string> warnings;
  std::vector<std::string> failures;
  for (const auto& name : names) {
    try {
      const auto said = session.client.containers().update(name, body);
      warnings.insert(warnings.end(), said.begin(), said.end());
      session.console.print_line(name);
    } catch (const Error& error) {
      failures.push_back(error.message());
    }
  }
  if (!warnings.empty()) session.console.print_line(join(warnings, "\n"));
  if (!failures.empty()) throw Failure{1, join(failures, "\n")};
  return 0;
}

}  // namespace

Command container_update() {
  Command command{"Update configuration of one or more containers"};
  const auto limits = declare_limits(command);
  const auto restart = command.text("--restart", "", "Restart policy to apply when a container exits");
  const auto names = command.arguments("CONTAINER [CONTAINER...]", {.at_least = 1});
  command.run([=, given = command.any_flag()](Session& session) {
    if (!*given) throw Failure{1, "you must provide one or more flags when using this command"};
    auto body = limits();
    if (!restart->empty()) body["RestartPolicy"] = parse_restart_policy(*restart);
    return update(session, json::Value(std::move(body)), *names);
  });
  return command;
}

}  // namespace berth::cli
