// dns_client: how many queries a second a name server answers.
//
//   dns_client ADDRESS PORT NAME SECONDS [IN-FLIGHT]      {"queries":n,"lost":n,"seconds":s}
//
// Asks for the IPv4 address of one name over UDP from one socket, with so many queries in flight at a time (32). An
// answer without an address ends it: speed means nothing where the answers are wrong. For a container's resolver run it
// in the container's network namespace (nsenter --net).
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

using Clock = std::chrono::steady_clock;
using Bytes = std::string;

Bytes make_query(std::string_view name) {
  Bytes query{"\0\0\x01\0\0\x01\0\0\0\0\0\0", 12};
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    query += static_cast<char>(label.size());
    query += label;
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  query += '\0';
  return query + Bytes{"\0\x01\0\x01", 4};
}

int connect_to(const char* address, int port) {
  sockaddr_in server{};
  server.sin_family = AF_INET;
  server.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::inet_pton(AF_INET, address, &server.sin_addr) != 1) throw std::runtime_error{"not an address"};
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0)
    throw std::runtime_error{std::string{"connect: "} + std::strerror(errno)};
  return socket;
}

/// False if no answer came within a second.
bool receive_answer(int socket) {
  std::array<unsigned char, 4096> answer{};
  pollfd readable{socket, POLLIN, 0};
  if (::poll(&readable, 1, 1000) <= 0) return false;
  const auto size = ::recv(socket, answer.data(), answer.size(), 0);
  if (size < 0) throw std::runtime_error{std::string{"receive: "} + std::strerror(errno)};
  const bool has_address = size > 12 && (answer[3] & 0x0fU) == 0 && (answer[6] != 0 || answer[7] != 0);
  if (!has_address) throw std::runtime_error{"an answer has no address"};
  return true;
}

int run(int count, char** arguments) {
  if (count < 5) throw std::runtime_error{"usage: dns_client ADDRESS PORT NAME SECONDS [IN-FLIGHT]"};
  const int socket = connect_to(arguments[1], std::atoi(arguments[2]));
  auto query = make_query(arguments[3]);
  const std::chrono::duration<double> length{std::atof(arguments[4])};
  const int window = count > 5 ? std::atoi(arguments[5]) : 32;

  std::uint16_t id = 0;
  long answered = 0;
  long lost = 0;
  const auto begin = Clock::now();
  while (Clock::now() - begin < length) {
    for (int i = 0; i < window; ++i) {
      ++id;
      std::memcpy(query.data(), &id, sizeof id);
      if (::send(socket, query.data(), query.size(), 0) < 0)
        throw std::runtime_error{std::string{"send: "} + std::strerror(errno)};
    }
    for (int i = 0; i < window; ++i) {
      if (receive_answer(socket)) {
        ++answered;
        continue;
      }
      lost += window - i;
      break;
    }
  }
  const std::chrono::duration<double> took = Clock::now() - begin;
  std::printf("{\"queries\":%ld,\"lost\":%ld,\"seconds\":%.3f}\n", answered, lost, took.count());
  ::close(socket);
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(count, arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dns_client: %s\n", error.what());
    return 1;
  }
}
