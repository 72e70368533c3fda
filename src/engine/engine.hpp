// engine: composition. Configuration, the database, the stores, the containers, the events; start-up and stop.
//
// Uses: all below.   Used by: api, bin.   Threads: any.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "containers/containers.hpp"
#include "engine/event_bus.hpp"
#include "engine/settings.hpp"
#include "images/images.hpp"
#include "network/network.hpp"

namespace berth::engine {

/// What GET /version and GET /info show beside what the api module knows itself.
inline constexpr const char* engine_version = "28.3.0";  ///< SDKs refuse engines outside the series they know
inline constexpr const char* berth_version = BERTH_VERSION;
inline constexpr const char* api_version = "1.51";
inline constexpr const char* min_api_version = "1.24";

class Engine {
 public:
  /// Opens the data root, recovers what ran before, loads the built-in image if there is none. Throws if another daemon
  /// uses the same data root.
  explicit Engine(Settings settings);
  ~Engine();

  [[nodiscard]] const Settings& settings() const;
  containers::Containers& containers();
  images::ImageStore& images();
  network::Networks& networks();
  EventBus& events();

  /// The bodies of GET /info and GET /version.
  json::Object info();
  json::Object version();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth::engine
