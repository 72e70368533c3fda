#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>

#include "base/spawn.hpp"
#include "shim/client/shim_client.hpp"
#include "shim/protocol.hpp"

namespace berth::shim {

ShimPool::ShimPool(fs::path program, std::size_t ready)
    : program_(std::move(program)), ready_(ready), departures_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!departures_) throw Error::from_errno(errno, "create epoll");
}

/// Ready shims see the end of their socket and leave.
ShimPool::~ShimPool() = default;

std::unique_ptr<ShimClient> ShimPool::take() {
  for (;;) {
    auto shim = state_.with([](State& state) -> std::unique_ptr<ShimClient> {
      if (state.ready.empty()) return nullptr;
      auto last = std::move(state.ready.back());
      state.ready.pop_back();
      return last;
    });
    if (!shim) return spawn_shim();
    if (!peer_is_gone(shim->socket())) return shim;  // else somebody has killed it while it waited
  }
}

bool ShimPool::is_empty() {
  return state_.with([](State& state) { return state.ready.empty(); });
}

void ShimPool::refill() {
  const auto wanted = [this](State& state) { return state.ready.size() < ready_; };
  while (state_.with(wanted)) {
    auto shim = spawn_shim();
    state_.with([&](State& state) { state.ready.push_back(std::move(shim)); });
  }
}

std::unique_ptr<ShimClient> ShimPool::spawn_shim() {
  auto sockets = make_socket_pair(SOCK_SEQPACKET);
  SpawnOptions options;
  options.program = program_;
  options.arguments = {"berth-shim"};
  options.fds.emplace_back(sockets.second.get(), control_fd);
  options.new_session = true;
  auto child = berth::spawn(options);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLONESHOT;
  event.data.fd = child.pidfd.get();
  if (::epoll_ctl(departures_.get(), EPOLL_CTL_ADD, child.pidfd.get(), &event) < 0) {
    throw Error::from_errno(errno, "watch shim {}", child.pid);
  }
  const auto pid = child.pid;
  state_.with([&](State& state) { state.children.emplace(child.pidfd.get(), std::move(child)); });
  return std::make_unique<ShimClient>(std::move(sockets.first), pid);
}

FdRef ShimPool::departures() const {
  return departures_;
}

void ShimPool::reap() {
  std::array<epoll_event, 16> events{};
  int count = 0;
  while ((count = ::epoll_wait(departures_.get(), events.data(), static_cast<int>(events.size()), 0)) > 0) {
    for (int i = 0; i < count; ++i) {
      state_.with([&](State& state) {
        const auto child = state.children.find(events[static_cast<std::size_t>(i)].data.fd);
        if (child == state.children.end()) return;
        ::waitpid(child->second.pid, nullptr, WNOHANG);
        state.children.erase(child);
      });
    }
  }
}

}  // namespace berth::shim
