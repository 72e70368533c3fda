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

void add_to_environment(std::vector<std::string>& environment, const std::vector<std::string>& assignments) {
  for (const auto& assignment : assignments) {
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
}

std::vector<std::string> environment_of(const Config& config, bool tty) {
  std::vector<std::string> environment{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                       "HOSTNAME=" + config.Hostname};
  if (tty) environment.emplace_back("TERM=xterm");
  add_to_environment(environment, config.Env);
  return environment;
}

std::optional<oci::runtime::Box> console_size_of(const std::vector<std::int64_t>& height_and_width) {
  if (height_and_width.size() != 2 || height_and_width[0] <= 0 || height_and_width[1] <= 0) return std::nullopt;
  return oci::runtime::Box{.height = static_cast<std::uint32_t>(height_and_width[0]),
                           .width = static_cast<std::uint32_t>(height_and_width[1])};
}

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
  if (process.terminal) process.consoleSize = console_size_of(host.ConsoleSize);
  process.args = arguments_of(input);
  process.env = environment_of(input.config, input.config.Tty);
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
