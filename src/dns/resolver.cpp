#include "dns/resolver.hpp"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "base/log.hpp"

namespace berth::dns {
namespace {

constexpr std::size_t most_servers = 3;  // as Docker, and as resolvers in programs
constexpr int datagrams_in_a_row = 64;   // then the others have a turn
constexpr std::chrono::milliseconds accept_pause{100};
constexpr std::chrono::minutes between_warnings{1};

}  // namespace

Resolver::Resolver(Context& context, const HostServers& host, std::string key, Sockets sockets,
                   std::shared_ptr<const Zone> zone, Upstreams upstreams)
    : context_(context),
      host_(host),
      key_(std::move(key)),
      zone_(std::move(zone)),
      upstreams_(std::move(upstreams)),
      cache_(context.settings.cached_of_sandbox),
      udp_(context.loop, std::move(sockets.udp), EPOLLIN, [this](auto) { on_datagrams(); }),
      tcp_(context.loop, std::move(sockets.tcp), EPOLLIN, [this](auto) { on_connection(); }),
      pause_(context.loop, [this] { tcp_.set(EPOLLIN); }) {
  set_nonblocking(udp_.fd(), true);
  set_nonblocking(tcp_.fd(), true);
}

Resolver::~Resolver() = default;

void Resolver::change(Upstreams upstreams) {
  upstreams_ = std::move(upstreams);
  cache_.clear();
}

void Resolver::on_datagrams() {
  for (int i = 0; i < datagrams_in_a_row; ++i) {
    auto& scratch = context_.scratch;
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    const auto count =
        ::recvfrom(udp_.fd().get(), scratch.data(), scratch.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
    if (count < 0) return;  // none left, or the word that an answer found nobody
    answer({scratch.data(), static_cast<std::size_t>(count)}, false, [this, peer](const std::string& message) {
      // Lost if the socket is full: datagrams may be.
      ::sendto(udp_.fd().get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
               reinterpret_cast<const sockaddr*>(&peer), sizeof peer);
    });
  }
}

void Resolver::on_connection() {
  UniqueFd socket{::accept4(tcp_.fd().get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (!socket && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
    // It would be reported again at once.
    tcp_.set(0);
    pause_.set(Loop::Clock::now() + accept_pause);
    return;
  }
  // Beyond the limit a connection is closed at once, which its program understands.
  if (!socket || connections_.size() >= context_.settings.connections_of_sandbox) return;
  connections_.push_back(std::make_shared<Connection>(context_, *this, std::move(socket)));
  connections_.back()->start();
}

void Resolver::end(Connection& connection) {
  const auto found = std::ranges::find(connections_, &connection, &std::shared_ptr<Connection>::get);
  if (found == connections_.end()) return;
  context_.loop.bury(std::move(*found));
  connections_.erase(found);
}

void Resolver::answer(Bytes message, bool tcp, Reply reply) {
  auto [query, refusal] = Parsed::parse(message);
  if (!refusal.empty()) reply(std::move(refusal));
  if (!query) return;
  try {
    auto here = answer_here(*query, tcp ? max_message : query->udp_size());
    if (!here.empty()) return reply(std::move(here));
  } catch (...) {
    log::error("a container's query has failed",
               {{"container", key_}, {"name", query->name()}, {"error", current_error().message()}});
    return reply(write_answer(*query, Code::server_failure));
  }
  ask_upstream(std::move(*query), tcp, std::move(reply));
}

std::string Resolver::answer_here(const Query& query, std::size_t limit) {
  if (query.has_bad_version()) return write_answer(query, Code::bad_version);
  const auto& name = query.name();
  if (!query.is_internet() || name.empty()) return {};
  if (const auto address = query.type() == Type::ptr ? query.reverse_address() : std::nullopt) {
    const auto found = zone_->find_name(*address);
    return found ? write_name_answer(query, *found) : std::string{};
  }
  const auto v4 = query.type() == Type::aaaa ? std::nullopt : zone_->find_addresses(name, false);
  const auto v6 = query.type() == Type::a ? std::nullopt : zone_->find_addresses(name, true);
  if (!v4 && !v6) {
    const bool is_short = !name.contains('.') && (query.type() == Type::a || query.type() == Type::aaaa);
    return is_short && has_ndots(host_.conf(), {.options = upstreams_.options}) ? write_answer(query, Code::no_error)
                                                                                : std::string{};
  }
  // Who has the name has no records of other kinds. Docker asks upstream for those, and some programs then take "no
  // such name" for an answer to all kinds.
  std::vector<IpAddress> addresses;
  const bool any = query.type() == Type::any;
  if (v4 && (any || query.type() == Type::a)) addresses = *v4;
  if (v6 && (any || query.type() == Type::aaaa)) addresses.insert(addresses.end(), v6->begin(), v6->end());
  std::ranges::shuffle(addresses, context_.random);
  return write_answer(query, addresses, limit);
}

std::vector<UpstreamServer> Resolver::servers() {
  std::vector<UpstreamServer> servers;
  for (const auto& address : upstreams_.servers) servers.push_back({.server = {address}});
  if (servers.empty()) servers = upstream_servers(host_.conf(), upstreams_.ipv6);
  std::erase_if(servers, [&](const UpstreamServer& upstream) {
    // Itself; and from a network that does not lead out, what is not to be reached from there.
    return upstream.from_host ? !upstreams_.leads_out : to_string(upstream.server.address) == resolver_address;
  });
  if (servers.size() > most_servers) servers.erase(servers.begin() + most_servers, servers.end());
  return silence_.order(std::move(servers));
}

bool Resolver::may_ask() {
  if (exchanges_.size() < context_.settings.queries_of_sandbox && context_.in_flight < context_.settings.queries_of_all)
    return true;
  if (const auto now = Loop::Clock::now(); now - last_warning_ > between_warnings) {
    last_warning_ = now;
    log::warn("too many name queries wait for servers, refusing more", {{"container", key_}});
  }
  return false;
}

void Resolver::ask_upstream(Query query, bool tcp, Reply reply) {
  if (const auto found = cache_.find(query.cache_key(), Loop::Clock::now())) {
    const auto message = found->message;
    auto kept =
        write_kept_answer(query, {reinterpret_cast<const std::uint8_t*>(message.data()), message.size()}, found->age);
    const auto limit = tcp ? max_message : query.udp_size();
    if (kept) return reply(kept->size() > limit ? write_truncated_answer(query) : std::move(*kept));
  }
  auto servers = this->servers();
  if (servers.empty()) return reply(write_answer(query, Code::server_failure));
  if (!may_ask()) return reply(write_answer(query, Code::refused));
  const auto place = exchanges_.emplace(exchanges_.end());
  auto done = [this, place, tcp, reply = std::move(reply)](Exchange::Result result) {
    answered(place, tcp, std::move(result), reply);
  };
  *place = std::make_unique<Exchange>(context_, silence_, std::move(query), std::move(servers), udp_.fd(), tcp,
                                      std::move(done));
  (*place)->start();
}

void Resolver::answered(std::list<std::unique_ptr<Exchange>>::iterator exchange, bool tcp, Exchange::Result result,
                        const Reply& reply) {
  const auto& query = (*exchange)->query();
  const auto limit = tcp ? max_message : query.udp_size();
  if (const auto key = query.cache_key(); !key.empty())
    cache_.keep(key, result.message, result.lifetime, Loop::Clock::now());
  if (result.message.empty()) result.message = write_answer(query, Code::server_failure);
  if (result.message.size() > limit) result.message = write_truncated_answer(query);
  reply(std::move(result.message));
  context_.loop.bury(std::shared_ptr<Exchange>{std::move(*exchange)});
  exchanges_.erase(exchange);
}

}  // namespace berth::dns
