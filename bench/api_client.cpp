// api_client: times an engine through its API alone, without a command line in between.
//
//   api_client SOCKET run NETWORK IMAGE COMMAND...      as `run --rm`: create, wait for removal, start; {"run":us}
//   api_client SOCKET steps NETWORK IMAGE COMMAND...    one after the other;
//   {"create":us,"start":us,"wait":us,"remove":us} api_client SOCKET start NETWORK IMAGE COMMAND...    creates and
//   starts, prints the container's ID api_client SOCKET remove ID...                      removes with force
//
// Speaks just enough HTTP/1.1 over a unix socket, to Berth, Docker and Podman alike.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Reply {
  int status = 0;
  std::string body;
};

class Connection {
 public:
  explicit Connection(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error{"socket path too long"};
    std::memcpy(address.sun_path, path.c_str(), path.size());
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error{"connect " + path + ": " + std::strerror(errno)};
    }
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::close(fd_); }

  void send(std::string_view method, const std::string& path, const std::string& body = {}) const {
    auto request = std::string{method} + " /v1.40" + path + " HTTP/1.1\r\nHost: bench\r\n";
    if (!body.empty()) request += "Content-Type: application/json\r\n";
    request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    for (std::string_view rest = request; !rest.empty();) {
      const auto sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent < 0) throw std::runtime_error{std::string{"send: "} + std::strerror(errno)};
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  Reply receive() {
    Reply reply;
    reply.status = std::stoi(line().substr(9));
    std::size_t length = 0;
    bool chunked = false;
    for (auto header = line(); !header.empty(); header = line()) {
      std::ranges::transform(header, header.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
      if (header.starts_with("content-length:")) length = std::stoul(header.substr(15));
      if (header.starts_with("transfer-encoding:")) chunked = header.ends_with("chunked");
    }
    if (reply.status == 204 || reply.status == 304) return reply;
    if (!chunked) {
      reply.body = take(length);
      return reply;
    }
    while (const auto size = std::stoul(line(), nullptr, 16)) {
      reply.body += take(size);
      line();
    }
    line();
    return reply;
  }

 private:
  void fill() {
    char bytes[8192];
    const auto got = ::read(fd_, bytes, sizeof bytes);
    if (got <= 0) throw std::runtime_error{"the engine closed the connection"};
    buffer_.append(bytes, static_cast<std::size_t>(got));
  }
  std::string line() {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n")) == std::string::npos) fill();
    auto text = buffer_.substr(0, end);
    buffer_.erase(0, end + 2);
    return text;
  }
  std::string take(std::size_t size) {
    while (buffer_.size() < size) fill();
    auto bytes = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return bytes;
  }

  int fd_;
  std::string buffer_;
};

Reply expect(Reply reply, std::initializer_list<int> statuses, std::string_view what) {
  if (std::ranges::find(statuses, reply.status) == statuses.end()) {
    throw std::runtime_error{std::string{what} + ": " + std::to_string(reply.status) + " " + reply.body};
  }
  return reply;
}

struct Wanted {
  std::string network;
  std::string image;
  std::span<char*> command;
};

std::string create(Connection& connection, const Wanted& wanted, bool auto_remove) {
  std::string command;
  for (const std::string_view word : wanted.command)
    command += (command.empty() ? "\"" : ",\"") + std::string{word} + "\"";
  connection.send("POST", "/containers/create",
                  "{\"Image\":\"" + wanted.image + "\",\"Cmd\":[" + command + "],\"HostConfig\":{\"NetworkMode\":\"" +
                      wanted.network + "\",\"AutoRemove\":" + (auto_remove ? "true" : "false") + "}}");
  const auto body = expect(connection.receive(), {201}, "create").body;
  const auto key = body.find("\"Id\"");
  const auto begin = body.find('"', body.find(':', key)) + 1;
  return body.substr(begin, body.find('"', begin) - begin);
}

void start(Connection& connection, const std::string& id) {
  connection.send("POST", "/containers/" + id + "/start");
  expect(connection.receive(), {204}, "start");
}

double us_since(Clock::time_point started) {
  return std::chrono::duration<double, std::micro>(Clock::now() - started).count();
}

void run(const std::string& socket, const Wanted& wanted) {
  const auto started = Clock::now();
  Connection connection{socket};
  Connection waiting{socket};
  const auto id = create(connection, wanted, true);
  waiting.send("POST", "/containers/" + id + "/wait?condition=removed");
  start(connection, id);
  // 404: the container had run and was gone before the engine looked at the request to wait.
  expect(waiting.receive(), {200, 404}, "wait");
  std::printf("{\"run\":%.1f}\n", us_since(started));
}

void steps(const std::string& socket, const Wanted& wanted) {
  Connection connection{socket};
  auto started = Clock::now();
  const auto lap = [&] {
    const auto us = us_since(started);
    started = Clock::now();
    return us;
  };
  const auto id = create(connection, wanted, false);
  const auto create_us = lap();
  start(connection, id);
  const auto start_us = lap();
  connection.send("POST", "/containers/" + id + "/wait");
  expect(connection.receive(), {200}, "wait");
  const auto wait_us = lap();
  connection.send("DELETE", "/containers/" + id);
  expect(connection.receive(), {200, 204}, "remove");
  std::printf("{\"create\":%.1f,\"start\":%.1f,\"wait\":%.1f,\"remove\":%.1f}\n", create_us, start_us, wait_us, lap());
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() >= 3 && words[1] == "remove") {
      Connection connection{words[0]};
      for (const auto& id : std::span{words}.subspan(2)) {
        connection.send("DELETE", "/containers/" + id + "?force=true");
        expect(connection.receive(), {200, 204}, "remove");
      }
      return 0;
    }
    if (words.size() >= 5) {
      const Wanted wanted{words[2], words[3], {argv + 5, argv + argc}};
      if (words[1] == "run") return run(words[0], wanted), 0;
      if (words[1] == "steps") return steps(words[0], wanted), 0;
      if (words[1] == "start") {
        Connection connection{words[0]};
        const auto id = create(connection, wanted, false);
        start(connection, id);
        return std::puts(id.c_str()), 0;
      }
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "api_client: %s\n", error.what());
    return 1;
  }
  std::fputs("usage: api_client SOCKET run|steps|start NETWORK IMAGE COMMAND... | SOCKET remove ID...\n", stderr);
  return 2;
}
