#include "shim/monitor/datagram_relay.hpp"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

namespace berth::shim {
namespace {

using Clock = std::chrono::steady_clock;

/// Nobody who sends from many ports may take all descriptors: beyond this, the client that was silent longest goes.
constexpr std::size_t max_flows = 512;
/// How many datagrams are passed on before others get their turn.
constexpr int burst = 16;

}  // namespace

struct DatagramRelay::Listener {
  Listener(Loop& loop, Port port, Watch::Ready ready)
      : socket(std::move(port.socket)), container(port.container), watch(loop, socket, std::move(ready)) {
    watch.set(EPOLLIN);
  }
  UniqueFd socket;
  SocketAddress container;
  Watch watch;
};

/// Who sent a datagram, and the address of the host that he sent it to: he expects the answer from there.
struct DatagramRelay::Client {
  sockaddr_in6 address{};
  in6_pktinfo host{};

  bool operator==(const Client& other) const {
    return std::memcmp(&address.sin6_addr, &other.address.sin6_addr, sizeof address.sin6_addr) == 0 &&
           address.sin6_port == other.address.sin6_port && address.sin6_scope_id == other.address.sin6_scope_id &&
           std::memcmp(&host.ipi6_addr, &other.host.ipi6_addr, sizeof host.ipi6_addr) == 0;
  }
};

struct DatagramRelay::Flow {
  Flow(Loop& loop, UniqueFd connected, const Listener& from, const Client& sender, Watch::Ready ready)
      : socket(std::move(connected)), listener(&from), client(sender), watch(loop, socket, std::move(ready)) {
    watch.set(EPOLLIN);
  }
  UniqueFd socket;  ///< to the container
  const Listener* listener;
  Client client;
  Clock::time_point used = Clock::now();
  Watch watch;
};

namespace {

/// A datagram of `bytes` from or to `peer`, with room for the one control message that these sockets have.
class Packet {
 public:
  Packet(std::span<char> bytes, sockaddr_in6& peer) : part_{bytes.data(), bytes.size()} {
    message.msg_name = &peer;
    message.msg_namelen = sizeof peer;
    message.msg_iov = &part_;
    message.msg_iovlen = 1;
    message.msg_control = control_;
    message.msg_controllen = sizeof control_;
  }
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;

  msghdr message{};

 private:
  iovec part_;
  alignas(cmsghdr) char control_[CMSG_SPACE(sizeof(in6_pktinfo))] = {};
};

/// A datagram and what came with it; nothing if none is there.
std::optional<std::span<char>> receive_from(FdRef socket, std::span<char> buffer, sockaddr_in6& from,
                                            in6_pktinfo& host) {
  Packet packet{buffer, from};
  const auto size = ::recvmsg(socket.get(), &packet.message, MSG_DONTWAIT);
  if (size < 0) return std::nullopt;
  for (auto* header = CMSG_FIRSTHDR(&packet.message); header != nullptr;
       header = CMSG_NXTHDR(&packet.message, header)) {
    if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO)
      std::memcpy(&host, CMSG_DATA(header), sizeof host);
  }
  return buffer.first(static_cast<std::size_t>(size));
}

/// To the container. The kernel may say first that nobody was there for the datagram before: this one is another.
void pass_on(FdRef socket, std::span<const char> bytes) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0 || errno != ECONNREFUSED) return;
  }
}

