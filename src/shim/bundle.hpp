// shim: the monitor of one container, the messages that berthd and a shim exchange, and berthd's side of them
// (client/).
//
// The monitor (monitor/) makes the container with runtime/, owns its standard streams, its log and its exit status, and
// goes on when the daemon dies. It is a static, single-threaded program. This file is what both sides share: the files
// of a bundle. The messages are in protocol.hpp.
//
// Uses: base, oci, runtime.   Used by: containers (client/), bin (monitor/).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "oci/runtime_spec.hpp"

namespace berth::shim {

/// Where a log driver sends its messages.
struct LogAddress {
  std::string transport;  ///< unix, unixgram, udp or tcp
  std::string address;    ///< a path, or numbers with a port: "127.0.0.1:514", "[::1]:514"
};
BOOST_DESCRIBE_STRUCT(LogAddress, (), (transport, address))

/// What a log driver needs that sends its messages elsewhere. Names are resolved and tags expanded by the daemon.
struct LogReceiver {
  std::vector<LogAddress> addresses;          ///< the first that can be connected to is used; empty: no receiver
  std::string tag;                            ///< syslog, fluentd
  int facility = 3;                           ///< syslog: daemon
  std::string format;                         ///< syslog: empty, rfc3164, rfc5424 or rfc5424micro
  std::string hostname;                       ///< syslog
  std::map<std::string, std::string> fields;  ///< of each record (fluentd), of each message (journald), ready-made
  bool async = false;                         ///< fluentd: a start does not wait for the connection
  bool request_ack = false;                   ///< fluentd
  bool sub_second = false;                    ///< fluentd: times with nanoseconds
  std::int64_t buffer_limit = 1 << 20;        ///< bytes that wait for the receiver in the shim
  std::int64_t retry_wait_ms = 1000;          ///< between the first two attempts to connect again
  std::int64_t max_retries = 0x7fffffff;      ///< then what waits is given up
  std::int64_t write_timeout_ms = 0;          ///< a receiver that takes nothing for so long is disconnected; 0: never
};
BOOST_DESCRIBE_STRUCT(LogReceiver, (),
                      (addresses, tag, facility, format, hostname, fields, async, request_ack, sub_second, buffer_limit,
                       retry_wait_ms, max_retries, write_timeout_ms))

/// How the container's output is kept. Mirrors HostConfig.LogConfig, already checked and with defaults filled in.
struct LogSettings {
  std::string driver = "json-file";          ///< json-file, local, none, syslog, journald or fluentd
  std::string path;                          ///< absolute path of the file; empty: no file is kept
  std::int64_t max_size = 0;                 ///< bytes per file; 0: unbounded
  int max_file = 1;                          ///< number of files kept, the present one included
  bool compress = false;                     ///< rotated files as .gz
  std::map<std::string, std::string> attrs;  ///< "attrs" of each line in the file (labels, env)
  bool non_blocking = false;                 ///< drops messages rather than hold the container
  std::int64_t max_buffer_size = 1'000'000;  ///< with non_blocking: bytes of messages that may wait
  LogReceiver receiver;
};
BOOST_DESCRIBE_STRUCT(LogSettings, (),
                      (driver, path, max_size, max_file, compress, attrs, non_blocking, max_buffer_size, receiver))

struct OverlayRoot {
  std::vector<std::string> lower;  ///< absolute, topmost first
  std::string upper;
  std::string work;
};
BOOST_DESCRIBE_STRUCT(OverlayRoot, (), (lower, upper, work))

/// berth.json of a bundle: what the runtime-spec's config.json has no place for.
struct BundleSettings {
  std::string id;
  std::string user;  ///< Docker's User, resolved inside the image
  std::vector<std::string> group_add;
  OverlayRoot rootfs;
  std::string seccomp_filter;  ///< path of the compiled filter; empty: unconfined
  bool tty = false;
  bool open_stdin = false;
  bool stdin_once = false;
  LogSettings log;
};
BOOST_DESCRIBE_STRUCT(BundleSettings, (),
                      (id, user, group_add, rootfs, seccomp_filter, tty, open_stdin, stdin_once, log))

/// Asked over the container's network in place of a process: a TCP connection and, with a request, an HTTP answer.
struct NetworkProbe {
  std::vector<std::string> addresses;  ///< numeric; the first that takes the connection
  std::uint16_t port = 0;
  std::string request;  ///< HTTP; empty: a connection is all
};
BOOST_DESCRIBE_STRUCT(NetworkProbe, (), (addresses, port, request))

/// What a further process of the container is made of. It travels as a file of its own (a memfd), which the shim keeps:
/// a daemon that comes back gets it again.
struct ExecSettings {
  oci::runtime::Process process;
  std::string user;  ///< Docker's User, resolved inside the container
  std::vector<std::string> group_add;
  std::string seccomp_filter;                 ///< path of the compiled filter; empty: unconfined
  json::Value info;                           ///< the daemon's own
  std::optional<NetworkProbe> network_probe;  ///< in place of the process
};
BOOST_DESCRIBE_STRUCT(ExecSettings, (), (process, user, group_add, seccomp_filter, info, network_probe))

/// exit.json of a bundle, and the "exit" event.
struct ExitStatus {
  int exit_code = 0;  ///< 128+n for a signal
  bool oom_killed = false;
  std::string finished_at;  ///< RFC 3339
  std::string started_at;
};
BOOST_DESCRIBE_STRUCT(ExitStatus, (), (exit_code, oom_killed, finished_at, started_at))

inline constexpr const char* config_file = "config.json";
inline constexpr const char* settings_file = "berth.json";
inline constexpr const char* exit_file = "exit.json";
inline constexpr const char* socket_file = "shim.sock";

}  // namespace berth::shim
