#include "shim/client/shim_client.hpp"

#include <sys/socket.h>

#include <mutex>
#include <optional>

#include "base/fd_passing.hpp"
#include "base/guarded.hpp"
#include "base/log.hpp"
#include "base/strings.hpp"
#include "base/undo.hpp"
#include "shim/protocol.hpp"

namespace berth::shim {
namespace {

Attach describe(const Attachment& attachment) {
  Attach attach;
  attach.stdin_ = attachment.stdin_;
  attach.stdout_ = attachment.stdout_;
  attach.stderr_ = attachment.stderr_;
  attach.multiplexed = attachment.multiplexed;
  attach.detach_keys = attachment.detach_keys;
  if (attachment.pending.size() > max_pending_size) {
    throw Error{Kind::too_large, "client has sent {} bytes before it was attached", attachment.pending.size()};
  }
  attach.pending = to_base64(attachment.pending);
  return attach;
}

pid_t peer_pid(FdRef socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
    throw Error::from_errno(errno, "ask for peer");
  return peer.pid;
}

}  // namespace

struct ShimClient::Impl {
  UniqueFd socket;
  pid_t shim_pid = -1;
  std::optional<Started> state;

  /// Held over a request and its reply. Whoever finds it taken leaves reading to its holder, who keeps the events and
  /// tells them of it.
  std::mutex calls;

  struct Seen {
    std::vector<ShimEvent> events;
    bool gone = false;
    bool missed = false;  ///< somebody wanted to read while a call held the socket
    std::function<void()> notify;
  };
  Guarded<Seen> seen;  // lock order: calls, then seen

  struct Answer {
    Reply reply;
    std::vector<UniqueFd> fds;
  };

  /// Takes in one packet; returns it if it is a reply. With Wait::no also nothing if none has come.
  std::optional<Answer> receive(Wait wait, bool& more) {
    Message message;
    const auto receipt = receive_message(socket, message, wait);
    more = receipt == Receipt::message;
    if (receipt == Receipt::closed) {
      seen.with([](Seen& s) { s.gone = true; });
      return std::nullopt;
    }
    if (receipt == Receipt::nothing) return std::nullopt;
    const auto event = text_member(message.body, "event");
    const auto keep = [&](ShimEvent kept) { seen.with([&](Seen& s) { s.events.push_back(std::move(kept)); }); };
    if (event == "exit") {
      keep(json::from<ExitStatus>(message.body));
    } else if (event == "exec_exit") {
      keep(json::from<ExecExit>(message.body));
    } else if (event == "detach") {
      keep(json::from<DetachEvent>(message.body));
    } else if (event == "warning") {
      log::warn("shim reports a fault", {{"shim", shim_pid}, {"error", text_member(message.body, "message")}});
    } else if (event.empty()) {
      return Answer{json::from<Reply>(message.body), std::move(message.fds)};
    }
    return std::nullopt;
  }

  /// Sends a request and waits for its reply, whatever events come before it.
  Answer call(const json::Value& request, std::span<const FdRef> fds = {}) {
    Undo afterwards;  // once the lock is free again: whoever comes in vain before that is told now
    afterwards.add([this]() noexcept { tell_of_events(); });
    const std::lock_guard lock{calls};
    send_message(socket, request, fds);
    for (bool more = true; more;) {
      if (auto answer = receive(Wait::yes, more)) return std::move(*answer);
    }
    throw Error{Kind::unavailable, "the container's shim (process {}) has gone", shim_pid};
  }

  /// Who waits for the socket to become readable would wait in vain for what a call has taken from it, or has kept them
  /// from reading.
  void tell_of_events() {
    const auto notify = seen.with([](Seen& s) { return s.events.empty() && !s.missed ? nullptr : s.notify; });
    if (notify) notify();
  }

