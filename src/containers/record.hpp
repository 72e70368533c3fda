// What is kept of a container: one row of the database.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "containers/config.hpp"
#include "containers/health.hpp"
#include "metadata/database.hpp"
#include "oci/digest.hpp"

namespace berth::containers {

enum class Status { created, running, paused, restarting, removing, exited, dead };

/// The word of the Engine API.
std::string_view to_string(Status status) noexcept;
std::optional<Status> parse_status(std::string_view text) noexcept;

/// The part that changes while the container lives.
struct State {
  Status status = Status::created;
  pid_t pid = 0;
  int exit_code = 0;
  bool oom_killed = false;
  std::string error;
  Time started_at = Time::min();
  Time finished_at = Time::min();
  int restart_count = 0;          ///< by its restart policy, since somebody started it
  bool manually_stopped = false;  ///< by a stop or a signal, since somebody started it
  std::optional<Health> health;   ///< with a health check, once it has been started

  /// The API's State.Running, which counts a container that waits for its next run.
  [[nodiscard]] bool running() const noexcept { return has_process() || status == Status::restarting; }
  [[nodiscard]] bool has_process() const noexcept { return status == Status::running || status == Status::paused; }
  static State from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;
};

/// The part that is fixed at creation, but for the limits and the restart policy, which `update` changes, and the
/// networks.
struct Definition {
  oci::Digest image_id;
  std::string path;  ///< the program
  std::vector<std::string> args;
  Config config;  ///< merged with the image's
  HostConfig host_config;
  /// By names of networks, or what the user wrote where there was no such network. Absent in rows of versions that had
  /// no networks: then what the mode says.
  json::Nullable<Endpoints> endpoints;
};
BOOST_DESCRIBE_STRUCT(Definition, (), (image_id, path, args, config, host_config, endpoints))

/// Its networks: none for a container in the network of another one.
Endpoints endpoints_of(const Definition& definition);

struct Record {
  std::string id;
  std::string name;  ///< without the slash
  Time created = Time::min();
  Definition definition;
  State state;
};

/// The table of containers. Throws `conflict` when a name is taken.
class RecordStore {
 public:
  explicit RecordStore(metadata::Database& database);
  void add(const Record& record);
  void update_state(const std::string& id, const State& state);
  void update_definition(const std::string& id, const Definition& definition);
  void rename(const std::string& id, const std::string& name);
  void remove(const std::string& id);
  std::vector<Record> all();

 private:
  metadata::Database& database_;
};

}  // namespace berth::containers
