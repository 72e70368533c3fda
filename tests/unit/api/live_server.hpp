// A server on a unix socket of its own, and a client that sends bytes as they are.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <string>
#include <thread>

#include "api/server.hpp"

namespace berth::api {

class LiveServer {
 public:
  explicit LiveServer(Server::Answer answer, ServerOptions options = {}) : server_(std::move(answer), options) {
    server_.listen("unix://" + path());
    thread_ = std::thread{[this] { ended_well_ = server_.run(); }};
  }
  ~LiveServer() { stop(); }
  LiveServer(const LiveServer&) = delete;
  LiveServer& operator=(const LiveServer&) = delete;

  bool stop() {
    server_.stop();
    if (thread_.joinable()) thread_.join();
    return ended_well_;
  }
  [[nodiscard]] std::string path() const { return directory_.path() / "api.sock"; }

 private:
  TempDir directory_{"/tmp", "berth-api-test-"};
  Server server_;
  bool ended_well_ = false;
  std::thread thread_;
};

class RawClient {
 public:
  explicit RawClient(const LiveServer& server) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    std::strcpy(address.sun_path, server.path().c_str());
    if (::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) ADD_FAILURE() << "connect";
  }

  /// False if the server no longer listens to this connection.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  /// What arrives until `end` was seen, the server closes, or two seconds pass.
  std::string read_until(std::string_view end) {
    std::string text;
    while (end.empty() || !text.contains(end)) {
      pollfd wait{socket_.get(), POLLIN, 0};
      char buffer[4096];
      if (::poll(&wait, 1, 2000) == 0) return text + "(timed out)";
      const auto count = ::recv(socket_.get(), buffer, sizeof buffer, 0);
      if (count <= 0) break;
      text.append(buffer, static_cast<std::size_t>(count));
    }
    return text;
  }
  std::string read_to_end() { return read_until({}); }
  std::string ask(std::string_view request, std::string_view end) {
    send(request);
    return read_until(end);
  }
  void close() { socket_.reset(); }

 private:
  UniqueFd socket_;
};

inline std::string get(std::string_view path) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", path);
}
inline std::string post(std::string_view path, std::string_view body, std::string_view type = "application/json") {
  return fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}", path, type,
                     body.size(), body);
}

}  // namespace berth::api
