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

/// How the container's output is kept. Mirrors HostConfig.LogConfig, already checked and with defaults filled in.
struct LogSettings {
  std::string driver = "json-file";          ///< json-file, local or none
  std::string path;                          ///< absolute path of the file
  std::int64_t max_size = 0;                 ///< bytes per file; 0: unbounded
  int max_file = 1;                          ///< number of files kept, the present one included
  bool compress = false;                     ///< rotated files as .gz
  std::map<std::string, std::string> attrs;  ///< "attrs" of each line (labels, env)
};
BOOST_DESCRIBE_STRUCT(LogSettings, (), (driver, path, max_size, max_file, compress, attrs))

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

/// What a further process of the container is made of. It travels as a file of its own (a memfd), which the shim keeps:
/// a daemon that comes back gets it again.
struct ExecSettings {
  oci::runtime::Process process;
  std::string user;  ///< Docker's User, resolved inside the container
  std::vector<std::string> group_add;
  std::string seccomp_filter;  ///< path of the compiled filter; empty: unconfined
  json::Value info;            ///< the daemon's own
};
BOOST_DESCRIBE_STRUCT(ExecSettings, (), (process, user, group_add, seccomp_filter, info))

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
