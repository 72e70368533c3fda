// containers: the lifecycle of containers, from create to remove.
//
// Keeps one record per container in the database, one state machine and one mutex per container in memory, and one shim
// per running container. Operations are shaped like the Engine API: the api module decodes, calls one of them and
// encodes. Nothing here knows HTTP. Errors carry Docker's texts where scripts match them.
//
// Uses: base, oci, linux, seccomp, metadata, runtime, shim, images, logs, network.   Used by: engine, api.   Threads:
// any.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/filters.hpp"
#include "base/time.hpp"
#include "containers/config.hpp"
#include "containers/exec.hpp"
#include "containers/inspect.hpp"
#include "containers/settings.hpp"
#include "containers/stats.hpp"
#include "shim/client/shim_client.hpp"

namespace berth::containers {

struct CreateRequest {
  std::string name;      ///< empty: one is made up
  std::string platform;  ///< "" or "linux/amd64"
  Config config;
  HostConfig host_config;
  NetworkingConfig networking;
};

/// The answer of POST /containers/create.
struct Created {
  std::string Id;
  std::vector<std::string> Warnings;
};
BOOST_DESCRIBE_STRUCT(Created, (), (Id, Warnings))

struct ListRequest {
  bool all = false;
  int limit = -1;  ///< newest first; implies all when positive
  bool size = false;
  Filters filters;
};

struct RemoveRequest {
  bool force = false;
  bool volumes = false;
  bool link = false;
};

enum class WaitCondition { not_running, next_exit, removed };

/// What a container's wait answers.
struct WaitResult {
  struct Problem {
    std::string Message;
  };
  std::int64_t StatusCode = 0;
  std::optional<Problem> Error;
};
BOOST_DESCRIBE_STRUCT(WaitResult::Problem, (), (Message))
BOOST_DESCRIBE_STRUCT(WaitResult, (), (StatusCode, Error))

/// The answer of GET /containers/{id}/top: lines of ps.
struct Processes {
  std::vector<std::vector<std::string>> Processes_;
  std::vector<std::string> Titles;
};
BOOST_DESCRIBE_STRUCT(Processes, (), (Processes_, Titles))

struct StatsRequest {
  bool stream = true;
  bool one_shot = false;  ///< one sample at once, without the times of one before
};

/// The answer of POST /containers/{id}/update.
struct Updated {
  json::Nullable<std::vector<std::string>> Warnings;  ///< null without any, unlike those of create: as Docker answers
};
BOOST_DESCRIBE_STRUCT(Updated, (), (Warnings))

/// The answer of POST /containers/prune.
struct PruneReport {
  json::Nullable<std::vector<std::string>> ContainersDeleted;
  std::uint64_t SpaceReclaimed = 0;
};
BOOST_DESCRIBE_STRUCT(PruneReport, (), (ContainersDeleted, SpaceReclaimed))

struct AttachRequest {
  bool logs = false;    ///< first what was logged so far
  bool stream = false;  ///< then what comes
  bool stdin_ = false, stdout_ = false, stderr_ = false;
  std::string detach_keys;
};

class Container;
class Arrival;

/// A container that can be attached to: checked before the connection is hijacked, so that errors are still answers.
struct AttachTarget {
  std::shared_ptr<Container> container;
  AttachRequest request;
  bool tty = false;
  std::shared_ptr<Arrival> arrival;  ///< keeps a start waiting for this client
};

/// Where a container's output is kept, for the logs endpoint.
struct LogSource {
  std::string id;
  fs::path path;  ///< empty: its driver keeps nothing that can be read
  bool tty = false;
  /// Readable, and stays so, once nothing more will be written: the container is not running.
  std::shared_ptr<UniqueFd> finished;
};

class Containers {
 public:
  Containers(const Settings& settings, Collaborators collaborators);
  ~Containers();
  Containers(const Containers&) = delete;
  Containers& operator=(const Containers&) = delete;

