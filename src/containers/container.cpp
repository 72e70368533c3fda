#include "containers/container.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <utility>

namespace berth::containers {

std::shared_ptr<UniqueFd> Waiters::join() {
  auto descriptor = std::make_shared<UniqueFd>(make_eventfd());
  const std::lock_guard lock{mutex_};
  std::erase_if(descriptors_, [](const auto& waiter) { return waiter.expired(); });
  descriptors_.push_back(descriptor);
  return descriptor;
}

void Waiters::notify() noexcept {
  const std::lock_guard lock{mutex_};
  for (const auto& waiter : descriptors_) {
    if (const auto descriptor = waiter.lock()) ::eventfd_write(descriptor->get(), 1);
  }
}

Arrival::Arrival(std::shared_ptr<Container> container) : container_(std::move(container)) {
  container_->with([](Record&, Container::Live& live) { ++live.arriving; });
}

void Arrival::done() noexcept {
  const auto container = std::exchange(container_, nullptr);
  if (!container) return;
  container->with([](Record&, Container::Live& live) { --live.arriving; });
  container->waiters.notify();
}

}  // namespace berth::containers
