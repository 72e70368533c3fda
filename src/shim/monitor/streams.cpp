#include "shim/monitor/streams.hpp"

#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>

namespace berth::shim {

Streams::Streams(Loop& loop, StreamModes modes, std::function<void()> detached, ContainerLog* log)
    : loop_(loop),
      modes_(modes),
      detached_(std::move(detached)),
      log_(log),
      input_(loop, modes.stdin_once && !modes.tty) {
  if (!modes.stdin_) input_.close();
}

Streams::Ends Streams::open_pipes() {
  Ends ends;
  if (modes_.stdin_) {
    auto pipe = make_pipe();
    ends.stdin_end = std::move(pipe.read_end);
    input_.open(std::move(pipe.write_end));
  }
  if (modes_.stdout_) {
    auto pipe = make_pipe();
    add_output(std::move(pipe.read_end), Stream::out);
    ends.stdout_end = std::move(pipe.write_end);
  }
  if (modes_.stderr_) {
    auto pipe = make_pipe();
    add_output(std::move(pipe.read_end), Stream::err);
    ends.stderr_end = std::move(pipe.write_end);
  }
  return ends;
}

void Streams::take_console(UniqueFd console) {
  console_ = std::move(console);
  add_output(duplicate(console_), Stream::out);
  if (modes_.stdin_) input_.open(duplicate(console_));
}

void Streams::add_output(UniqueFd fd, Stream stream) {
  outputs_.push_back(std::make_unique<Output>(loop_, std::move(fd), stream,
                                              [this](Stream from, std::string_view bytes) { deliver(from, bytes); }));
}

void Streams::attach(UniqueFd connection, const Attach& wants) {
  clients_.push_back(std::make_unique<Client>(loop_, std::move(connection), wants, input_, modes_.tty));
}

void Streams::resize(unsigned height, unsigned width) {
  if (!console_) return;
  winsize size{};
  size.ws_row = static_cast<unsigned short>(std::min(height, 0xffffU));
  size.ws_col = static_cast<unsigned short>(std::min(width, 0xffffU));
  if (::ioctl(console_.get(), TIOCSWINSZ, &size) < 0) throw Error::from_errno(errno, "resize terminal");
}

void Streams::deliver(Stream stream, std::string_view bytes) {
  if (!bytes.empty()) {
    for (const auto& client : clients_) client->send(stream, bytes);
    captured_.append(bytes.substr(0, capture_limit_ - captured_.size()));
  }
  if (log_ == nullptr) return;
  bytes.empty() ? log_->end(stream, now()) : log_->write(stream, bytes, now());
}

void Streams::drain() {
  draining_ = true;
  for (const auto& output : outputs_) output->drain();
}

bool Streams::has_ended() const {
  return std::all_of(outputs_.begin(), outputs_.end(), [](const auto& output) { return output->has_ended(); });
}

void Streams::abandon() {
  for (const auto& output : outputs_) output->abandon();
}

void Streams::give_clients_back() noexcept {
  for (const auto& client : clients_) client->give_back();
}

void Streams::finish_clients() {
  input_.close();
  for (const auto& client : clients_) client->finish();
  balance();
}

void Streams::balance() {
  for (const auto& client : clients_) {
    client->balance();
    if (client->is_done() && client->has_detached()) detached_();
  }
  std::erase_if(clients_, [](const auto& client) { return client->is_done(); });
  const bool blocked =
      (log_ != nullptr && log_->is_blocked()) ||
      std::any_of(clients_.begin(), clients_.end(), [](const auto& client) { return client->is_blocked(); });
  for (const auto& output : outputs_) output->set_paused(blocked && !draining_);
}

}  // namespace berth::shim
