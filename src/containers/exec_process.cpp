#include "containers/exec_process.hpp"

#include "base/strings.hpp"
#include "containers/spec_parts.hpp"

namespace berth::containers {

shim::ExecSettings exec_settings(Container& container, const ExecConfig& config, const ExecStart& start,
                                 const fs::path& bundle, const std::vector<std::string>& links) {
  const auto own = json::parse<shim::BundleSettings>(read_file(bundle / shim::settings_file));
  shim::ExecSettings settings;
  settings.process = json::parse<oci::runtime::Spec>(read_file(bundle / shim::config_file)).process.value();
  settings.user = config.User.empty() ? own.user : config.User;
  settings.group_add = own.group_add;
  settings.seccomp_filter = own.seccomp_filter;

  auto& process = settings.process;
  process.args = *config.Cmd;
  process.terminal = config.Tty;
  process.consoleSize.reset();
  if (config.Tty)
    process.consoleSize = console_size_of(start.ConsoleSize.empty() ? config.ConsoleSize : start.ConsoleSize);
  auto of_container = container.record().definition.config;
  of_container.Env.insert(of_container.Env.begin(), links.begin(), links.end());  // the user's own count
  process.env = environment_of(of_container, config.Tty);
  add_to_environment(process.env, config.Env);
  process.cwd = !config.WorkingDir.empty()        ? config.WorkingDir
                : of_container.WorkingDir.empty() ? "/"
                                                  : of_container.WorkingDir;
  if (config.Privileged) {
    const auto& all = host_facts().capabilities;
    process.capabilities.emplace();
    process.capabilities->bounding = process.capabilities->effective = process.capabilities->permitted = all;
  }
  return settings;
}

std::string command_of(const ExecConfig& config) {
  return join(*config.Cmd, " ");
}

Error exec_failure(const Error& error) {
  if (error.message().starts_with("unable to find")) return {Kind::invalid, "{}", error.message()};  // user or group
  return {error.kind() == Kind::internal ? Kind::internal : Kind::invalid,
          "OCI runtime exec failed: exec failed: unable to start container process: {}: unknown", error.message()};
}

}  // namespace berth::containers