  /// Finds again what ran before: reconnects shims, reads exit statuses, removes what is recorded nowhere. Call once,
  /// first.
  void recover();
  /// Starts, in the background, what ended meanwhile and is to run by its restart policy. Call when the API answers.
  void resume();

  Created create(CreateRequest request);
  /// Returns false if it already runs (304).
  bool start(const std::string& name);
  /// `timeout`: seconds before SIGKILL, -1 for ever, absent: the container's own. Returns false if it is not running
  /// (304).
  bool stop(const std::string& name, std::optional<int> timeout, const std::string& signal);
  void restart(const std::string& name, std::optional<int> timeout, const std::string& signal);
  void pause(const std::string& name);
  void unpause(const std::string& name);
  /// `signal`: "KILL", "SIGKILL" or a number; 409 if it is not running.
  void kill(const std::string& name, const std::string& signal);
  /// Blocks until the condition holds; throws `cancelled` once `client` hangs up. `accepted` runs when the container
  /// was found and the wait has begun: the answer's head is sent then, before the result is known.
  WaitResult wait(const std::string& name, WaitCondition condition, FdRef client,
                  const std::function<void()>& accepted);
  void rename(const std::string& name, const std::string& new_name);
  void remove(const std::string& name, const RemoveRequest& request);
  /// One more network, by its name or ID; at once if it runs, else when it starts. Throws `not_found` (either of them),
  /// `forbidden` if it runs and is on it, `invalid` for settings that do not fit.
  void connect_network(const std::string& name, const std::string& network, network::EndpointConfig config);
  /// `force`: also from a network that has gone.
  void disconnect_network(const std::string& name, const std::string& network, bool force);
  void resize(const std::string& name, unsigned height, unsigned width);

  /// Runs the host's ps with these arguments ("": -ef) and keeps the lines of the container's processes.
  Processes top(const std::string& name, const std::string& ps_args);
  /// Calls `send` with samples, one each second if it is a stream: until the container is removed, and through stops
  /// and starts. Throws `cancelled` once `client` hangs up.
  void stats(const std::string& name, const StatsRequest& request, FdRef client,
             const std::function<void(const Stats&)>& send);
  /// Changes limits and the restart policy, at once if it runs. Members of `request` that are zero, empty or null stay
  /// as they are.
  Updated update(const std::string& name, UpdateRequest request);
  /// Removes what does not run. Filters: until, label, label!. Throws `conflict` while another prune is under way.
  PruneReport prune(const Filters& filters);

  std::vector<Summary> list(const ListRequest& request);
  Inspect inspect(const std::string& name, bool size);
  LogSource log_source(const std::string& name);

  AttachTarget attach_target(const std::string& name, AttachRequest request);
  /// Hands the hijacked connection on: now if the container runs, otherwise when it starts. `accepted` sends the
  /// answer's head; a start that the client asks for upon reading it finds the connection already there. It must not
  /// block.
  void attach(const AttachTarget& target, shim::Attachment attachment, const std::function<void()>& accepted);

  /// A further process of a running container, not started yet; returns its ID.
  std::string create_exec(const std::string& name, ExecConfig config);
  ExecTarget exec_target(const std::string& id, ExecStart start);
  /// Returns once it runs. With a client its connection is the shim's from then on; null: detached. Throws `invalid`
  /// with Docker's text if its program cannot be executed; the connection stays the caller's.
  void start_exec(const ExecTarget& target, shim::Attachment* client);
  /// Waits a while for one that is not started yet.
  void resize_exec(const std::string& id, unsigned height, unsigned width);
  /// Whoever has read its output to the end finds its exit code here.
  ExecInspect inspect_exec(const std::string& id);

  /// How many are running, paused and stopped, for /info.
  struct Counts {
    int total = 0, running = 0, paused = 0, stopped = 0;
  };
  Counts counts();

  /// Containers made from an image, for the image store's in-use check.
  struct ImageUse {
    std::string container_id;
    std::string image_id;  ///< "sha256:..."
    bool running = false;
    std::string image_reference;  ///< what the user typed
  };
  std::vector<ImageUse> image_uses();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth::containers
