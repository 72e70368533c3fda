// Words for people: how long ago, how a command looks in a list.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "containers/record.hpp"

namespace berth::containers {

/// "5 seconds", "About a minute", "3 weeks": as Docker words it.
std::string human_duration(std::chrono::seconds duration);

/// "Up 5 seconds", "Exited (0) 2 hours ago", "Created".
std::string status_text(const State& state, Time at);

/// "sh -c 'echo hello'": arguments with blanks in quotes.
std::string command_text(const std::string& path, const std::vector<std::string>& args);

}  // namespace berth::containers
