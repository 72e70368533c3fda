// The container's process: program, environment, user's limits.
#include <algorithm>
#include <array>
#include <limits>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "containers/spec_parts.hpp"

namespace berth::containers {
namespace {

std::string_view variable_name(std::string_view assignment) {
  return assignment.substr(0, assignment.find('='));
}

/// Docker's rules: a variable that is there already keeps its place; a name without "=" removes it.
std::vector<std::string> environment_of(const Config& config) {
  std::vector<std::string> environment{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                       "HOSTNAME=" + config.Hostname};
  if (config.Tty) environment.emplace_back("TERM=xterm");
  for (const auto& assignment : config.Env) {
    const auto same = std::ranges::find_if(
        environment, [&](const auto& known) { return variable_name(known) == variable_name(assignment); });
    if (!assignment.contains('=')) {
      if (same != environment.end()) environment.erase(same);
    } else if (same != environment.end()) {
      *same = assignment;
    } else {
      environment.push_back(assignment);
    }
  }
  return environment;
}

std::vector<std::string> arguments_of(const SpecInput& input) {
  if (!wants_init(input.host_config)) return input.args;
  std::vector<std::string> arguments{init_path, "--"};
  arguments.insert(arguments.end(), input.args.begin(), input.args.end());
  return arguments;
}

std::uint64_t limit(std::int64_t value) {
  return value < 0 ? std::numeric_limits<std::uint64_t>::max() : static_cast<std::uint64_t>(value);
}

}  // namespace

std::string rlimit_name(const std::string& name) {
  static constexpr std::array known = {"core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue", "nice",
                                       "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack",    "as"};
  const auto lower = to_lower(name);
  if (std::ranges::find(known, lower) == known.end()) throw Error{Kind::invalid, "invalid ulimit type: {}", name};
  return "RLIMIT_" + to_upper(name);
}

bool wants_init(const HostConfig& host_config) {
  // As in Docker: with the host's processes, somebody else is process 1.
  return host_config.Init.value_or(false) && !is_host(host_config.PidMode);
}

oci::runtime::Process process_of(const SpecInput& input, const Security& security) {
  const auto& host = input.host_config;
  oci::runtime::Process process;
  process.terminal = input.config.Tty;
  if (process.terminal && host.ConsoleSize.size() == 2 && host.ConsoleSize[0] > 0 && host.ConsoleSize[1] > 0) {
    process.consoleSize = {.height = static_cast<std::uint32_t>(host.ConsoleSize[0]),
                           .width = static_cast<std::uint32_t>(host.ConsoleSize[1])};
  }
  process.args = arguments_of(input);
  process.env = environment_of(input.config);
  process.cwd = input.config.WorkingDir.empty() ? "/" : input.config.WorkingDir;
  // The runtime takes effective and permitted ones away when the user turns out not to be root. Never inheritable
  // (CVE-2022-24769): files of the image could pick those up.
  const auto capabilities = capabilities_of(host, input.facts);
  process.capabilities.emplace();
  process.capabilities->bounding = capabilities;
  process.capabilities->effective = capabilities;
  process.capabilities->permitted = capabilities;
  for (const auto& ulimit : host.Ulimits.value_or(std::vector<Ulimit>{})) {
    process.rlimits.push_back(
        {.type = rlimit_name(ulimit.Name), .hard = limit(ulimit.Hard), .soft = limit(ulimit.Soft)});
  }
  process.noNewPrivileges = security.no_new_privileges;
  process.oomScoreAdj = static_cast<int>(host.OomScoreAdj);
  return process;
}

}  // namespace berth::containers
