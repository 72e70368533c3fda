#include <poll.h>
#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "logs/decode.hpp"
#include "logs/lines.hpp"
#include "logs/logs.hpp"

namespace berth::logs {
namespace {

/// Whatever happens to the file or its name; the directory is watched, because the name moves to a new file.
UniqueFd watch_directory(const fs::path& file) {
  UniqueFd inotify{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
  if (!inotify) throw Error::from_errno(errno, "create inotify");
  const auto directory = file.parent_path();
  if (::inotify_add_watch(inotify.get(), directory.c_str(), IN_MODIFY | IN_CREATE | IN_MOVE | IN_DELETE_SELF) < 0) {
    throw Error::from_errno(errno, "watch {}", quote(directory.native()));
  }
  return inotify;
}

void drain(FdRef inotify) {
  alignas(inotify_event) std::array<char, 4096> events;
  while (::read(inotify.get(), events.data(), events.size()) > 0) continue;
}

}  // namespace

Reader::Reader(fs::path file, ReadOptions options, FollowUntil until)
    : file_(std::move(file)), options_(std::move(options)), until_(until), decoder_(std::make_unique<Decoder>()) {
  if (options_.follow) inotify_ = watch_directory(file_);  // before the first read, so that no change is missed
  auto newest_first = open_log_files(file_);
  for (auto& lines : newest_first) files_.push_front(std::move(lines));
  if (options_.tail) start_at_tail(*options_.tail);
}

Reader::~Reader() = default;

void Reader::start_at_tail(std::size_t entries) {
  std::size_t needed = entries;
  auto first = files_.end();
  while (first != files_.begin()) {
    --first;
    needed -= (*first)->seek_to_tail(needed);
    if (needed == 0) break;
  }
  files_.erase(files_.begin(), first);
}

bool Reader::next(Entry& entry) {
  while (!ended_) {
    if (take(entry)) return true;
    if (ended_) break;
    if (files_.size() > 1) {
      files_.pop_front();
      if (std::exchange(successor_is_unknown_, false)) skip_through_ = last_;
    } else if (!options_.follow || !wait_for_more()) {
      ended_ = true;
    }
  }
  return false;
}

/// The next wanted entry of the first file; false at its end, or with `ended_` set at the end of all.
bool Reader::take(Entry& entry) {
  if (files_.empty()) return false;
  while (const auto line = files_.front()->next()) {
    if (!decoder_->decode(*line, entry)) continue;
    note_continuation(entry);
    if (skip_through_ && entry.time <= *skip_through_) continue;
    last_ = entry.time;
    if (options_.since && entry.time < *options_.since) continue;
    if (options_.until && entry.time > *options_.until) {
      ended_ = true;
      return false;
    }
    if (entry.stream == Stream::out ? options_.stdout_ : options_.stderr_) return true;
  }
  return false;
}

/// A piece of a line has the time of the line's first piece, and no other line has it.
void Reader::note_continuation(Entry& entry) {
  auto& unfinished = unfinished_.at(entry.stream == Stream::out ? 0 : 1);
  entry.continues = unfinished == entry.time;
  unfinished.reset();
  if (!entry.bytes.ends_with('\n')) unfinished = entry.time;
}

bool Reader::may_wait() const {
  return files_.empty() || !files_.front()->has_buffered();
}

/// Called at the end of the present file. False if there will be no more.
bool Reader::wait_for_more() {
  if (follow_rotation()) return true;
  if (last_pass_) return false;
  std::array<pollfd, 3> sources{
      {{inotify_.get(), POLLIN, 0}, {until_.finished.get(), POLLIN, 0}, {until_.client.get(), POLLRDHUP, 0}}};
  int timeout = -1;
  if (options_.until) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*options_.until - now());
    timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3600 * 1000));
  }
  const int count = ::poll(sources.data(), sources.size(), timeout);
  if (count < 0 && errno != EINTR) throw Error::from_errno(errno, "wait for the log");
  if (count == 0) return now() < *options_.until;
  if (sources[2].revents != 0) return false;
  // What was written before the end is read once more: the file's end was seen before the container's.
  if (sources[1].revents != 0) last_pass_ = true;
  drain(inotify_);
  if (!files_.empty()) files_.back()->restart_if_truncated();
  return true;
}

/// If the name belongs to another file by now, adds the files that came after the one in hand, whose rest is still to
/// be read: it may have been written to after its end was seen.
bool Reader::follow_rotation() {
  const auto present = find_identity(file_);
  if (!present || (!files_.empty() && files_.back()->identity() == *present)) return false;
  auto newest_first = open_log_files(file_);
  if (!files_.empty()) {
    const auto own = std::find_if(newest_first.begin(), newest_first.end(),
                                  [&](const auto& lines) { return lines->identity() == files_.back()->identity(); });
    // Compressed in the meantime, it is another file with the same entries, which are known by their time.
    successor_is_unknown_ = own == newest_first.end();
    newest_first.erase(own, newest_first.end());
  }
  for (auto lines = newest_first.rbegin(); lines != newest_first.rend(); ++lines) files_.push_back(std::move(*lines));
  return !newest_first.empty();
}

std::string format(const Entry& entry, const ReadOptions& options) {
  std::string text;
  if (entry.continues) return entry.bytes;
  if (options.timestamps) text += to_rfc3339_fixed(entry.time) + ' ';
  if (options.details) {
    std::string details;
    for (const auto& [name, value] : entry.attrs) {
      if (!details.empty()) details += ',';
      details += percent_encode(name) + '=' + percent_encode(value);
    }
    text += details + ' ';
  }
  return text + entry.bytes;
}

}  // namespace berth::logs
