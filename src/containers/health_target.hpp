// What a health check without a program asks, as its test words it. Only for this folder.
#pragma once

#include <string>

#include "shim/bundle.hpp"

namespace berth::containers {

/// {"HTTP", "http://localhost:8080/ready"}. Hosts are localhost and numeric addresses: no name is looked up inside a
/// container. Throws `invalid`, naming the URL and the remedy.
shim::NetworkProbe parse_http_probe(const std::string& url);

/// {"TCP", "5432"}: on the container's loopback. Throws `invalid`.
shim::NetworkProbe parse_tcp_probe(const std::string& port);

}  // namespace berth::containers
