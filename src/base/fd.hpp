// Owned and borrowed file descriptors, and whole reads and writes on them.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace berth {

/// A descriptor that somebody else owns.
class FdRef {
 public:
  constexpr explicit FdRef(int fd) noexcept : fd_(fd) {}
  [[nodiscard]] constexpr int get() const noexcept { return fd_; }
  constexpr explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

/// Owns a descriptor and closes it. Empty when moved from.
class UniqueFd {
 public:
  UniqueFd() noexcept = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept;
  explicit operator bool() const noexcept { return fd_ >= 0; }
  operator FdRef() const noexcept { return FdRef{fd_}; }  // NOLINT(google-explicit-constructor): a look is always safe

 private:
  int fd_ = -1;
};

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

/// A pipe with O_CLOEXEC on both ends.
Pipe make_pipe();

struct SocketPair {
  UniqueFd first;
  UniqueFd second;
};

/// A connected pair of unix sockets; `type` is SOCK_STREAM or SOCK_SEQPACKET. Close-on-exec.
SocketPair make_socket_pair(int type);

/// Reads once, retrying on EINTR; 0 at the end of the stream.
std::size_t read_some(FdRef fd, std::span<char> buffer);

/// Writes everything, retrying on EINTR and waiting on EAGAIN. Throws on EPIPE as on any other errno.
void write_all(FdRef fd, std::string_view bytes);

/// Reads to the end of the stream; throws `too_large` beyond `limit` bytes.
std::string read_to_end(FdRef fd, std::size_t limit);

void set_nonblocking(FdRef fd, bool on);
void set_cloexec(FdRef fd, bool on);

/// Another descriptor of the same open file, close-on-exec.
UniqueFd duplicate(FdRef fd);

/// An eventfd that counts wake-ups, non-blocking and close-on-exec.
UniqueFd make_eventfd();

/// True if the peer of this socket has hung up. Does not consume data. A peer that only half-closed has not hung up.
bool peer_is_gone(FdRef socket);

}  // namespace berth
