// Sizes as people write them.
#pragma once

#include <cstdint>
#include <string>

namespace berth {

/// "512m", "1.5GiB", "10b": in bytes. Each unit is `step` (1024 or 1000) times the one before it, however it is
/// written, as in Docker's go-units. Throws `invalid`: "invalid size: 'x'", "invalid suffix: 'x'".
std::int64_t parse_size(const std::string& text, int step = 1024);

}  // namespace berth
