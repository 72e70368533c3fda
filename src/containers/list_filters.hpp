// Which containers GET /containers/json shows. Only for this folder.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "containers/containers.hpp"
#include "containers/record.hpp"

namespace berth::containers {

/// The filters that look at one record alone; `ancestor`, `before` and `since` need the tables, and list.cpp has them.
class ListFilter {
 public:
  /// Throws `invalid` with Docker's texts on filters that do not exist and on values that make no sense.
  explicit ListFilter(const Filters& filters);

  [[nodiscard]] bool matches(const Record& record) const;
  /// The filters `publish` and `expose`: as Docker, those of the list's own entries, the first by the host's port.
  [[nodiscard]] bool matches_ports(const std::vector<json::Object>& ports) const;
  /// The filter `network`: a name, or the beginning of an ID.
  [[nodiscard]] bool matches_networks(const std::map<std::string, EndpointSettings>& networks) const;

  [[nodiscard]] const std::vector<std::string>& values(const std::string& name) const;

 private:
  [[nodiscard]] bool matches_state(const State& state) const;
  [[nodiscard]] bool matches_objects(const HostConfig& host_config) const;

  Filters filters_;
  bool tasks_only_ = false;
  std::set<int> exit_codes_;
  std::set<std::string> exposed_, published_;  ///< "80/tcp"
};

}  // namespace berth::containers
