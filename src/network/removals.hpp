// Links of networks that were removed, taken away while nobody waits: the kernel lets a link go only when no processor
// can be using it any more, which takes many milliseconds.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "network/drivers.hpp"

namespace berth::network {

class Removals {
 public:
  using Remove = std::function<void(const Network&)>;

  explicit Removals(Remove remove);
  /// Finishes what is left.
  ~Removals();

  void add(std::shared_ptr<const Network> network);
  /// Returns when no link of this name waits for its removal.
  void wait_for(const std::string& link);

 private:
  void run(const std::stop_token& stop);

  const Remove remove_;
  std::mutex mutex_;  ///< guards all below
  std::condition_variable_any changed_;
  std::deque<std::shared_ptr<const Network>> waiting_;  ///< the first one is being removed
  std::jthread thread_;                                 ///< last: it uses all above
};

}  // namespace berth::network
