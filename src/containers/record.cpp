#include "containers/record.hpp"

#include <array>
#include <utility>

#include "base/error.hpp"
#include "containers/network_mode.hpp"

namespace berth::containers {
namespace {

constexpr std::array status_words = {
    std::pair{Status::created, std::string_view{"created"}},
    std::pair{Status::running, std::string_view{"running"}},
    std::pair{Status::paused, std::string_view{"paused"}},
    std::pair{Status::restarting, std::string_view{"restarting"}},
    std::pair{Status::removing, std::string_view{"removing"}},
    std::pair{Status::exited, std::string_view{"exited"}},
    std::pair{Status::dead, std::string_view{"dead"}},
};

struct StoredState {
  std::string status;
  std::int64_t pid = 0, exit_code = 0;
  bool oom_killed = false;
  std::string error, started_at, finished_at;
  std::int64_t restart_count = 0;
  bool manually_stopped = false;
  std::optional<Health> health;
};
BOOST_DESCRIBE_STRUCT(StoredState, (),
                      (status, pid, exit_code, oom_killed, error, started_at, finished_at, restart_count,
                       manually_stopped, health))

/// Ports as they are kept in memory: rows of versions before that had them one by one, where the API shows them.
struct StoredDefinition : Definition {
  json::OmitEmpty<std::vector<PortRun>> exposed_ports, port_bindings;
};
BOOST_DESCRIBE_STRUCT(StoredDefinition, (Definition), (exposed_ports, port_bindings))

std::string store(const Definition& definition) {
  StoredDefinition stored{definition, definition.config.ExposedPorts.runs(),
                          definition.host_config.PortBindings.runs()};
  stored.config.ExposedPorts = ExposedPorts{};
  stored.host_config.PortBindings = PortBindings{};
  return json::write(stored);
}

Definition load(std::string_view text) {
  auto stored = json::parse<StoredDefinition>(text);
  if (!stored.exposed_ports.empty()) stored.config.ExposedPorts = ExposedPorts{std::move(stored.exposed_ports)};
  if (!stored.port_bindings.empty()) stored.host_config.PortBindings = PortBindings{std::move(stored.port_bindings)};
  return stored;
}

constexpr std::string_view create_table = R"(
  CREATE TABLE containers (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    created    INTEGER NOT NULL,   -- nanoseconds since the epoch
    definition TEXT NOT NULL,      -- JSON
    state      TEXT NOT NULL       -- JSON
  ) STRICT, WITHOUT ROWID)";

}  // namespace

std::string_view to_string(Status status) noexcept {
  for (const auto& [value, word] : status_words) {
    if (value == status) return word;
  }
  return "dead";
}

std::optional<Status> parse_status(std::string_view text) noexcept {
  for (const auto& [value, word] : status_words) {
    if (word == text) return value;
  }
  return std::nullopt;
}

Endpoints endpoints_of(const Definition& definition) {
  const auto& mode = definition.host_config.NetworkMode;
  if (definition.endpoints || is_container_mode(mode)) return definition.endpoints.value_or(Endpoints{});
  return {{network_of(mode), {}}};
}

State State::from_json(const json::Value& value) {
  const auto stored = json::from<StoredState>(value);
  State state;
  state.status = parse_status(stored.status).value_or(Status::dead);
  state.pid = static_cast<pid_t>(stored.pid);
  state.exit_code = static_cast<int>(stored.exit_code);
  state.oom_killed = stored.oom_killed;
  state.error = stored.error;
  state.started_at = parse_rfc3339(stored.started_at).value_or(Time::min());
  state.finished_at = parse_rfc3339(stored.finished_at).value_or(Time::min());
  state.restart_count = static_cast<int>(stored.restart_count);
  state.manually_stopped = stored.manually_stopped;
  state.health = stored.health;
  return state;
}

json::Value State::to_json() const {
  return json::to(StoredState{std::string{to_string(status)}, pid, exit_code, oom_killed, error, to_rfc3339(started_at),
                              to_rfc3339(finished_at), restart_count, manually_stopped, health});
}

RecordStore::RecordStore(metadata::Database& database) : database_(database) {
  database_.migrate("containers", {create_table});
}

void RecordStore::add(const Record& record) {
  database_.run("INSERT INTO containers VALUES (?, ?, ?, ?, ?)",
                {record.id, record.name, static_cast<std::int64_t>(record.created.time_since_epoch().count()),
                 store(record.definition), json::write(record.state.to_json())});
}

void RecordStore::update_state(const std::string& id, const State& state) {
  database_.run("UPDATE containers SET state = ? WHERE id = ?", {json::write(state.to_json()), id});
}

void RecordStore::update_definition(const std::string& id, const Definition& definition) {
  database_.run("UPDATE containers SET definition = ? WHERE id = ?", {store(definition), id});
}

void RecordStore::rename(const std::string& id, const std::string& name) {
  database_.run("UPDATE containers SET name = ? WHERE id = ?", {name, id});
}

void RecordStore::remove(const std::string& id) {
  database_.run("DELETE FROM containers WHERE id = ?", {id});
}

std::vector<Record> RecordStore::all() {
  std::vector<Record> records;
  database_.query("SELECT id, name, created, definition, state FROM containers", {}, [&](const metadata::Row& row) {
    Record record;
    record.id = row.text(0);
    record.name = row.text(1);
    record.created = Time{std::chrono::nanoseconds{row.integer(2)}};
    record.definition = load(row.text(3));
    record.state = json::parse<State>(row.text(4));
    records.push_back(std::move(record));
  });
  return records;
}

}  // namespace berth::containers
