// Signals, and waiting for the end.
#include <poll.h>

#include <algorithm>
#include <csignal>

#include "base/error.hpp"
#include "base/undo.hpp"
#include "containers/internal.hpp"
#include "containers/signals.hpp"

namespace berth::containers {
namespace {

using Clock = std::chrono::steady_clock;

/// Milliseconds for poll(2) until the deadline; -1 without one.
int poll_timeout(std::optional<Clock::time_point> deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*deadline - Clock::now()).count() + 1;
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30));
}

constexpr int default_stop_seconds = 10;
/// After SIGKILL the kernel needs a moment; a process stuck in the kernel may need longer than anybody wants to wait.
constexpr int kill_seconds = 30;

int stop_signal(Container& container, const std::string& asked) {
  if (!asked.empty()) return parse_signal(asked);
  const auto own =
      container.with([](Record& record, Container::Live&) { return std::string{record.definition.config.StopSignal}; });
  return own.empty() ? SIGTERM : parse_signal(own);
}

int stop_seconds(Container& container, std::optional<int> asked) {
  if (asked) return *asked;
  return container.with([](Record& record, Container::Live&) {
    return static_cast<int>(record.definition.config.StopTimeout.value_or(default_stop_seconds));
  });
}

/// Docker's rule: any signal counts unless the container has a stop signal of its own; then that one, and SIGKILL.
bool is_meant_to_end(const Config& config, int number) {
  if (config.StopSignal.empty() || number == SIGKILL) return true;
  return parse_signal(std::string_view{config.StopSignal}) == number;
}

std::uint64_t ends_of(Container& container) {
  return container.with([](Record&, Container::Live& live) { return live.exits; });
}

}  // namespace

void Containers::Impl::signal(const ContainerPtr& container, int number) {
  const std::lock_guard lock{container->freezer};
  bool ends = false;
  container->with([&](Record& record, Container::Live& live) {
    if (!live.shim) return;
    ends = is_meant_to_end(record.definition.config, number);
    live.ends_for_good = live.ends_for_good || ends;
    auto& state = record.state;
    const bool is_news = !state.manually_stopped && !live.restarted_by_user;
    state.manually_stopped = state.manually_stopped || is_news;
    // Without a policy nobody asks before the exit is recorded, and this with it.
    const auto& policy = record.definition.host_config.RestartPolicy_.Name;
    if (is_news && !live.removing && !policy.empty() && policy != "no") records.update_state(record.id, state);
  });
  ask_shim(container, [number](shim::ShimClient& shim) { shim.signal(number); });
  publish(*container, "kill", {{"signal", std::to_string(number)}});
  if (ends) thaw(container);
}

bool Containers::Impl::end_restarting(const ContainerPtr& container) {
  if (container->state().status != Status::restarting) return false;
  const std::lock_guard lock{container->operation};  // a start that is under way is waited for
  container->with([](Record& record, Container::Live& live) {
    record.state.manually_stopped = record.state.manually_stopped || !live.restarted_by_user;
  });
  return cancel_restart(*container);
}

bool Containers::Impl::await_end(Container& container, std::uint64_t ends, int seconds) {
  std::optional<Clock::time_point> deadline;
  if (seconds >= 0) deadline = Clock::now() + std::chrono::seconds{seconds};
  const auto changed = container.waiters.join();
  const auto has_ended = [&] { return ends_of(container) != ends || !container.state().running(); };
  for (;;) {
    if (has_ended()) return true;
    pollfd wait{changed->get(), POLLIN, 0};
    if (::poll(&wait, 1, poll_timeout(deadline)) == 0) return has_ended();
    char drop[8];
    if (wait.revents != 0) read_some(*changed, drop);
  }
}

