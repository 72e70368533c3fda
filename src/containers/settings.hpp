// What the containers module is given by the engine.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/file.hpp"
#include "containers/config.hpp"

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
  LogConfig log{.Type = "json-file"};  ///< of containers that choose no log driver
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
