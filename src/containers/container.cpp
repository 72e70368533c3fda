#include "containers/container.hpp"

#include <sys/eventfd.h>

#include <algorithm>

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

}  // namespace berth::containers
