// Names of containers.
#pragma once

#include <string>
#include <string_view>

namespace berth::containers {

/// The name without a leading slash; throws `invalid` with Docker's text unless it matches [a-zA-Z0-9][a-zA-Z0-9_.-]+.
std::string checked_name(std::string_view name);

/// A made-up name such as "brave_lovelace"; the caller checks that it is free.
std::string random_name();

}  // namespace berth::containers
