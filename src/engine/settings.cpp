#include "engine/settings.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <map>
#include <set>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/strings.hpp"
#include "containers/spec.hpp"
#include "engine/engine.hpp"
#include "engine/settings_network.hpp"

namespace berth::engine {
namespace {

std::vector<std::string> string_list(const std::string& key, const json::Value& value) {
  try {
    return json::from<std::vector<std::string>>(value);
  } catch (Error& error) {
    throw error.in("configuration key {}", quote(key));
  }
}

std::map<std::string, std::string> string_map(const std::string& key, const json::Value& value) {
  try {
    return json::from<std::map<std::string, std::string>>(value);
  } catch (Error& error) {
    throw error.in("configuration key {}", quote(key));
  }
}

std::string string_value(const std::string& key, const json::Value& value) {
  if (!value.is_string()) throw Error{Kind::invalid, "configuration key {}: it is not a string", quote(key)};
  return std::string{value.get_string()};
}

/// One setting: its flag, its key in the file, and where its value goes.
struct Setting {
  std::string flag;
  std::string key;
  std::function<void(Settings&, const json::Value&)> read;
};

std::vector<Setting> setting_table() {
  const auto text = [](auto member, const char* key) {
    return [member, key](Settings& settings, const json::Value& value) { settings.*member = string_value(key, value); };
  };
  std::vector<Setting> table = {
      {"--host", "hosts", [](Settings& s, const json::Value& v) { s.hosts = string_list("hosts", v); }},
      {"--label", "labels", [](Settings& s, const json::Value& v) { s.labels = string_list("labels", v); }},
      {"--data-root", "data-root", text(&Settings::data_root, "data-root")},
      {"--exec-root", "exec-root", text(&Settings::exec_root, "exec-root")},
      {"--pidfile", "pidfile", text(&Settings::pidfile, "pidfile")},
      {"--init-path", "init-path", text(&Settings::init_program, "init-path")},
      {"--log-level", "log-level", text(&Settings::log_level, "log-level")},
      {"--log-driver", "log-driver",
       [](Settings& s, const json::Value& v) { s.log.Type = string_value("log-driver", v); }},
      {"--log-opt", "log-opts", [](Settings& s, const json::Value& v) { s.log.Config = string_map("log-opts", v); }},
      {"--debug", "debug",
       [](Settings& s, const json::Value& v) {
         if (!v.is_bool()) throw Error{Kind::invalid, "configuration key \"debug\": it is not a boolean"};
         if (v.get_bool()) s.log_level = "debug";
       }},
      {"--default-address-pool", "default-address-pools",
       [](Settings& s, const json::Value& v) { read_address_pools(s.network, v); }},
      {"--default-network-opt", "default-network-opts",
       [](Settings& s, const json::Value& v) { read_network_options(s.network, v); }},
  };
  for (const auto& setting : network_settings()) {
    const auto read = [&setting](Settings& settings, const json::Value& value) {
      read_network_key(setting, settings.network, value);
    };
    table.push_back({setting.long_flag(), setting.key, read});
    if (setting.key != std::string_view{"host-gateway-ips"}) continue;
    table.push_back({setting.long_flag(), "host-gateway-ip", [read](Settings& settings, const json::Value& value) {
                       read(settings, json::Array{value});  // as it was called before there could be several
                     }});
  }
  return table;
}

void read_config_file(Settings& settings, const CLI::App& app, bool required) {
  const auto text = find_file(settings.config_file);
  if (!text) {
    if (required)
      throw Error{Kind::not_found, "configuration file {} does not exist", quote(settings.config_file.native())};
    return;
  }
  json::Value document;
  try {
    document = json::parse(*text);
  } catch (Error& error) {
    throw error.in("configuration file {}", quote(settings.config_file.native()));
  }
  if (!document.is_object()) {
    throw Error{Kind::invalid, "configuration file {}: it is not a JSON object", quote(settings.config_file.native())};
  }
  const auto table = setting_table();
  for (const auto& member : document.get_object()) {
    const std::string key{member.key()};
    const auto row =
        std::find_if(table.begin(), table.end(), [&](const Setting& setting) { return setting.key == key; });
    if (row == table.end()) {
      throw Error{Kind::invalid, "the following directives don't match any configuration option: {}", key};
    }
    if (app.get_option(row->flag)->count() > 0) {
      throw Error{Kind::invalid,
                  "the following directives are specified both as a flag and in the configuration file: {}", key};
    }
    row->read(settings, member.value());
  }
}

void check(const Settings& settings) {
  check_network(settings.network);
  for (const auto& label : settings.labels) {
    if (!label.contains('=')) throw Error{Kind::invalid, "bad attribute format: {}", label};
  }
  try {
    containers::check_log_config(settings.log);
  } catch (Error& error) {
    throw error.in("failed to set log opts");
  }
  for (const auto* path : {&settings.data_root, &settings.exec_root}) {
    if (!path->is_absolute()) throw Error{Kind::invalid, "{} is not an absolute path", quote(path->native())};
  }
}

/// "name=value", as --log-opt takes it.
std::map<std::string, std::string> parse_log_options(const std::vector<std::string>& assignments) {
  std::map<std::string, std::string> options;
  for (const auto& assignment : assignments) {
    const auto parts = split_once(assignment, '=');
    if (!parts) throw Error{Kind::invalid, "invalid key-value pair for --log-opt: {}", quote(assignment)};
    options[std::string{parts->first}] = parts->second;
  }
  return options;
}

fs::path directory_of_this_program() {
  return fs::read_symlink("/proc/self/exe").parent_path();
}

}  // namespace

Settings parse_settings(int argc, char** argv) {
  Settings settings;
  CLI::App app{"Berth's daemon: the Docker Engine API over native Linux containers", "berthd"};
  std::string data_root = settings.data_root;
  std::string exec_root = settings.exec_root;
  std::string config_file = settings.config_file;
  std::string init_program = settings.init_program;
  std::string pidfile;
  bool debug = false;
  app.add_option("-H,--host", settings.hosts, "Daemon socket(s) to connect to (unix://PATH, tcp://HOST:PORT, fd://)");
  app.add_option("--data-root", data_root, "Root directory of persistent state")->capture_default_str();
  app.add_option("--exec-root", exec_root, "Root directory for execution state files")->capture_default_str();
  app.add_option("-p,--pidfile", pidfile, "Path to use for daemon PID file");
  auto* config_option =
      app.add_option("--config-file", config_file, "Daemon configuration file")->capture_default_str();
  app.add_option("-l,--log-level", settings.log_level, "debug, info, warn, error or fatal")->capture_default_str();
  std::vector<std::string> log_options;
  app.add_option("--log-driver", settings.log.Type, "Default driver for container logs")->capture_default_str();
  app.add_option("--log-opt", log_options, "Default log driver options for containers");
  app.add_flag("-D,--debug", debug, "Enable debug mode");
  app.add_option("--label", settings.labels, "Set key=value labels to the daemon");
  app.add_option("--init-path", init_program, "Path to the docker-init binary")->capture_default_str();
  NetworkFlags network_flags;
  network_flags.add_to(app);
  app.set_version_flag("-v,--version", std::string{"Berth version "} + berth_version);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    std::exit(app.exit(success));  // --help, --version
  } catch (const CLI::ParseError& error) {
    throw Error{Kind::invalid, "{}; see 'berthd --help'", error.what()};
  }
  settings.data_root = data_root;
  settings.exec_root = exec_root;
  settings.pidfile = pidfile;
  settings.config_file = config_file;
  settings.init_program = init_program;
  if (debug) settings.log_level = "debug";
  settings.log.Config = parse_log_options(log_options);
  network_flags.apply(settings.network);
  read_config_file(settings, app, config_option->count() > 0);
  check(settings);
  if (settings.hosts.empty()) settings.hosts.push_back("unix:///run/berth/berth.sock");
  if (settings.pidfile.empty()) settings.pidfile = settings.exec_root / "berthd.pid";
  settings.shim_program = directory_of_this_program() / "berth-shim";
  return settings;
}

}  // namespace berth::engine
