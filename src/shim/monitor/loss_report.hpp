// Tells of log messages that are lost, without a message for each.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace berth::shim {

class LossReport {
 public:
  using Warn = std::function<void(const std::string& message)>;

  /// `reason`: why messages are lost.
  LossReport(Warn warn, std::string reason) : warn_(std::move(warn)), reason_(std::move(reason)) {}

  /// Tells of the first loss at once, of further ones now and then.
  void add(std::size_t count) {
    count_ += count;
    const auto present = std::chrono::steady_clock::now();
    if (told_ && present - *told_ < interval) return;
    told_ = present;
    tell();
  }

  /// Tells what has not been told yet.
  void tell() {
    if (const auto count = std::exchange(count_, 0); count > 0) {
      warn_(fmt::format("{} log messages are lost: {}", count, reason_));
    }
  }

 private:
  static constexpr std::chrono::seconds interval{10};

  Warn warn_;
  std::string reason_;
  std::size_t count_ = 0;
  std::optional<std::chrono::steady_clock::time_point> told_;
};

}  // namespace berth::shim