/// Sends from the address `host`. What the kernel does not take is lost, as any datagram may be.
void send_to(FdRef socket, std::span<char> bytes, sockaddr_in6 to, const in6_pktinfo& host) {
  Packet packet{bytes, to};
  auto* header = CMSG_FIRSTHDR(&packet.message);
  header->cmsg_level = IPPROTO_IPV6;
  header->cmsg_type = IPV6_PKTINFO;
  header->cmsg_len = CMSG_LEN(sizeof host);
  std::memcpy(CMSG_DATA(header), &host, sizeof host);
  ::sendmsg(socket.get(), &packet.message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

DatagramRelay::DatagramRelay(Loop& loop, std::chrono::milliseconds patience) : loop_(loop), patience_(patience) {}
DatagramRelay::~DatagramRelay() = default;

void DatagramRelay::listen(std::vector<Port> ports) {
  stop();
  if (ports.empty()) return;
  timer_ = UniqueFd{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
  if (timer_) {
    timer_watch_ = std::make_unique<Watch>(loop_, timer_, [this](std::uint32_t) { forget_idle(); });
    timer_watch_->set(EPOLLIN);
  }
  for (auto& port : ports) {
    const auto index = listeners_.size();
    listeners_.push_back(std::make_unique<Listener>(loop_, std::move(port),
                                                    [this, index](std::uint32_t) { receive(*listeners_[index]); }));
  }
}

void DatagramRelay::stop() noexcept {
  flows_.clear();
  listeners_.clear();
  timer_watch_.reset();
  timer_.reset();
}

std::vector<FdRef> DatagramRelay::sockets() const {
  std::vector<FdRef> sockets;
  for (const auto& listener : listeners_) sockets.push_back(listener->socket);
  return sockets;
}

void DatagramRelay::receive(const Listener& listener) {
  for (int count = 0; count < burst; ++count) {
    Client client;
    const auto datagram = receive_from(listener.socket, loop_.scratch(), client.address, client.host);
    if (!datagram) return;
    // The link matters only where the address does not say it.
    if (!IN6_IS_ADDR_LINKLOCAL(&client.host.ipi6_addr)) client.host.ipi6_ifindex = 0;
    if (auto* const flow = flow_of(listener, client)) pass_on(flow->socket, *datagram);
  }
}

/// Null if there is none and none can be made.
DatagramRelay::Flow* DatagramRelay::flow_of(const Listener& listener, const Client& client) {
  const auto known = std::ranges::find_if(
      flows_, [&](const auto& flow) { return flow->listener == &listener && flow->client == client; });
  if (known != flows_.end()) {
    use(known->get());
    return flows_.front().get();
  }
  if (flows_.size() >= max_flows) flows_.pop_back();
  const auto& container = listener.container;
  UniqueFd socket{::socket(container.storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket || ::connect(socket.get(), container.generic(), container.size) < 0) return nullptr;
  if (flows_.empty()) set_timer(true);
  std::list<std::unique_ptr<Flow>> made(1);  // the kernel may refuse to watch one more
  made.front() = std::make_unique<Flow>(loop_, std::move(socket), listener, client,
                                        [this, &flow = made.front()](std::uint32_t) { answer(*flow); });
  flows_.splice(flows_.begin(), made);
  return flows_.front().get();
}

void DatagramRelay::use(Flow* flow) {
  const auto place = std::ranges::find(flows_, flow, [](const auto& each) { return each.get(); });
  flows_.splice(flows_.begin(), flows_, place);
  flow->used = Clock::now();
}

void DatagramRelay::answer(Flow& flow) {
  for (int count = 0; count < burst; ++count) {
    const auto buffer = loop_.scratch();
    const auto size = ::recv(flow.socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0) return;  // nothing more, or nobody listens there: whoever asks again may find somebody
    if (count == 0) use(&flow);
    send_to(flow.listener->socket, buffer.first(static_cast<std::size_t>(size)), flow.client.address, flow.client.host);
  }
}

void DatagramRelay::forget_idle() {
  std::uint64_t turns = 0;
  if (::read(timer_.get(), &turns, sizeof turns) < 0) return;
  const auto oldest = Clock::now() - patience_;
  std::erase_if(flows_, [&](const auto& flow) { return flow->used < oldest; });
  if (flows_.empty()) set_timer(false);
}

void DatagramRelay::set_timer(bool on) const {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience_);
  const auto rest = std::chrono::nanoseconds{patience_ - seconds};
  const timespec each{on ? seconds.count() : 0, on ? rest.count() : 0};
  const itimerspec setting{each, each};
  ::timerfd_settime(timer_.get(), 0, &setting, nullptr);
}

}  // namespace berth::shim
