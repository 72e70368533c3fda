// The messages between berthd and a shim: one JSON object per packet of a SOCK_SEQPACKET socket, with descriptors
// beside it.
//
// A request carries "op" and gets exactly one Reply, in order; events carry "event" and may come between. A shim
// inherits its first connection as descriptor 3 and waits there for "start"; from then on it also listens on
// <socket_dir>/shim.sock, where each new connection gets the "state" event at once. Events go to all connections:
// "exit" is an ExitStatus (bundle.hpp), "exec_exit" an ExecExit, "detach" a DetachEvent, and "warning" tells of a fault
// after which the container goes on.
//
//   start    StartRequest, one descriptor per attachment, those to keep, then the network namespace if it says so
//                                                           -> pid, started_at; or exit_code 126/127 and the error
//   attach   Attach + one descriptor                        -> ok once the client gets the container's output
//   resize   ResizeRequest                                  -> ok, without a terminal too: there is nothing to do
//   signal   SignalRequest                                  -> ok, `conflict` if process 1 has ended
//   exec     ExecRequest, a file with ExecSettings, and the client's connection if there is an attachment
//                                                           -> pid; or exit_code 126/127 and the error
//   exec_resize, exec_signal                                -> ok, `not_found` if there is no such process any more
//   execs    ExecsRequest                                   -> execs, with the file of each as descriptor
//   relay    RelayRequest, and a TCP listener               -> ok once connections are taken; without: no more are
//   relay_datagrams  RelayRequest, and a UDP socket for each target
//                                                           -> ok once they are served; without: no more are
//   relayed                                                 -> ok, with the listener and the sockets of these two
//   keep     descriptors                                    -> ok: they live as long as the container, in place of
//                                                           those before
//   kept                                                    -> ok, with these descriptors
//   ping                                                    -> ok
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/json.hpp"

