// The progress lines of a load or import, as Docker's clients draw them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "images/images.hpp"

namespace berth::images {

/// "Loading layer" with how much of it was read; at most some ten messages a second.
class LayerProgress {
 public:
  /// Without `messages` it stays silent.
  LayerProgress(const Messages& messages, std::string id, std::int64_t total);
  void add(std::size_t bytes);
  void finish();

 private:
  void send();

  const Messages& messages_;
  std::string id_;
  std::int64_t total_;
  std::int64_t current_ = 0;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace berth::images
