// From flags to the body of POST /containers/create.
#include <algorithm>
#include <set>

#include "base/file.hpp"
#include "base/size.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"
#include "cli/container_flags.hpp"
#include "cli/flag_values.hpp"
#include "cli/units.hpp"

namespace berth::cli {
namespace {

/// Lists that Go sends as null when empty.
json::Value list_or_null(const List& list) {
  return list->empty() ? json::Value{} : json::Value(array_of(*list));
}

json::Value capabilities(const List& list) {
  std::set<std::string> names;
  for (const auto& entry : *list) names.insert(normalize_capability(entry));
  return names.empty() ? json::Value{} : json::Value(json::Array(names.begin(), names.end()));
}

/// Throws unless the mode is "", "host", one of the others, or "container:NAME".
void check_mode(std::string_view flag, const Text& mode, std::string_view what,
                std::initializer_list<std::string_view> others) {
  const bool other = std::find(others.begin(), others.end(), *mode) != others.end();
  if (mode->empty() || *mode == "host" || other) return;
  throw Error{Kind::invalid, "--{}: invalid {} mode", flag, what};
}

std::int64_t nanos_of(const Text& duration) {
  return duration->empty() ? 0 : parse_duration(*duration)->count();
}

/// seccomp=FILE is sent as the file's content, as docker does: the daemon may be elsewhere.
std::vector<std::string> security_options(std::vector<std::string> options) {
  for (auto& option : options) {
    if (option == "no-new-privileges") continue;
    const auto pair = split_once(option, option.contains('=') ? '=' : ':');
    if (!pair) throw Error{Kind::invalid, "Invalid --security-opt: {}", quote(option)};
    const std::string value{pair->second};
    if (pair->first == "seccomp" && value != "unconfined" && value != "builtin") {
      const auto profile = find_file(value);
      if (!profile) {
        throw Error{Kind::invalid, "opening seccomp profile ({}) failed: open {}: no such file or directory", value,
                    value};
      }
      option = "seccomp=" + json::write(json::parse(*profile));
    }
  }
  return options;
}

/// "systempaths=unconfined" is docker's word for no masked and no read-only paths.
void apply_system_paths(std::vector<std::string>& options, json::Object& host) {
  const auto found = std::find(options.begin(), options.end(), "systempaths=unconfined");
  if (found == options.end()) return;
  options.erase(found);
  host["MaskedPaths"] = json::Array{};
  host["ReadonlyPaths"] = json::Array{};
}

void apply_volumes(const std::vector<std::string>& specs, json::Object& config, json::Object& host) {
  json::Array binds;
  json::Object anonymous;
  for (auto spec : specs) {
    const auto colon = spec.find(':');
    if (colon == std::string::npos || colon == 0) {
      anonymous[spec] = json::Object{};
      continue;
    }
    const auto source = spec.substr(0, colon);
    if (source == "." || source.starts_with("./") || source.starts_with("..")) {
      spec = fs::weakly_canonical(fs::absolute(source)).string() + spec.substr(colon);
    }
    binds.emplace_back(spec);
  }
  config["Volumes"] = anonymous;
  host["Binds"] = binds.empty() ? json::Value{} : json::Value(binds);
}

/// Docker's probe is a command in the container; Berth can also ask a URL or a port from the container's network.
json::Array health_test(const ContainerFlags& flags) {
  json::Array test;
  if (!flags.health_cmd->empty()) test = {"CMD-SHELL", *flags.health_cmd};
  const auto probe = [&](std::string_view kind, const Text& target) {
    if (target->empty()) return;
    if (!test.empty()) {
      throw Error{Kind::invalid, "--health-cmd, --health-http and --health-tcp exclude each other"};
    }
    test = {kind, *target};
  };
  probe("HTTP", flags.health_http);
  probe("TCP", flags.health_tcp);
  return test;
}

json::Value healthcheck(const ContainerFlags& flags) {
  const bool any = flags.health_cmd.given() || flags.health_interval.given() || flags.health_timeout.given() ||
                   flags.health_start_period.given() || flags.health_start_interval.given() ||
                   flags.health_retries.given() || flags.health_http.given() || flags.health_tcp.given() ||
                   flags.health_on_failure.given();
  if (*flags.no_healthcheck) {
    if (any) throw Error{Kind::invalid, "--no-healthcheck conflicts with --health-* options"};
    return json::Object{{"Test", json::Array{"NONE"}}};
  }
  if (!any) return {};
  for (const auto& [name, duration] : {std::pair<std::string_view, const Text&>{"interval", flags.health_interval},
                                       {"timeout", flags.health_timeout},
                                       {"start-period", flags.health_start_period},
                                       {"start-interval", flags.health_start_interval}}) {
    if (nanos_of(duration) < 0) throw Error{Kind::invalid, "--health-{} cannot be negative", name};
  }
  if (*flags.health_retries < 0) throw Error{Kind::invalid, "--health-retries cannot be negative"};
  json::Object check{{"Interval", nanos_of(flags.health_interval)},
                     {"Timeout", nanos_of(flags.health_timeout)},
                     {"StartPeriod", nanos_of(flags.health_start_period)},
                     {"StartInterval", nanos_of(flags.health_start_interval)},
                     {"Retries", *flags.health_retries}};
  if (auto test = health_test(flags); !test.empty()) check["Test"] = std::move(test);
  if (flags.health_on_failure.given()) check["OnFailure"] = *flags.health_on_failure;
  return check;
}

json::Array throttles(const List& list) {
  json::Array limits;
  for (const auto& entry : *list) {
    const auto colon = entry.rfind(':');
    if (colon == std::string::npos) throw Error{Kind::invalid, "bad format: {}", entry};
    limits.push_back(json::Object{{"Path", entry.substr(0, colon)}, {"Rate", parse_size(entry.substr(colon + 1))}});
  }
  return limits;
}

void apply_limits(const ContainerFlags& flags, json::Object& host) {
  const auto number = [&](std::string_view key, const Number& value) {
    if (value.given()) host[key] = *value;
  };
  number("Memory", flags.memory);
  number("MemoryReservation", flags.memory_reservation);
  number("MemorySwap", flags.memory_swap);
  number("KernelMemory", flags.kernel_memory);
  number("ShmSize", flags.shm_size);
  number("CpuShares", flags.cpu_shares);
  number("CpuQuota", flags.cpu_quota);
  number("CpuPeriod", flags.cpu_period);
  number("CpuRealtimePeriod", flags.cpu_rt_period);
  number("CpuRealtimeRuntime", flags.cpu_rt_runtime);
  number("PidsLimit", flags.pids_limit);
  number("BlkioWeight", flags.blkio_weight);
  number("OomScoreAdj", flags.oom_score_adj);
  if (flags.memory_swappiness.given()) {
    const auto value = *flags.memory_swappiness;
    if (value < -1 || value > 100) {
      throw Error{Kind::invalid, "invalid value: {}. Valid memory swappiness range is 0-100", value};
    }
    host["MemorySwappiness"] = value;
  }
  if (flags.cpus.given()) host["NanoCpus"] = parse_cpus(*flags.cpus);
  if (flags.oom_kill_disable.given()) host["OomKillDisable"] = *flags.oom_kill_disable;
  json::Array ulimits;
  for (const auto& entry : *flags.ulimits) ulimits.push_back(parse_ulimit(entry));
  if (!ulimits.empty()) host["Ulimits"] = ulimits;
  json::Array devices;
  for (const auto& entry : *flags.devices) devices.push_back(parse_device(entry));
  if (!devices.empty()) host["Devices"] = devices;
  json::Array weights;
  for (const auto& limit : throttles(flags.blkio_weight_device)) {
    weights.push_back(json::Object{{"Path", limit.at("Path")}, {"Weight", limit.at("Rate")}});
  }
  const std::pair<std::string_view, json::Array> block_limits[] = {
      {"BlkioWeightDevice", weights},
      {"BlkioDeviceReadBps", throttles(flags.device_read_bps)},
      {"BlkioDeviceWriteBps", throttles(flags.device_write_bps)},
      {"BlkioDeviceReadIOps", throttles(flags.device_read_iops)},
      {"BlkioDeviceWriteIOps", throttles(flags.device_write_iops)}};
  for (const auto& [key, list] : block_limits) {
    if (!list.empty()) host[key] = list;
  }
}

/// Text and list flags whose value goes into HostConfig as it is.
void apply_plain(const ContainerFlags& flags, json::Object& host) {
  const std::pair<std::string_view, const Text&> texts[] = {{"ContainerIDFile", flags.cidfile},
                                                            {"VolumeDriver", flags.volume_driver},
                                                            {"CgroupnsMode", flags.cgroupns},
                                                            {"IpcMode", flags.ipc},
                                                            {"PidMode", flags.pid},
                                                            {"UTSMode", flags.uts},
                                                            {"UsernsMode", flags.userns},
                                                            {"CgroupParent", flags.cgroup_parent},
                                                            {"CpusetCpus", flags.cpuset_cpus},
                                                            {"CpusetMems", flags.cpuset_mems},
                                                            {"Runtime", flags.runtime},
                                                            {"Isolation", flags.isolation}};
  for (const auto& [key, value] : texts) {
    if (!value->empty()) host[key] = *value;
  }
  const std::pair<std::string_view, const List&> lists[] = {{"ExtraHosts", flags.add_host},
                                                            {"GroupAdd", flags.group_add},
                                                            {"VolumesFrom", flags.volumes_from},
                                                            {"Links", flags.links},
                                                            {"DeviceCgroupRules", flags.device_cgroup_rules}};
  for (const auto& [key, value] : lists) host[key] = list_or_null(value);
  host["CapAdd"] = capabilities(flags.cap_add);
  host["CapDrop"] = capabilities(flags.cap_drop);
  host["Dns"] = array_of(*flags.dns);
  host["DnsOptions"] = array_of(*flags.dns_option);
  host["DnsSearch"] = array_of(*flags.dns_search);
  host["Privileged"] = *flags.privileged;
  host["PublishAllPorts"] = *flags.publish_all;
  host["ReadonlyRootfs"] = *flags.read_only;
  host["AutoRemove"] = *flags.remove;
  if (flags.init.given()) host["Init"] = *flags.init;
}

void check_modes(const ContainerFlags& flags) {
  if (!flags.pid->starts_with("container:")) check_mode("pid", flags.pid, "PID", {});
  check_mode("uts", flags.uts, "UTS", {});
  check_mode("userns", flags.userns, "USER", {});
  check_mode("cgroupns", flags.cgroupns, "CGROUP", {"private"});
}

json::Object host_config(const ContainerFlags& flags) {
  check_modes(flags);
  json::Object host;
  apply_plain(flags, host);
  apply_limits(flags, host);
  auto policy = parse_restart_policy(*flags.restart);
  if (*flags.remove && policy.at("Name") != "no" && policy.at("Name") != "") {
    throw Error{Kind::invalid, "conflicting options: cannot specify both --restart and --rm"};
  }
  host["RestartPolicy"] = std::move(policy);
  if (*flags.log_driver == "none" && !flags.log_opt->empty()) {
    throw Error{Kind::invalid, "invalid logging opts for driver none"};
  }
  host["LogConfig"] = json::Object{{"Type", *flags.log_driver}, {"Config", pairs_of(*flags.log_opt)}};
  auto security = security_options(*flags.security_opt);
  apply_system_paths(security, host);
  host["SecurityOpt"] = security.empty() ? json::Value{} : json::Value(array_of(security));
  if (!flags.storage_opt->empty()) host["StorageOpt"] = pairs_of(*flags.storage_opt);
  if (!flags.sysctls->empty()) host["Sysctls"] = pairs_of(*flags.sysctls);
  if (!flags.annotations->empty()) host["Annotations"] = pairs_of(*flags.annotations);
  json::Object tmpfs;
  for (const auto& entry : *flags.tmpfs) {
    const auto pair = split_once(entry, ':');
    tmpfs[pair ? pair->first : std::string_view{entry}] = pair ? pair->second : std::string_view{};
  }
  if (!tmpfs.empty()) host["Tmpfs"] = tmpfs;
  json::Array mounts;
  for (const auto& entry : *flags.mounts) mounts.push_back(parse_mount(entry));
  if (!mounts.empty()) host["Mounts"] = mounts;
  return host;
}

bool attaches(const ContainerFlags& flags, std::string_view stream) {
  return std::find(flags.attach->begin(), flags.attach->end(), stream) != flags.attach->end();
}

}  // namespace

json::Object parse_restart_policy(const std::string& text) {
  const auto parts = split_once(text, ':');
  const std::string_view name = parts ? parts->first : std::string_view{text};
  std::int64_t retries = 0;
  if (parts) {
    if (name.empty()) throw Error{Kind::invalid, "invalid restart policy format: no policy provided before colon"};
    const auto number = parse_number<std::int64_t>(parts->second);
    if (!number) throw Error{Kind::invalid, "invalid restart policy format: maximum retry count must be an integer"};
    retries = *number;
  }
  return {{"Name", name}, {"MaximumRetryCount", retries}};
}

ContainerRequest make_container_request(const ContainerFlags& flags, const std::vector<std::string>& words) {
  ContainerRequest request;
  request.image = words.front();
  request.tty = *flags.tty;
  request.attach_stdin = *flags.interactive || attaches(flags, "stdin");
  request.attach_stdout = flags.attach->empty() || attaches(flags, "stdout");
  request.attach_stderr = flags.attach->empty() || attaches(flags, "stderr");
  auto host = host_config(flags);
  auto& config = request.body;
  config["Hostname"] = *flags.hostname;
  config["Domainname"] = *flags.domainname;
  config["User"] = *flags.user;
  config["Tty"] = *flags.tty;
  config["OpenStdin"] = *flags.interactive;
  config["Env"] = array_of(read_environment(*flags.env_files, *flags.env));
  config["Cmd"] = words.size() > 1 ? json::Value(json::Array(words.begin() + 1, words.end())) : json::Value{};
  config["Image"] = request.image;
  config["WorkingDir"] = *flags.workdir;
  config["Labels"] = read_labels(*flags.label_files, *flags.labels);
  config["Entrypoint"] = flags.entrypoint.given() ? json::Value(json::Array{*flags.entrypoint}) : json::Value{};
  if (flags.stop_signal.given()) config["StopSignal"] = *flags.stop_signal;
  if (flags.stop_timeout.given()) config["StopTimeout"] = *flags.stop_timeout;
  if (auto check = healthcheck(flags); !check.is_null()) config["Healthcheck"] = std::move(check);
  apply_volumes(*flags.volumes, config, host);
  json::Object exposed;
  json::Object bindings;
  add_published_ports(*flags.publish, exposed, bindings);
  for (const auto& spec : *flags.expose) add_exposed_ports(spec, exposed);
  if (!exposed.empty()) config["ExposedPorts"] = std::move(exposed);
  host["PortBindings"] = std::move(bindings);
  auto networks = make_container_networks(flags);
  host["NetworkMode"] = std::move(networks.mode);
  config["NetworkingConfig"] = json::Object{{"EndpointsConfig", std::move(networks.endpoints)}};
  config["HostConfig"] = std::move(host);
  return request;
}

}  // namespace berth::cli
