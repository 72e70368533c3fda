// The routing tables, one per file of handlers. A new resource adds its table here and in routes.cpp.
#pragma once

#include <span>

#include "api/routes.hpp"

namespace berth::api {

std::span<const Route> system_routes();            // system.cpp: _ping, version, info, events
std::span<const Route> container_routes();         // containers.cpp: what answers at once
std::span<const Route> container_stream_routes();  // container_streams.cpp: attach, logs, stats, wait
std::span<const Route> exec_routes();              // exec.cpp: further processes in containers
std::span<const Route> image_routes();             // images.cpp
std::span<const Route> network_routes();           // networks.cpp
std::span<const Route> routes_to_come();           // routes_to_come.cpp: the rest of API 1.51, answered with 501

}  // namespace berth::api
