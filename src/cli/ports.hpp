// Published ports as text.
#pragma once

#include <string>

#include "base/json.hpp"

namespace berth::cli {

/// The Ports of a container's summary as `ps` shows them: "0.0.0.0:80->80/tcp, 9000-9002/tcp".
std::string describe_ports(const json::Value& ports);

/// "host:port", an IPv6 address in brackets.
std::string join_host_port(const std::string& host, const std::string& port);

}  // namespace berth::cli
