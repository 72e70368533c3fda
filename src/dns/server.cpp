#include <sys/epoll.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <thread>

#include "base/error.hpp"
#include "base/guarded.hpp"
#include "base/log.hpp"
#include "dns/context.hpp"
#include "dns/dns.hpp"
#include "dns/resolver.hpp"

namespace berth::dns {

/// All but `commands` and the writing to `wake` belong to the thread.
struct Server::Thread {
  using Command = std::function<void(Thread&)>;

  explicit Thread(Settings settings)
      : context(std::move(settings)),
        host(context.loop, context.settings.host_resolv_conf,
             [this] {
               for (auto& [key, resolver] : resolvers) resolver->forget_answers();
             }),
        wake(context.loop, make_eventfd(), EPOLLIN, [this](auto) { run_commands(); }),
        thread([this] { run(); }) {}

  ~Thread() {
    post([](Thread& self) { self.is_stopping = true; });
    thread.join();
  }

  void post(Command command) {
    commands.with([&](auto& all) { all.push_back(std::move(command)); });
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto ignored = ::write(wake.fd().get(), &one, sizeof one);  // full: it wakes as well
  }

  void run_commands() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto ignored = ::read(wake.fd().get(), &count, sizeof count);
    for (auto& command : commands.with([](auto& all) { return std::exchange(all, {}); })) command(*this);
  }

  void run() noexcept {
    while (!is_stopping) {
      try {
        context.loop.run_once();
      } catch (...) {
        log::error("the resolver of containers has failed at one event", {{"error", current_error().message()}});
      }
    }
    resolvers.clear();
  }

  Context context;
  HostServers host;
  std::map<std::string, std::unique_ptr<Resolver>, std::less<>> resolvers;
  bool is_stopping = false;
  Guarded<std::vector<Command>> commands;
  Watch wake;
  std::thread thread;
};

Server::Server(Settings settings) : thread_(std::make_unique<Thread>(std::move(settings))) {}

Server::~Server() = default;

void Server::add(std::string key, Sockets sockets, std::shared_ptr<const Zone> zone, Upstreams upstreams) {
  // std::function wants to be able to copy it
  auto shared = std::make_shared<Sockets>(std::move(sockets));
  thread_->post([=](Thread& thread) {
    thread.resolvers.erase(key);
    thread.resolvers.emplace(
        key, std::make_unique<Resolver>(thread.context, thread.host, key, std::move(*shared), zone, upstreams));
  });
}

void Server::change(std::string key, Upstreams upstreams) {
  thread_->post([key = std::move(key), upstreams = std::move(upstreams)](Thread& thread) {
    if (const auto found = thread.resolvers.find(key); found != thread.resolvers.end())
      found->second->change(upstreams);
  });
}

void Server::remove(std::string key) {
  thread_->post([key = std::move(key)](Thread& thread) { thread.resolvers.erase(key); });
}

}  // namespace berth::dns
