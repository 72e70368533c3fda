// What the containers module is given by the engine.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "containers/config.hpp"
#include "network/endpoint.hpp"

namespace berth::metadata {
class Database;
}
namespace berth::images {
class ImageStore;
}
namespace berth::network {
class Networks;
}

namespace berth::containers {

struct Settings {
  fs::path data_root;
  fs::path exec_root;
  fs::path shim_program;  ///< berth-shim
  fs::path init_program;  ///< tini's static build, for HostConfig.Init; may not exist
  std::size_t ready_shims = 2;
  LogConfig log{.Type = "json-file"};    ///< of containers that choose no log driver
  network::DnsConfig dns;                ///< of containers that ask for nothing else
  std::vector<IpAddress> host_gateways;  ///< what "host-gateway" stands for; empty: the default bridge's addresses
  bool has_default_bridge = true;        ///< without it containers that ask for no network have a loopback link alone
};

/// A container event: Docker's action name ("start", "die", ...) and the attributes beside image, name and labels.
struct ContainerEvent {
  std::string action;
  std::string id;
  std::map<std::string, std::string> attributes;
};

/// The parts of the engine that containers work with. All outlive the Containers object.
struct Collaborators {
  metadata::Database& database;
  images::ImageStore& images;
  network::Networks& networks;
  std::function<void(const ContainerEvent&)> publish;
};

}  // namespace berth::containers
