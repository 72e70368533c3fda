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

/// A list is given by several flags, or as an array in the file.
enum class SettingForm { text, truth, list };

/// One setting: its flag, its key in the configuration file, and how its text is read, or each text of a list.
struct NetworkSetting {
  const char* flag;  ///< with its short form, if it has one: "-b,--bridge"
  const char* key;
  const char* help;
  SettingForm form;
  void (*read)(network::Settings& settings, const std::string& text);

  /// "--bridge"
  [[nodiscard]] std::string long_flag() const;
};

const std::vector<NetworkSetting>& network_settings();

/// The flags of networks on a command line, and what was given.
class NetworkFlags {
 public:
  void add_to(CLI::App& app);
  /// Throws `invalid`, naming the flag.
  void apply(network::Settings& settings) const;

 private:
  std::map<std::string, std::vector<std::string>> texts_;
  std::vector<std::string> pools_, options_;
};

/// The value of `setting`'s key in the configuration file. Throws `invalid`, naming the key.
void read_network_key(const NetworkSetting& setting, network::Settings& settings, const json::Value& value);
/// The key "default-address-pools": [{"base": "10.10.0.0/16", "size": 24}].
void read_address_pools(network::Settings& settings, const json::Value& value);
/// The key "default-network-opts": {"bridge": {"com.docker.network.driver.mtu": "1400"}}.
void read_network_options(network::Settings& settings, const json::Value& value);
/// Throws `invalid` if settings contradict each other.
void check_network(const network::Settings& settings);

}  // namespace berth::engine
