#include "linux/own_thread.hpp"

#include <sched.h>

#include <exception>
#include <thread>

#include "linux/namespaces.hpp"

namespace berth::kernel {

void on_own_thread(const std::function<void()>& step) {
  std::exception_ptr failure;
  std::jthread{[&] {
    try {
      step();
    } catch (...) {
      failure = std::current_exception();
    }
  }}.join();
  if (failure) std::rethrow_exception(failure);
}

void in_network_namespace(FdRef netns, std::string_view what, const std::function<void()>& step) {
  on_own_thread([&] {
    enter_namespace(netns, CLONE_NEWNET, what);
    step();
  });
}

}  // namespace berth::kernel
