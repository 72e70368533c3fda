#include "network/removals.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"

namespace berth::network {

Removals::Removals(Remove remove) : remove_(std::move(remove)) {
  thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
}

Removals::~Removals() = default;

void Removals::add(std::shared_ptr<const Network> network) {
  {
    const std::lock_guard lock{mutex_};
    waiting_.push_back(std::move(network));
  }
  changed_.notify_all();
}

void Removals::wait_for(const std::string& link) {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [&] {
    return std::ranges::none_of(waiting_, [&](const auto& network) { return network->record.link == link; });
  });
}

void Removals::run(const std::stop_token& stop) {
  std::unique_lock lock{mutex_};
  while (changed_.wait(lock, stop, [&] { return !waiting_.empty(); })) {
    const auto network = waiting_.front();
    lock.unlock();
    try {
      remove_(*network);
    } catch (const Error& error) {
      log::warn("link of a removed network is left until the next start",
                {{"link", network->record.link}, {"error", error.message()}});
    }
    lock.lock();
    waiting_.pop_front();
    changed_.notify_all();
  }
}

}  // namespace berth::network
