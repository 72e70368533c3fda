#include "images/progress.hpp"

namespace berth::images {
namespace {

constexpr auto interval = std::chrono::milliseconds{100};

}  // namespace

LayerProgress::LayerProgress(const Messages& messages, std::string id, std::int64_t total)
    : messages_(messages), id_(std::move(id)), total_(total), last_(std::chrono::steady_clock::now()) {}

void LayerProgress::add(std::size_t bytes) {
  current_ += static_cast<std::int64_t>(bytes);
  if (!messages_ || std::chrono::steady_clock::now() - last_ < interval) return;
  send();
}

void LayerProgress::finish() {
  current_ = total_;
  if (messages_) send();
}

void LayerProgress::send() {
  last_ = std::chrono::steady_clock::now();
  messages_({{"status", "Loading layer"}, {"progressDetail", {{"current", current_}, {"total", total_}}}, {"id", id_}});
}

}  // namespace berth::images
