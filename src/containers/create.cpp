// From a request to a created container.
#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "base/undo.hpp"
#include "containers/host_facts.hpp"
#include "containers/internal.hpp"
#include "containers/names.hpp"
#include "containers/network_mode.hpp"
#include "containers/signals.hpp"
#include "containers/spec.hpp"
#include "images/images.hpp"
#include "network/network.hpp"

namespace berth::containers {
namespace {

std::string variable_name(const std::string& assignment) {
  return assignment.substr(0, assignment.find('='));
}

/// The image's variables that the user did not set, before the user's own.
std::vector<std::string> merged_environment(const std::vector<std::string>& image,
                                            const std::vector<std::string>& user) {
  std::vector<std::string> merged = user;
  for (const auto& assignment : image) {
    const bool overridden = std::any_of(user.begin(), user.end(), [&](const std::string& own) {
      return variable_name(own) == variable_name(assignment);
    });
    if (!overridden) merged.push_back(assignment);
  }
  return merged;
}

/// Fills in what the image says and the user did not, as Docker does at create.
void merge_image(Config& config, const oci::RunConfig& image) {
  if (config.User.empty()) config.User = image.User;
  std::vector<std::string> exposed;
  for (const auto& [port, nothing] : image.ExposedPorts) exposed.push_back(port);
  if (!exposed.empty()) config.ExposedPorts.add(std::move(exposed));
  config.Env = merged_environment(image.Env, config.Env);
  for (const auto& [key, value] : image.Labels) config.Labels.emplace(key, value);
  // An entrypoint of the user's own replaces the image's command as well.
  if (!config.Entrypoint || config.Entrypoint->empty()) {
    const bool reset = config.Entrypoint.has_value() && !config.Entrypoint->empty();
    if (!config.Cmd || config.Cmd->empty()) {
      if (!image.Cmd.empty() && !reset) config.Cmd = StringList{static_cast<std::vector<std::string>>(image.Cmd)};
    }
    if (!config.Entrypoint && !image.Entrypoint.empty()) {
      config.Entrypoint = StringList{static_cast<std::vector<std::string>>(image.Entrypoint)};
    }
  } else if (config.Entrypoint->size() == 1 && config.Entrypoint->front().empty()) {
    config.Entrypoint.reset();  // --entrypoint="" clears the image's
  }
  if (config.WorkingDir.empty()) config.WorkingDir = image.WorkingDir;
  if (config.StopSignal.empty()) config.StopSignal = image.StopSignal;
  if (config.Shell.empty()) config.Shell = image.Shell;
  merge_health(config.Healthcheck_, image.Healthcheck);
  if (!image.Volumes.empty()) {
    if (!config.Volumes) config.Volumes.emplace();
    for (const auto& [path, value] : image.Volumes) config.Volumes->emplace(path, value);
  }
}

/// The program and its arguments; throws Docker's "no command specified".
void set_command(Definition& definition) {
  std::vector<std::string> words;
  if (definition.config.Entrypoint) words = *definition.config.Entrypoint;
  if (definition.config.Cmd) words.insert(words.end(), definition.config.Cmd->begin(), definition.config.Cmd->end());
  if (words.empty()) throw Error{Kind::invalid, "no command specified"};
  definition.path = words.front();
  definition.args.assign(words.begin() + 1, words.end());
}

/// What `inspect` shows of choices that the user left to us.
void set_defaults(HostConfig& host, const HostFacts& facts = host_facts()) {
  if (host.ShmSize == 0) host.ShmSize = 64L << 20;
  if (host.IpcMode.empty()) host.IpcMode = "private";
  if (host.CgroupnsMode.empty()) host.CgroupnsMode = "private";
  if (host.Runtime.empty()) host.Runtime = "berth";
  if (host.RestartPolicy_.Name.empty()) host.RestartPolicy_.Name = "no";
  if (host.Memory > 0 && host.MemorySwap == 0) host.MemorySwap = host.Memory * 2;
  if (!facts.has_oom_control) {
    host.OomKillDisable.reset();
  } else if (!host.OomKillDisable) {
    host.OomKillDisable = false;
  }
}

}  // namespace

Endpoints Containers::Impl::with_names(Endpoints endpoints, HostConfig& host_config) {
  auto& networks = collaborators.networks;
  Endpoints named;
  for (auto& [given, config] : endpoints) {
    const auto key = networks.find(given);
    named[key ? key->name : given] = std::move(config);
  }
  auto& mode = host_config.NetworkMode;
  if (!is_user_defined(mode)) return named;
  if (const auto key = networks.find(mode); key && mode != key->name) mode = key->id;
  return named;
}

Created Containers::create(CreateRequest request) {
  auto& impl = *impl_;
  if (request.config.Image.empty()) throw Error{Kind::invalid, "no command specified"};
  const std::string name = request.name.empty() ? std::string{} : checked_name(request.name);
  set_log_defaults(request.host_config.LogConfig_, impl.settings.log);
  Created created;
  // Docker shows what it stands for since its version 26.
  request.host_config.NetworkMode = network_of(request.host_config.NetworkMode);
  created.Warnings = validate(request.config, request.host_config);
  auto endpoints = checked_endpoints(request.config, request.host_config, request.networking, created.Warnings);
  impl.resolve_links(request.host_config);
  if (!request.config.StopSignal.empty()) parse_signal(std::string_view{request.config.StopSignal});

  auto& images = impl.collaborators.images;
  const auto image = request.platform.empty() ? images.get(request.config.Image)
                                              : images.get(request.config.Image, oci::parse_platform(request.platform));
  const auto hold = images.hold(image.id);
  Record record;
  record.id = make_id();
  record.name = name;
  record.created = now();
  auto& definition = record.definition;
  definition.image_id = image.id;
  definition.config = std::move(request.config);
  definition.host_config = std::move(request.host_config);
  definition.endpoints = impl.with_names(std::move(endpoints), definition.host_config);
  merge_image(definition.config, image.config.config);
  set_command(definition);
  set_defaults(definition.host_config);
  if (definition.config.Hostname.empty() && definition.host_config.UTSMode != "host") {
    definition.config.Hostname = definition.host_config.NetworkMode == "host" ? host_name() : short_id(record.id);
  }

  const auto container = std::make_shared<Container>(record);
  impl.enter(container);
  Undo undo;
  undo.add([&] { impl.leave(container); });
  const auto where = impl.paths(record.id);
  undo.add([&] { remove_tree(where.directory); });
  make_directories(where.directory, 0710);
  impl.records.add(container->record());
  undo.dismiss();
  impl.publish(*container, "create");
  created.Id = record.id;
  return created;
}

}  // namespace berth::containers
