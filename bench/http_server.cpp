// http_server: the server behind a published port in the network bench, fast enough not to be what is measured.
//
//   http_server PORT      answers each request with three bytes, and one for /big with a megabyte
//
// One thread and an epoll; static, so that it runs in an image that holds nothing else.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

struct Client {
  std::string request;
  std::string_view answer;  ///< what is left to send
  bool closes = false;
};

std::string make_answer(std::size_t size) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" + std::string(size, 'x');
}

const std::string small = make_answer(3);
const std::string big = make_answer(1 << 20);

/// False once the connection is over.
bool serve(int socket, Client& client) {
  for (;;) {
    if (!client.answer.empty()) {
      const auto sent = ::send(socket, client.answer.data(), client.answer.size(), MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN;
      client.answer.remove_prefix(static_cast<std::size_t>(sent));
      if (client.answer.empty() && client.closes) return false;
      continue;
    }
    std::array<char, 4096> buffer;
    const auto received = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (received <= 0) return received < 0 && errno == EAGAIN;
    client.request.append(buffer.data(), static_cast<std::size_t>(received));
    if (!client.request.ends_with("\r\n\r\n")) continue;
    client.answer = client.request.starts_with("GET /big") ? big : small;
    client.closes = client.request.find("Connection: close") != std::string::npos;
    client.request.clear();
  }
}

int listen_at(std::uint16_t port) {
  const int listener = ::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ||
      ::listen(listener, 4096) < 0) {
    std::perror("http_server: listen");
    std::exit(1);
  }
  return listener;
}

void watch(int epoll, int socket) {
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.fd = socket}};
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: http_server PORT\n", stderr);
    return 2;
  }
  std::signal(SIGTERM, [](int) { _exit(0); });  // process 1 has no default
  const int listener = listen_at(static_cast<std::uint16_t>(std::atoi(argv[1])));
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, listener);
  std::unordered_map<int, Client> clients;
  for (std::array<epoll_event, 256> events;;) {
    const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int index = 0; index < count; ++index) {
      const int socket = events[static_cast<std::size_t>(index)].data.fd;
      if (socket != listener) {
        if (serve(socket, clients[socket])) continue;
        clients.erase(socket);
        ::close(socket);
        continue;
      }
      for (int client; (client = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        const int on = 1;
        ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(epoll, client);
      }
    }
  }
}