bool Containers::Impl::stop(const ContainerPtr& container, std::optional<int> timeout, const std::string& signal_name) {
  if (!container->state().running()) return false;
  const int number = stop_signal(*container, signal_name);
  if (end_restarting(container)) {
    publish(*container, "stop");
    return true;
  }
  container->with([](Record&, Container::Live& live) { ++live.stopping; });
  Undo over;
  over.add([&] { container->with([](Record&, Container::Live& live) { --live.stopping; }); });
  const auto ends = ends_of(*container);
  const auto ended_meanwhile = [&](int which) {
    try {
      signal(container, which);
      return false;
    } catch (const Error&) {
      if (ends_of(*container) != ends || !container->state().has_process()) return true;
      throw;
    }
  };
  if (!ended_meanwhile(number) && !await_end(*container, ends, stop_seconds(*container, timeout))) {
    if (!ended_meanwhile(SIGKILL) && !await_end(*container, ends, kill_seconds)) {
      throw Error{Kind::internal, "container {} did not exit within {} seconds after SIGKILL", container->id,
                  kill_seconds};
    }
  }
  end_restarting(container);  // if it had ended by itself just before the signal
  publish(*container, "stop");
  return true;
}

bool Containers::stop(const std::string& name, std::optional<int> timeout, const std::string& signal) {
  const auto container = impl_->get(name);
  return impl_->stop(container, timeout, signal);
}

void Containers::Impl::restart(const ContainerPtr& container, std::optional<int> timeout,
                               const std::string& signal_name) {
  container->with([](Record&, Container::Live& live) { live.restarted_by_user = true; });
  Undo reset;
  reset.add([&] { container->with([](Record&, Container::Live& live) { live.restarted_by_user = false; }); });
  stop(container, timeout, signal_name);
  start(container);
  publish(*container, "restart");
}

void Containers::restart(const std::string& name, std::optional<int> timeout, const std::string& signal) {
  impl_->restart(impl_->get(name), timeout, signal);
}

void Containers::kill(const std::string& name, const std::string& signal) {
  try {
    const int number = parse_signal(signal.empty() ? "SIGKILL" : signal);
    impl_->kill(impl_->get(name), number);
  } catch (Error& error) {
    throw error.in("cannot kill container: {}", name);
  }
}

void Containers::Impl::kill(const ContainerPtr& container, int number) {
  if (end_restarting(container)) return;
  const auto ends = ends_of(*container);
  signal(container, number);
  // Docker answers a kill with SIGKILL only once the container has ended: scripts remove it in the next line.
  if (number == SIGKILL && !await_end(*container, ends, kill_seconds)) {
    throw Error{Kind::internal, "container {} did not exit within {} seconds", container->id, kill_seconds};
  }
}

void Containers::resize(const std::string& name, unsigned height, unsigned width) {
  const auto container = impl_->get(name);
  impl_->ask_shim(container, [&](shim::ShimClient& shim) { shim.resize(height, width); });
  impl_->publish(*container, "resize", {{"height", std::to_string(height)}, {"width", std::to_string(width)}});
}

WaitResult Containers::wait(const std::string& name, WaitCondition condition, FdRef client,
                            const std::function<void()>& accepted) {
  const auto container = impl_->get(name);
  const auto changed = container->waiters.join();
  const auto ends = ends_of(*container);
  accepted();
  for (;;) {
    const auto result = container->with([&](Record& record, Container::Live& live) -> std::optional<WaitResult> {
      const bool ended = live.exits != ends;  // it may run again by now
      const bool done = live.removed || (condition != WaitCondition::removed && ended) ||
                        (condition == WaitCondition::not_running && !record.state.running());
      if (!done) return std::nullopt;
      WaitResult answer;
      answer.StatusCode = ended ? live.last_exit_code : record.state.exit_code;
      return answer;
    });
    if (result) return *result;
    pollfd watched[] = {{changed->get(), POLLIN, 0}, {client.get(), POLLRDHUP, 0}};
    ::poll(watched, 2, -1);
    if ((watched[1].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) {
      throw Error{Kind::cancelled, "the client has gone"};
    }
    if (watched[0].revents != 0) {
      char drop[8];
      read_some(*changed, drop);
    }
  }
}

}  // namespace berth::containers
