// Use of resources as `stats` shows it: docker's arithmetic on one reading of the daemon.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "cli/formatter.hpp"

namespace berth::cli {

struct Usage {
  std::string container;  ///< as the user named it
  std::string id;
  std::string name;
  double cpu_percent = 0;
  double memory = 0;  ///< bytes, without the page cache that can be dropped at once
  double memory_limit = 0;
  double memory_percent = 0;
  double received = 0, sent = 0;
  double read = 0, written = 0;
  std::int64_t pids = 0;
  bool truncates = true;
};

/// What one document of GET /containers/{id}/stats says.
///
/// The share of the processors is the container's time since the reading before, over the machine's, times the number
/// of processors. From memory goes total_inactive_file on cgroup v1 and inactive_file on v2, where it is the smaller.
Usage usage_of(const json::Value& reading);

/// Throws `invalid` if `format` is no template for these rows.
std::string render_usage(const std::string& format, const std::vector<Usage>& rows);

}  // namespace berth::cli
