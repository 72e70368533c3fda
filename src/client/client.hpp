// client: the Engine API as C++ calls.
//
// A thin layer: a call is one request, an answer is its JSON as it came. Knows paths, parameters and statuses; how
// things are shown is left to cli/. Errors are thrown as `berth::Error` with the daemon's sentence, prefixed as
// docker's clients do.
//
//   Client client{parse_host("unix:///run/berth/berth.sock"), "1.51"};
//   for (const auto& container : client.containers().list({.all = true})) use(container);
//
// Uses: base.   Used by: cli, compose.   Threads: one per Client.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "client/http.hpp"

namespace berth::client {

class Client;

inline constexpr std::string_view api_version = "1.51";

/// Parameters of a request; those with an empty value are left out.
using Query = std::vector<std::pair<std::string_view, std::string>>;

/// `--filter` of list commands: name to values, sent as {"name": ["value", ...]}.
using Filters = std::map<std::string, std::vector<std::string>>;

/// A request whose answer has not been read yet.
class Pending {
 public:
  explicit Pending(Connection connection) : connection_(std::move(connection)) {}

  /// Waits for status and headers; throws the daemon's error.
  Head accept();
  [[nodiscard]] FdRef socket() const noexcept { return connection_.socket(); }
  Connection& connection() noexcept { return connection_; }

 private:
  Connection connection_;
};

/// An answer that comes in pieces: logs, events, progress.
class Stream {
 public:
  Stream(Connection connection, std::string content_type)
      : connection_(std::move(connection)), content_type_(std::move(content_type)) {}

  /// 0 at the end.
  std::size_t read_some(std::span<char> buffer) { return connection_.read_some(buffer); }
  /// The next JSON document of a sequence of them; nothing at the end.
  std::optional<json::Value> next();
  [[nodiscard]] const std::string& content_type() const noexcept { return content_type_; }
  [[nodiscard]] FdRef socket() const noexcept { return connection_.socket(); }

 private:
  Connection connection_;
  std::string content_type_;
  std::string rest_;  ///< read, not yet returned by next()
};

struct Exit {
  int status = 0;
  std::string error;  ///< why the daemon could not wait
};

/// A `wait` under way.
class Waiting : public Pending {
 public:
  using Pending::Pending;
  /// Blocks until the container is in the state waited for.
  Exit result();
};

struct ListOptions {
  bool all = false;
  bool size = false;
  std::int64_t limit = 0;
  Filters filters;
};

struct AttachOptions {
  bool stdin_ = false;
  bool stdout_ = true;
  bool stderr_ = true;
  bool logs = false;
  std::string detach_keys;
};

struct LogOptions {
  bool follow = false;
  bool timestamps = false;
  bool details = false;
  std::string since;
  std::string until;
  std::string tail;
};

struct Created {
  std::string id;
  std::vector<std::string> warnings;
};

class Containers {
 public:
  explicit Containers(Client& client) : client_(client) {}

  json::Array list(const ListOptions& options);
  /// `body`: Config with HostConfig and NetworkingConfig.
  Created create(const std::string& name, const std::string& platform, const json::Value& body);
  json::Value inspect(const std::string& id, bool size = false);
  void start(const std::string& id, const std::string& detach_keys = {});
  void stop(const std::string& id, const std::string& signal, std::optional<std::int64_t> seconds);
  void restart(const std::string& id, const std::string& signal, std::optional<std::int64_t> seconds);
  void kill(const std::string& id, const std::string& signal);
  void pause(const std::string& id);
  void unpause(const std::string& id);
  void rename(const std::string& id, const std::string& name);
  void resize(const std::string& id, unsigned height, unsigned width);
  /// `body`: UpdateConfig. Returns warnings.
  std::vector<std::string> update(const std::string& id, const json::Value& body);
  /// `body`: ExecConfig. Returns the ID of what can be started now.
  std::string create_exec(const std::string& id, const json::Value& body);

  struct RemoveOptions {
    bool force = false;
    bool volumes = false;
    bool link = false;
  };
  void remove(const std::string& id, const RemoveOptions& options);

  /// Both send on a connection of their own and return before the answer: accept() it.
  Pending attach(const std::string& id, const AttachOptions& options);
  Waiting wait(const std::string& id, std::string_view condition);

