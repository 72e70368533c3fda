// A daemon of canned answers on a unix socket, for tests of the client and of the command line.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.hpp"
#include "base/file.hpp"

namespace berth {

class FakeDaemon {
 public:
  /// Serves connections one after the other; each request gets the next answer, a whole HTTP message.
  explicit FakeDaemon(std::deque<std::string> answers)
      : directory_("/tmp", "berth-fake-"),
        answers_(std::move(answers)),
        listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto path = directory_.path() / "s";
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ||
        ::listen(listener_.get(), 8) < 0) {
      throw Error::from_errno(errno, "listen");
    }
    thread_ = std::jthread{[this] { serve(); }};
  }
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;
  ~FakeDaemon() { ::shutdown(listener_.get(), SHUT_RDWR); }

  [[nodiscard]] std::string host() const { return "unix://" + (directory_.path() / "s").string(); }
  /// What came in, heads and bodies; complete once the client is done.
  [[nodiscard]] const std::vector<std::string>& requests() const { return requests_; }

  static std::string json(int status, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) +
           " X\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

 private:
  void serve() {
    while (!answers_.empty()) {
      const UniqueFd connection{::accept(listener_.get(), nullptr, nullptr)};
      if (!connection) return;
      while (!answers_.empty() && read_request(connection)) {
        write_all(connection, answers_.front());
        answers_.pop_front();
      }
    }
  }

  bool read_request(FdRef connection) {
    std::string request;
    char buffer[4096];
    for (;;) {
      const auto end = request.find("\r\n\r\n");
      const auto length_at = request.find("Content-Length: ");
      if (end != std::string::npos) {
        const auto length = length_at == std::string::npos ? 0 : std::stoul(request.substr(length_at + 16));
        const bool chunked_open = request.contains("chunked") && !request.ends_with("0\r\n\r\n");
        if (request.size() >= end + 4 + length && !chunked_open) break;
      }
      const auto count = read_some(connection, buffer);
      if (count == 0) return false;
      request.append(buffer, count);
    }
    requests_.push_back(request);
    return true;
  }

  TempDir directory_;
  std::deque<std::string> answers_;
  std::vector<std::string> requests_;
  UniqueFd listener_;
  std::jthread thread_;
};

}  // namespace berth
