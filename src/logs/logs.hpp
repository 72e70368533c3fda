// logs: reads what a container has written, entry by entry, from Docker's json-file format.
//
// The shim writes and rotates the file (shim/monitor); this module only reads, also while that happens: rotated files
// (.1, .2,
// ..., plain or .gz) come first, the last n entries are found from the end, and a follower waits for more without
// polling.
//
//   logs::Reader reader{path, {.tail = 10, .follow = true}, {.finished = stopped, .client = connection}};
//   for (logs::Entry entry; reader.next(entry);) send(entry.stream, logs::format(entry, options));
//
// Uses: base.   Used by: containers, api.   Threads: one per Reader.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/time.hpp"

namespace berth::logs {

enum class Stream { out = 1, err = 2 };  // the numbers of the stream headers

/// One line, or a piece of a long one.
struct Entry {
  Time time;
  Stream stream = Stream::out;
  std::string bytes;  ///< with its newline, if the line has ended
  std::map<std::string, std::string> attrs;
  bool continues = false;  ///< a further piece of the line before of the same stream
};

struct ReadOptions {
  bool stdout_ = true;
  bool stderr_ = true;
  std::optional<Time> since;        ///< entries before are left out
  std::optional<Time> until;        ///< entries after end the reading
  std::optional<std::size_t> tail;  ///< start with the last n entries, of whichever stream
  bool follow = false;
  bool timestamps = false;  ///< for `format`
  bool details = false;     ///< for `format`
};

/// What ends a follower's waiting besides new entries.
struct FollowUntil {
  FdRef finished{-1};  ///< readable, and stays so, once the container has stopped and its log is complete
  FdRef client{-1};    ///< the reader's client; its hang-up, or the end of what it sends, ends the reading
};

class Decoder;
class Lines;

class Reader {
 public:
  /// `file`: the present log file; it need not exist.
  Reader(fs::path file, ReadOptions options, FollowUntil until = {});
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// The next entry, in the order of writing; false at the end. A follower blocks until there is one. Lines that are
  /// not in the format are left out; the last one waits until it is complete.
  bool next(Entry& entry);

  /// True if `next` would have to look at the disk, and a follower perhaps to wait: time to flush what is buffered.
  [[nodiscard]] bool may_wait() const;

 private:
  void start_at_tail(std::size_t entries);
  bool take(Entry& entry);
  void note_continuation(Entry& entry);
  bool wait_for_more();
  bool follow_rotation();

  fs::path file_;
  ReadOptions options_;
  FollowUntil until_;
  UniqueFd inotify_;
  std::deque<std::unique_ptr<Lines>> files_;  ///< oldest first; the last one may grow
  std::unique_ptr<Decoder> decoder_;
  std::array<std::optional<Time>, 2> unfinished_;  ///< time of the line of each stream that has not ended yet
  std::optional<Time> last_;                       ///< of the last entry that was read
  std::optional<Time> skip_through_;               ///< entries up to here were read before their file was compressed
  bool successor_is_unknown_ = false;              ///< the file in hand is in the queue once more, compressed
  bool last_pass_ = false;
  bool ended_ = false;
};

/// An entry as `docker logs` prints it: timestamp, details ("key=value,..."), bytes. Of a line in pieces only the first
/// has what stands before it.
std::string format(const Entry& entry, const ReadOptions& options);

}  // namespace berth::logs