  Stream logs(const std::string& id, const LogOptions& options);
  Stream export_(const std::string& id);
  json::Value top(const std::string& id, const std::string& ps_arguments);
  /// Readings as a stream of JSON documents: one each second, or only one. Returns before the answer: accept() it.
  Pending stats(const std::string& id, bool follow);
  json::Array changes(const std::string& id);
  json::Value prune(const Filters& filters);

 private:
  Client& client_;
};

/// Further processes in containers.
class Execs {
 public:
  explicit Execs(Client& client) : client_(client) {}

  /// Starts without streams. `body`: ExecStartConfig.
  void start_detached(const std::string& id, const json::Value& body);
  /// Sends on a connection of its own and returns before the answer: accept() and hijack() it.
  Pending start(const std::string& id, const json::Value& body);
  void resize(const std::string& id, unsigned height, unsigned width);
  json::Value inspect(const std::string& id);

 private:
  Client& client_;
};

/// Fills the buffer with the next bytes to send; 0 at the end.
using Source = std::function<std::size_t(std::span<char>)>;

class Images {
 public:
  explicit Images(Client& client) : client_(client) {}

  json::Array list(bool all, const Filters& filters);
  json::Value inspect(const std::string& name);
  json::Array history(const std::string& name);
  void tag(const std::string& name, const std::string& repository, const std::string& tag);
  json::Array remove(const std::string& name, bool force, bool prune_parents);
  json::Value prune(const Filters& filters);

  /// These report their progress as a sequence of JSON documents.
  Stream load(const Source& archive, bool quiet, const std::string& platform);
  Stream import(const Source& archive, const Query& parameters);
  Stream pull(const std::string& name, const std::string& tag, const std::string& platform);
  Stream push(const std::string& name, const std::string& tag);
  Stream save(const std::vector<std::string>& names);

 private:
  Client& client_;
};

class Networks {
 public:
  explicit Networks(Client& client) : client_(client) {}

  json::Array list(const Filters& filters);
  /// `body`: NetworkCreateRequest. Returns the ID.
  std::string create(const json::Value& body);
  json::Value inspect(const std::string& name, bool verbose = false);
  void remove(const std::string& name);
  /// `endpoint`: EndpointSettings.
  void connect(const std::string& name, const std::string& container, const json::Value& endpoint);
  void disconnect(const std::string& name, const std::string& container, bool force);
  json::Value prune(const Filters& filters);

 private:
  Client& client_;
};

class System {
 public:
  explicit System(Client& client) : client_(client) {}

  json::Value version();
  json::Value info();
  Stream events(const std::string& since, const std::string& until, const Filters& filters);

 private:
  Client& client_;
};

class Client {
 public:
  /// Connects with the first request.
  Client(Host host, std::string version) : host_(std::move(host)), version_(std::move(version)) {}

  Containers containers() { return Containers{*this}; }
  Execs execs() { return Execs{*this}; }
  Images images() { return Images{*this}; }
  Networks networks() { return Networks{*this}; }
  System system() { return System{*this}; }

  /// Opens connections that are about to be needed, so that the daemon sets up its side while another request is under
  /// way.
  void prepare_connections(std::size_t count);

  /// One request on the kept connection; throws for a status of 400 and above. An empty body is null.
  json::Value call(std::string_view method, std::string_view path, const Query& query = {},
                   const json::Value* body = nullptr);
  /// Sends on a connection of its own.
  Pending send(std::string_view method, std::string_view path, const Query& query = {});
  /// A POST on a connection of its own, which the daemon is asked to hand over to raw bytes.
  Pending upgrade(std::string_view path, const Query& query = {}, const json::Value* body = nullptr);
  Stream stream(std::string_view method, std::string_view path, const Query& query = {});
  Stream upload(std::string_view path, const Query& query, const Source& source);

  [[nodiscard]] const Host& host() const noexcept { return host_; }
  [[nodiscard]] const std::string& version() const noexcept { return version_; }

 private:
  std::string target(std::string_view path, const Query& query) const;
  Connection new_connection();

  Host host_;
  std::string version_;
  std::optional<Connection> kept_;
  std::vector<Connection> prepared_;
};

/// Filters as the parameter's text; empty without any.
std::string to_parameter(const Filters& filters);

}  // namespace berth::client