  Answer call_or_throw(const json::Value& request, std::span<const FdRef> fds = {}) {
    auto answer = call(request, fds);
    if (!answer.reply.ok && answer.reply.exit_code != 0) {
      throw StartError{answer.reply.exit_code, error_of(answer.reply)};
    }
    if (!answer.reply.ok) throw error_of(answer.reply);
    return answer;
  }
};

ShimClient::ShimClient(UniqueFd socket, pid_t shim_pid) : impl_(std::make_unique<Impl>()) {
  impl_->socket = std::move(socket);
  impl_->shim_pid = shim_pid;
}

ShimClient::~ShimClient() = default;

std::unique_ptr<ShimClient> ShimClient::find(const fs::path& socket_directory) {
  auto socket = connect_at(socket_directory);
  if (!socket) return nullptr;
  Message message;
  if (receive_message(socket, message, Wait::yes) != Receipt::message) return nullptr;
  const auto state = json::from<StateEvent>(message.body);
  const auto pid = peer_pid(socket);
  auto client = std::make_unique<ShimClient>(std::move(socket), pid);
  client->impl_->state = Started{state.pid, state.started_at};
  return client;
}

Started ShimClient::start(const fs::path& bundle, const fs::path& socket_directory, FdRef network_namespace,
                          std::vector<Attachment> attachments, std::span<const UniqueFd> keep) {
  StartRequest request;
  request.bundle = bundle;
  request.socket_dir = socket_directory;
  request.network_namespace = static_cast<bool>(network_namespace);
  request.keep = static_cast<unsigned>(keep.size());
  const std::size_t most = max_passed_fds - keep.size() - (network_namespace ? 1 : 0);
  std::vector<FdRef> fds;
  std::vector<Attachment> later;  // what one packet cannot carry
  std::size_t pending = 0;
  for (auto& attachment : attachments) {
    if (fds.size() == most || pending + attachment.pending.size() > max_pending_size) {
      later.push_back(std::move(attachment));
      continue;
    }
    pending += attachment.pending.size();
    request.attach.push_back(describe(attachment));
    fds.push_back(attachment.connection);
  }
  fds.insert(fds.end(), keep.begin(), keep.end());
  if (network_namespace) fds.push_back(network_namespace);
  const auto reply = impl_->call_or_throw(json::to(request), fds).reply;
  for (auto& attachment : later) {
    try {
      attach(std::move(attachment));
    } catch (const Error& error) {
      if (error.kind() != Kind::conflict) throw;  // else the container has ended already: the connection is closed
    }
  }
  return {reply.pid, reply.started_at};
}

void ShimClient::attach(Attachment attachment) {
  auto request = json::to(describe(attachment));
  request.as_object()["op"] = "attach";
  const FdRef fds[] = {attachment.connection};
  impl_->call_or_throw(request, fds);
}

void ShimClient::resize(unsigned height, unsigned width) {
  ResizeRequest request;
  request.height = height;
  request.width = width;
  impl_->call_or_throw(json::to(request));
}

void ShimClient::signal(int number) {
  SignalRequest request;
  request.signal = number;
  impl_->call_or_throw(json::to(request));
}

pid_t ShimClient::exec(const ExecOrder& order, const Attachment* attachment) {
  const auto settings = make_memory_file("exec", json::write(order.settings));
  ExecRequest request{.id = order.id,
                      .stdin_ = order.stdin_,
                      .stdout_ = order.stdout_,
                      .stderr_ = order.stderr_,
                      .timeout_ms = order.timeout.count(),
                      .capture = order.capture};
  std::vector<FdRef> fds{settings};
  if (attachment != nullptr) {
    request.attach.push_back(describe(*attachment));
    fds.emplace_back(attachment->connection);
  }
  return impl_->call_or_throw(json::to(request), fds).reply.pid;
}

void ShimClient::resize_exec(const std::string& id, unsigned height, unsigned width) {
  impl_->call_or_throw(json::to(ExecControl{.op = "exec_resize", .id = id, .height = height, .width = width}));
}

void ShimClient::signal_exec(const std::string& id, int number) {
  impl_->call_or_throw(json::to(ExecControl{.op = "exec_signal", .id = id, .signal = number}));
}

void ShimClient::relay(FdRef listener, std::vector<RelayTarget> targets) {
  const FdRef fds[] = {listener};
  impl_->call_or_throw(json::to(RelayRequest{.targets = std::move(targets)}), std::span{fds}.first(listener ? 1U : 0U));
}

void ShimClient::relay_datagrams(std::span<const FdRef> sockets, std::vector<RelayTarget> targets) {
  impl_->call_or_throw(json::to(RelayRequest{.op = "relay_datagrams", .targets = std::move(targets)}), sockets);
}

std::vector<UniqueFd> ShimClient::relayed() {
  return impl_->call_or_throw({{"op", "relayed"}}).fds;
}

void ShimClient::keep(std::span<const UniqueFd> fds) {
  const std::vector<FdRef> refs{fds.begin(), fds.end()};
  impl_->call_or_throw({{"op", "keep"}}, refs);
}

std::vector<UniqueFd> ShimClient::kept() {
  try {
    return impl_->call_or_throw({{"op", "kept"}}).fds;
  } catch (const Error& error) {
    if (error.kind() == Kind::unsupported) return {};
    throw;
  }
}

std::vector<KnownExec> ShimClient::execs() {
  std::vector<KnownExec> known;
  for (;;) {
    const auto page = impl_->call_or_throw(json::to(ExecsRequest{.from = known.size()}));
    const auto& states = page.reply.execs;
    if (page.fds.size() != states.size()) throw Error{Kind::corrupt, "shim lists processes without their settings"};
    for (std::size_t i = 0; i < states.size(); ++i) {
      known.push_back({states[i], json::parse<ExecSettings>(read_file(fd_path(page.fds[i])))});
    }
    if (states.size() < max_passed_fds) return known;
  }
}

void ShimClient::ping() {
  impl_->call_or_throw({{"op", "ping"}});
}

std::optional<Started> ShimClient::state() const {
  return impl_->state;
}

pid_t ShimClient::shim_pid() const {
  return impl_->shim_pid;
}

FdRef ShimClient::socket() const {
  return impl_->socket;
}

void ShimClient::on_kept_events(std::function<void()> notify) {
  impl_->seen.with([&](Impl::Seen& seen) { seen.notify = std::move(notify); });
  impl_->tell_of_events();
}

std::vector<ShimEvent> ShimClient::take_events() {
  impl_->seen.with([](Impl::Seen& seen) { seen.missed = true; });
  if (const std::unique_lock lock{impl_->calls, std::try_to_lock}; lock.owns_lock()) {
    impl_->seen.with([](Impl::Seen& seen) { seen.missed = false; });
    for (bool more = true; more;) impl_->receive(Wait::no, more);
  }
  return impl_->seen.with([](Impl::Seen& seen) { return std::exchange(seen.events, {}); });
}

bool ShimClient::gone() const {
  return impl_->seen.with([](const Impl::Seen& seen) { return seen.gone; });
}

void ShimClient::wait_until_gone() {
  const std::lock_guard lock{impl_->calls};
  for (bool more = true; more;) impl_->receive(Wait::yes, more);
}

}  // namespace berth::shim
