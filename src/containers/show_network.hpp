// What the list and `inspect` show of a container's networks and ports: pure.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "containers/inspect.hpp"
#include "containers/record.hpp"
#include "network/endpoint.hpp"

namespace berth::containers {

/// The ID of a network by its name; empty if there is none.
using NetworkIds = std::function<std::string(const std::string& name)>;

/// `connections`: null if the container has no process, or is in the network of another one.
std::map<std::string, EndpointSettings> shown_networks(const Record& record, const network::Connections* connections,
                                                       const NetworkIds& ids);

NetworkSettings shown_network_settings(const Record& record, const network::Connections* connections,
                                       const NetworkIds& ids);

/// Of a list: one entry for each published address, then what is only exposed.
std::vector<json::Object> listed_ports(const Record& record, const network::Connections* connections);

}  // namespace berth::containers