namespace berth::shim {

/// Beyond this, and beyond `max_passed_fds`, a packet is refused by both sides.
inline constexpr std::size_t max_message_size = 128U << 10U;
/// Bytes of a client that may travel as Attach::pending.
inline constexpr std::size_t max_pending_size = 64U << 10U;

/// The descriptor on which a spawned shim finds its first connection.
inline constexpr int control_fd = 3;

struct Message {
  json::Value body;
  std::vector<UniqueFd> fds;
};

enum class Wait { yes, no };
enum class Receipt { message, closed, nothing };

/// Sends one packet. Throws `unavailable` if the peer has gone, or if it would block and `wait` forbids that.
void send_message(FdRef socket, const json::Value& body, std::span<const FdRef> fds = {}, Wait wait = Wait::yes);

/// Receives one packet; `nothing` only with Wait::no. Throws `corrupt` for what is no JSON object, is truncated or too
/// long.
Receipt receive_message(FdRef socket, Message& message, Wait wait);

/// A socket that listens at <directory>/shim.sock; the path may be longer than a socket address holds. A stale one is
/// replaced.
UniqueFd listen_at(FdRef directory);
/// A connection to <directory>/shim.sock; empty if nobody listens there.
UniqueFd connect_at(const fs::path& directory);

/// One client connection and what it wants.
struct Attach {
  bool stdin_ = false;
  bool stdout_ = false;
  bool stderr_ = false;
  bool multiplexed = true;  ///< 8-byte stream headers
  std::string detach_keys;  ///< empty: Docker's default
  std::string pending;      ///< base64 of bytes that the client has sent already
};
BOOST_DESCRIBE_STRUCT(Attach, (), (stdin_, stdout_, stderr_, multiplexed, detach_keys, pending))

struct StartRequest {
  std::string op = "start";
  std::string bundle;
  std::string socket_dir;
  std::vector<Attach> attach;      ///< in the order of the descriptors
  unsigned keep = 0;               ///< so many more descriptors, as those of "keep"
  bool network_namespace = false;  ///< the last descriptor is the network namespace that the container is to be in
};
BOOST_DESCRIBE_STRUCT(StartRequest, (), (op, bundle, socket_dir, attach, keep, network_namespace))

struct ResizeRequest {
  std::string op = "resize";
  unsigned height = 0;
  unsigned width = 0;
};
BOOST_DESCRIBE_STRUCT(ResizeRequest, (), (op, height, width))

struct SignalRequest {
  std::string op = "signal";
  int signal = 0;
};
BOOST_DESCRIBE_STRUCT(SignalRequest, (), (op, signal))

/// A further process. The descriptors are the file of its ExecSettings and, if it is attached, the client's connection.
struct ExecRequest {
  std::string op = "exec";
  std::string id;
  bool stdin_ = false;  ///< which of the streams lead to the shim; the others are /dev/null
  bool stdout_ = false;
  bool stderr_ = false;
  std::vector<Attach> attach;   ///< none or one
  std::int64_t timeout_ms = 0;  ///< killed after that; 0: never
  std::uint64_t capture = 0;  ///< bytes of output to keep for ExecExit; who asks for it does not ask for `execs` later
};
BOOST_DESCRIBE_STRUCT(ExecRequest, (), (op, id, stdin_, stdout_, stderr_, attach, timeout_ms, capture))

/// "exec_resize" (with height and width) or "exec_signal" (with signal).
struct ExecControl {
  std::string op;
  std::string id;
  unsigned height = 0;
  unsigned width = 0;
  int signal = 0;
};
BOOST_DESCRIBE_STRUCT(ExecControl, (), (op, id, height, width, signal))

/// Published ports of the host, and the address and first port of the container that they lead to, one to one.
struct RelayTarget {
  std::uint16_t host_first = 0;
  std::uint16_t host_last = 0;
  std::string address;  ///< numeric
  std::uint16_t container_first = 0;
};
BOOST_DESCRIBE_STRUCT(RelayTarget, (), (host_first, host_last, address, container_first))

/// For clients by IPv6 whom the kernel cannot lead to the container. The listener is where it redirects connections to;
/// UDP sockets are bound to the published ports themselves, one for each target.
struct RelayRequest {
  std::string op = "relay";
  std::vector<RelayTarget> targets;
};
BOOST_DESCRIBE_STRUCT(RelayRequest, (), (op, targets))

/// Asks for the further processes from the n-th on: those that run, and the last of those that have ended.
struct ExecsRequest {
  std::string op = "execs";
  std::uint64_t from = 0;
};
BOOST_DESCRIBE_STRUCT(ExecsRequest, (), (op, from))

struct ExecState {
  std::string id;
  int pid = 0;
  bool running = false;
  int exit_code = 0;
};
BOOST_DESCRIBE_STRUCT(ExecState, (), (id, pid, running, exit_code))

struct Reply {
  bool ok = true;
  std::string kind;  ///< of the error
  int errno_ = 0;
  std::string message;
  int exit_code = 0;  ///< of a failed start: 126 or 127 if the program itself was the problem
  int pid = 0;        ///< process 1, of a start; the process, of an exec
  std::string started_at;
  std::vector<ExecState> execs;  ///< at most `max_passed_fds`; fewer: the last
};
BOOST_DESCRIBE_STRUCT(Reply, (), (ok, kind, errno_, message, exit_code, pid, started_at, execs))

/// A further process has ended, and its client has or will get all output.
struct ExecExit {
  std::string event = "exec_exit";
  std::string id;
  int exit_code = 0;  ///< 128+n for a signal
  bool timed_out = false;
  std::string output;  ///< base64 of what was captured
};
BOOST_DESCRIBE_STRUCT(ExecExit, (), (event, id, exit_code, timed_out, output))

/// A client has left by its detach keys.
struct DetachEvent {
  std::string event = "detach";
  std::string exec;  ///< the ID of the further process; empty: it was attached to the container
};
BOOST_DESCRIBE_STRUCT(DetachEvent, (), (event, exec))

struct StateEvent {
  std::string event = "state";
  int pid = 0;
  std::string started_at;
};
BOOST_DESCRIBE_STRUCT(StateEvent, (), (event, pid, started_at))

/// An error as a Reply, and back.
Reply failure_reply(const Error& error);
Error error_of(const Reply& reply);

/// The text of a string member of a message; empty if it has none.
std::string text_member(const json::Value& body, std::string_view name);

}  // namespace berth::shim
