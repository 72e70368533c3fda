#include "shim/monitor/container_log.hpp"

#include <utility>

#include "base/error.hpp"

namespace berth::shim {

ContainerLog::ContainerLog(Loop& loop, const LogSettings& settings, Warn warn)
    : loop_(loop), settings_(settings), warn_(std::move(warn)) {}

void ContainerLog::connect() {
  if (settings_.receiver.addresses.empty()) return;
  receiver_.emplace(loop_, settings_, warn_);
  receiver_->connect();
}

void ContainerLog::open_file() {
  if (settings_.driver == "none" || settings_.path.empty()) return;
  if (settings_.non_blocking) {
    writer_.emplace(loop_, settings_, warn_);
  } else {
    file_.emplace(settings_);
  }
}

void ContainerLog::write(Stream stream, std::string_view bytes, Time time) {
  lines_.write(stream, bytes, time, [this](const LogEntry& entry) { add(entry); });
  flush();
}

void ContainerLog::end(Stream stream, Time time) {
  lines_.end(stream, time, [this](const LogEntry& entry) { add(entry); });
  flush();
}

void ContainerLog::add(const LogEntry& entry) {
  if (file_) to_file([&] { file_->add(entry); });
  if (writer_) writer_->add(entry);
  if (receiver_) receiver_->add(entry);
}

void ContainerLog::flush() {
  if (file_) {
    to_file([&] {
      file_->flush();
      file_is_broken_ = false;
    });
  }
  if (writer_) writer_->flush();
  if (receiver_) receiver_->flush();
}

template <class Function>
void ContainerLog::to_file(Function function) {
  try {
    function();
  } catch (const Error& error) {
    if (!std::exchange(file_is_broken_, true)) warn_("log lines are lost: " + error.message());
  }
}

void ContainerLog::finish() {
  if (writer_) writer_->finish();
  if (receiver_) receiver_->finish();
}

bool ContainerLog::is_done() const {
  return (!writer_ || writer_->is_done()) && (!receiver_ || receiver_->is_done());
}

void ContainerLog::close() noexcept {
  writer_.reset();
  receiver_.reset();
}

void ContainerLog::step() {
  if (receiver_) receiver_->step();
}

std::optional<std::chrono::milliseconds> ContainerLog::timeout() const {
  if (!receiver_) return std::nullopt;
  return receiver_->timeout();
}

void ContainerLog::child_ended(pid_t pid) noexcept {
  if (file_) file_->child_ended(pid);
  if (writer_) writer_->child_ended(pid);
}

}  // namespace berth::shim
