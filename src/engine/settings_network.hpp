// The settings of networks: dockerd's flags and keys --bip, --mtu, --default-address-pool...
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "network/network.hpp"

namespace CLI {
class App;
}

namespace berth::engine {

/// One setting: its flag, its key in the configuration file, and how its text is read.
struct NetworkSetting {
  const char* flag;
  const char* key;
  const char* help;
  bool is_truth;
  void (*read)(network::Settings& settings, const std::string& text);
};

const std::vector<NetworkSetting>& network_settings();

/// The flags of networks on a command line, and what was given.
class NetworkFlags {
 public:
  void add_to(CLI::App& app);
  /// Throws `invalid`, naming the flag.
  void apply(network::Settings& settings) const;

 private:
  std::map<std::string, std::string> texts_;
  std::vector<std::string> pools_;
};

/// The value of `setting`'s key in the configuration file. Throws `invalid`, naming the key.
void read_network_key(const NetworkSetting& setting, network::Settings& settings, const json::Value& value);
/// The key "default-address-pools": [{"base": "10.10.0.0/16", "size": 24}].
void read_address_pools(network::Settings& settings, const json::Value& value);

}  // namespace berth::engine
