#include "shim/monitor/network_probe.hpp"

#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "base/socket_address.hpp"
#include "base/strings.hpp"
#include "linux/namespaces.hpp"
#include "linux/process.hpp"

namespace berth::shim {
namespace {

constexpr unsigned nobody = 65534;
constexpr std::size_t longest_status_line = 1024;
/// How much of an answer is read, and how long it is waited for, after its first line: a server that is cut off in the
/// middle would log an error for each probe.
constexpr std::size_t longest_answer = 64U << 10U;
constexpr timeval rest_patience{.tv_sec = 0, .tv_usec = 100'000};

struct Answer {
  bool is_good = false;
  std::string text;
};

void enter_network_of(pid_t init) {
  const auto path = fmt::format("/proc/{}/ns/net", init);
  struct stat own {};
  struct stat theirs {};
  const bool is_own =
      ::stat("/proc/self/ns/net", &own) == 0 && ::stat(path.c_str(), &theirs) == 0 && own.st_ino == theirs.st_ino;
  if (!is_own) kernel::enter_namespace(path, CLONE_NEWNET);
}

/// Only the output stays open: a descriptor that lives on here would keep clients of the container waiting for its end.
void keep_only(FdRef output) {
  if (::dup2(output.get(), STDOUT_FILENO) < 0) throw Error::from_errno(errno, "pass the output on");
  ::close(STDIN_FILENO);
  ::close(STDERR_FILENO);
  if (::close_range(3, ~0U, 0) < 0) throw Error::from_errno(errno, "close descriptors");
}

void drop_privileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
    throw Error::from_errno(errno, "lock this process");
  }
  if (::geteuid() != 0) return;
  if (::setgroups(0, nullptr) < 0 || ::setresgid(nobody, nobody, nobody) < 0 ||
      ::setresuid(nobody, nobody, nobody) < 0) {
    throw Error::from_errno(errno, "become nobody");
  }
}

UniqueFd connect_to(const std::string& address, std::uint16_t port) {
  const auto target = make_socket_address(parse_ip(address), port);
  UniqueFd socket{::socket(target.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!socket || ::connect(socket.get(), target.generic(), target.size) < 0) {
    throw Error::from_errno(errno, "connect to {}:{}", address.contains(':') ? "[" + address + "]" : address, port);
  }
  return socket;
}

/// The first address that takes the connection; throws what the first one said.
UniqueFd connect_to_any(const NetworkProbe& probe) {
  std::optional<Error> first;
  for (const auto& address : probe.addresses) {
    try {
      return connect_to(address, probe.port);
    } catch (const Error& error) {
      if (!first) first = error;
    }
  }
  throw first.value_or(Error{Kind::invalid, "no address to connect to"});
}

/// Without the line's end; what has come behind it is dropped.
std::string read_status_line(FdRef socket) {
  std::string line;
  while (line.size() < longest_status_line) {
    std::array<char, 256> bytes{};
    const auto count = read_some(socket, bytes);
    line.append(bytes.data(), count);
    if (const auto end = line.find('\n'); end != std::string::npos) return std::string{trim(line.substr(0, end))};
    if (count == 0) break;
  }
  if (line.empty()) throw Error{Kind::corrupt, "the connection was closed without an answer"};
  throw Error{Kind::corrupt, "the answer is not HTTP: {}", quote(line.substr(0, 64))};
}

void read_rest(FdRef socket) noexcept {
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &rest_patience, sizeof rest_patience);
  std::array<char, 4096> bytes{};
  for (std::size_t total = 0; total < longest_answer;) {
    const auto count = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
    if (count <= 0) return;
    total += static_cast<std::size_t>(count);
  }
}

/// "HTTP/1.1 404 Not Found": all from 200 to 399 is good.
Answer judge(const std::string& line) {
  const auto parts = split_once(line, ' ');
  const auto code = parts ? parse_number<int>(parts->second.substr(0, 3)) : std::nullopt;
  if (!line.starts_with("HTTP/") || !code) {
    throw Error{Kind::corrupt, "the answer is not HTTP: {}", quote(line.substr(0, 64))};
  }
  return {*code >= 200 && *code < 400, fmt::format("HTTP {}", parts->second)};
}

Answer ask(const NetworkProbe& probe) {
  const auto socket = connect_to_any(probe);
  if (probe.request.empty()) return {true, fmt::format("connected to port {}", probe.port)};
  write_all(socket, probe.request);
  auto answer = judge(read_status_line(socket));
  read_rest(socket);
  return answer;
}

[[noreturn]] void run(pid_t init, const NetworkProbe& probe, FdRef output) noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  ::setsid();
  ::signal(SIGPIPE, SIG_IGN);
  Answer answer;
  try {
    keep_only(output);
    enter_network_of(init);
    drop_privileges();
    answer = ask(probe);
  } catch (...) {
    answer.text = current_error().message();
  }
  const auto ignored = ::write(STDOUT_FILENO, answer.text.data(), answer.text.size());
  static_cast<void>(ignored);
  ::_exit(answer.is_good ? 0 : 1);
}

}  // namespace

runtime::Exec start_network_probe(pid_t init, const NetworkProbe& probe, FdRef output) {
  auto child = kernel::clone_process(0);
  if (!child) run(init, probe, output);
  runtime::Exec started;
  started.pid = child->pid();
  started.pidfd = child->release();
  return started;
}

}  // namespace berth::shim
