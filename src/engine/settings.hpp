// The daemon's settings: dockerd's flags and daemon.json keys, for what Berth has.
#pragma once

#include <string>
#include <vector>

#include "base/file.hpp"
#include "containers/config.hpp"
#include "network/network.hpp"

namespace berth::engine {

struct Settings {
  std::vector<std::string> hosts;                       ///< -H, "hosts"; default unix:///run/berth/berth.sock
  fs::path data_root = "/var/lib/berth";                ///< --data-root, "data-root"
  fs::path exec_root = "/run/berth";                    ///< --exec-root, "exec-root"
  fs::path pidfile;                                     ///< --pidfile, "pidfile"; default <exec-root>/berthd.pid
  fs::path config_file = "/etc/berth/daemon.json";      ///< --config-file; absent is fine unless it was given
  std::string log_level = "info";                       ///< --log-level, -l, "log-level"; --debug, "debug"
  std::vector<std::string> labels;                      ///< --label, "labels": key=value
  containers::LogConfig log{.Type = "json-file"};       ///< --log-driver, "log-driver"; --log-opt, "log-opts"
  network::Settings network{.connect_redirect = true};  ///< --bip, --mtu... and their keys
  fs::path shim_program;                                ///< berth-shim; default: beside berthd
  fs::path init_program = "/usr/bin/tini-static";       ///< --init-path, "init-path"
};

/// Settings from the command line and the configuration file. The same key in both is an error, as dockerd says it:
/// "the following directives are specified both as a flag and in the configuration file: ...".
/// Exits the program for --help and --version. Throws `invalid` naming the flag or key.
Settings parse_settings(int argc, char** argv);

}  // namespace berth::engine
