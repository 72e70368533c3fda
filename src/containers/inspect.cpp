#include "containers/inspect.hpp"

#include "containers/internal.hpp"
#include "containers/network_mode.hpp"
#include "containers/show.hpp"
#include "containers/show_network.hpp"
#include "containers/spec_parts.hpp"
#include "images/images.hpp"

namespace berth::containers {
namespace {

ShownState shown_state(const State& state) {
  ShownState shown;
  shown.Status = to_string(state.status);
  shown.Running = state.running();
  shown.Paused = state.status == Status::paused;
  shown.Restarting = state.status == Status::restarting;
  shown.OOMKilled = state.oom_killed;
  shown.Dead = state.status == Status::dead;
  shown.Pid = state.pid;
  shown.ExitCode = state.exit_code;
  shown.Error = state.error;
  shown.StartedAt = to_rfc3339(state.started_at);
  shown.FinishedAt = to_rfc3339(state.finished_at);
  shown.Health = state.health;
  return shown;
}

/// With the paths that are hidden by default: Docker shows them too, and they are the machine's, not the record's.
HostConfig shown_host_config(HostConfig host) {
  if (host.Privileged) return host;
  const auto security = parse_security(host);
  host.MaskedPaths = masked_paths_of(host, security, host_facts());
  host.ReadonlyPaths = readonly_paths_of(host, security);
  return host;
}

/// What was asked for the network that the mode names: where clients before 1.44 look for it, and scripts of today.
std::string asked_mac_address(const Definition& definition) {
  const auto& mode = definition.host_config.NetworkMode;
  const auto endpoints = endpoints_of(definition);
  const auto main = endpoints.find(network_of(mode));
  const bool has_address = is_user_defined(mode) || network_of(mode) == default_network;
  return has_address && main != endpoints.end() ? main->second.MacAddress : std::string{};
}

}  // namespace

Inspect Containers::inspect(const std::string& name, bool size) {
  const auto container = impl_->get(name);
  const auto [record, connections] = container->with([](const Record& current, const Container::Live& live) {
    return std::pair{current, live.connections};
  });
  const auto where = impl_->paths(record.id);
  const auto& definition = record.definition;
  Inspect shown;
  shown.Id = record.id;
  shown.Created = to_rfc3339(record.created);
  shown.Path = definition.path;
  shown.Args = definition.args;
  shown.State = shown_state(record.state);
  shown.Image = definition.image_id.to_string();
  const auto network_files = impl_->network_directory(record);
  shown.ResolvConfPath = network_files / "resolv.conf";
  shown.HostnamePath = network_files / "hostname";
  shown.HostsPath = network_files / "hosts";
  // Of the others Docker keeps the place to itself.
  if (const auto& log = definition.host_config.LogConfig_; log.Type == "json-file") {
    shown.LogPath = log_path(where.directory, log);
  }
  shown.Name = "/" + record.name;
  shown.RestartCount = record.state.restart_count;
  shown.Driver = "overlay2";
  shown.Platform = "linux";
  shown.HostConfig = shown_host_config(definition.host_config);
  shown.HostConfig.Links = impl_->shown_links(record);
  shown.Config = definition.config;
  shown.Config.MacAddress = asked_mac_address(definition);
  shown.Mounts = mount_points(definition.host_config);
  shown.NetworkSettings = shown_network_settings(record, connections.get(), impl_->network_ids());
  shown.GraphDriver.Name = "overlay2";
  std::string lower;
  for (const auto& directory : impl_->collaborators.images.lower_directories(definition.image_id)) {
    lower += (lower.empty() ? "" : ":") + directory.native();
  }
  shown.GraphDriver.Data = {{"ID", record.id},
                            {"LowerDir", lower},
                            {"MergedDir", where.directory / "rootfs"},
                            {"UpperDir", where.directory / "upper"},
                            {"WorkDir", where.directory / "work"}};
  std::vector<std::string> execs;
  for (const auto& exec : impl_->execs.of(record.id, false)) execs.push_back(exec->id);
  if (!execs.empty()) shown.ExecIDs = std::move(execs);
  if (size) {
    shown.SizeRw = directory_size(where.directory / "upper");
    shown.SizeRootFs = *shown.SizeRw + image_size(impl_->collaborators.images, definition.image_id);
  }
  return shown;
}

}  // namespace berth::containers
