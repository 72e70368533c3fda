// The inside of Containers, shared by the files that implement its operations. Only for this folder.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/guarded.hpp"
#include "containers/container.hpp"
#include "containers/containers.hpp"
#include "containers/exec_table.hpp"
#include "containers/networking.hpp"
#include "containers/reactor.hpp"
#include "containers/record.hpp"
#include "containers/show_network.hpp"
#include "containers/spec.hpp"
#include "containers/workers.hpp"
#include "seccomp/filter_cache.hpp"

namespace berth::containers {

using ContainerPtr = std::shared_ptr<Container>;

/// The container's cgroup, relative to the root of each hierarchy.
inline std::string cgroup_of(Container& container) {
  return container.with(
      [](Record& record, Container::Live&) { return cgroup_path(record.id, record.definition.host_config); });
}

/// In the socket directory: the shim that was given this container, for a daemon that comes back in the middle of a
/// start.
inline constexpr const char* shim_pid_file = "shim.pid";

/// A container as networks know it.
network::Member member_of(const Record& record);

/// How much of an ID names its socket directory: socket paths want to be short.
inline constexpr std::size_t socket_name_size = 32;

/// Where things of one container are.
struct Paths {
  fs::path directory;         ///< <data-root>/containers/<id>
  fs::path socket_directory;  ///< <exec-root>/c/<start of the id>
};

/// The table: by ID, and by name. Both change together.
struct Table {
  std::map<std::string, ContainerPtr, std::less<>> by_id;
  std::map<std::string, ContainerPtr, std::less<>> by_name;
};

struct Containers::Impl {
  Impl(const Settings& given_settings, Collaborators given_collaborators);

  // table.cpp
  /// By full ID, name (slash optional) or unambiguous prefix of the ID; throws `not_found` with Docker's text.
  ContainerPtr get(const std::string& name);
  /// The same with absence as an answer.
  ContainerPtr find(const std::string& name);
  std::vector<ContainerPtr> all();
  /// Enters a new container under its name; throws `conflict` with Docker's text. An empty name is replaced by a free
  /// one.
  void enter(const ContainerPtr& container);
  void leave(const ContainerPtr& container);

  [[nodiscard]] Paths paths(const std::string& id) const;
  /// Publishes an event with image, name and labels among its attributes.
  void publish(Container& container, const std::string& action, std::map<std::string, std::string> attributes = {});
  /// The same for whoever holds the container's mutex.
  void publish_of(const Record& record, const std::string& action, std::map<std::string, std::string> attributes = {});
  /// Changes the state in memory and in the database, and wakes whoever waits.
  template <class Change>
  void change_state(Container& container, Change&& change) {
    container.with([&](Record& record, Container::Live& live) {
      change(record.state, live);
      if (!live.removed) records.update_state(record.id, record.state);
    });
    container.waiters.notify();
  }

  // start.cpp
  bool start(const ContainerPtr& container);
  /// The steps of any start. The caller holds `operation`.
  void run(const ContainerPtr& container);
  void await_arrivals(Container& container);
  void refill_pool();
  void launch(const ContainerPtr& container, Record& record, std::vector<shim::Attachment> attachments);
  void note_failed_start(const ContainerPtr& container, int exit_code, const Error& error);
  /// Marks the container as running under this shim. The caller watches the shim's socket afterwards.
  void take_over(const ContainerPtr& container, const std::shared_ptr<shim::ShimClient>& shim,
                 const shim::Started& started, Status status = Status::running);
  /// Hears of what the shim tells from now on.
  void watch(const ContainerPtr& container, shim::ShimClient& shim);
  /// Waits until the shim of the last run has cleaned up and gone.
  void await_departure(Container& container);

  // create.cpp
  /// By names of networks where there are such networks; a part of an ID that is the mode becomes the whole one.
  Endpoints with_names(Endpoints endpoints, HostConfig& host_config);

  // networking.cpp
  /// Gives a container that is being started its networks, or those of the container that its mode names; `record`, the
  /// caller's copy, then has the other one's name. All, or nothing and throws.
  NetworkPlace enter_network(const ContainerPtr& container, Record& record);
  /// Records its networks by their names: some may not have been there when the container was created.
  void name_networks(const ContainerPtr& container, Record& record);
  NetworkPlace join_network_of_other(const ContainerPtr& container, Record& record);
  /// Of a container that runs. Throws `conflict` if it has ended.
  network::Sandbox open_sandbox_of(const Record& record);
  std::vector<IpAddress> host_gateways();
  /// Where hosts, resolv.conf and hostname are: with the container whose network it shares.
  fs::path network_directory(const Record& record);
  /// Asks the networks.
  NetworkIds network_ids();
  /// Shows what it is connected to now.
  void refresh_connections(Container& container);
  /// Of a container that is found running: what ended with the daemon before begins again.
  void resume_network(Container& container, shim::ShimClient& shim);
  /// The shim passes on what comes by IPv6 and has no way in the kernel. Nothing if that has not changed.
  static void hand_over_relay(Container& container, network::Sandbox& sandbox) noexcept;
  static void hand_over_relay(const Container& container, shim::ShimClient& shim, network::Sandbox& sandbox) noexcept;
  void restore_relay(const Container& container, shim::ShimClient& shim, network::Sandbox& sandbox);
  /// The shim keeps the sockets of the resolver, so that queries wait in them while no daemon runs. Nothing if there
  /// are no new ones.
  static void hand_over_resolver(const Container& container, shim::ShimClient& shim,
                                 network::Sandbox& sandbox) noexcept;
  /// Its ports and addresses are free. Nothing happens to one that has none.
  void leave_network(const std::string& id) noexcept;

  // linking.cpp
  /// Has links lead to IDs, so that they outlive a change of name. Throws `invalid` with Docker's text if one leads to
  /// nobody.
  void resolve_links(HostConfig& host_config);
  /// "web/store": what web links to under the name store. Null without such a link.
  ContainerPtr find_linked(std::string_view parent, std::string_view alias);
  /// What a container that is being started is told of those that it links to. Throws if one of them does not run.
  void add_links(const Record& record, NetworkPlace& place);
  /// The variables that a further process has of those that run.
  std::vector<std::string> link_variables(Container& container);
  /// "/web/store" and the like, by the ID of the container that has that name besides its own.
  std::multimap<std::string, std::string> link_names();
  /// As Docker words them: "/db:/web/store".
  json::Nullable<std::vector<std::string>> shown_links(const Record& record);
  /// `container` has started: its /etc/hosts, and those of others that link to it, have the addresses of now.
  void tell_addresses(const ContainerPtr& container) noexcept;
  void renew_links(Container& container);
  /// Links to a container that is removed are kept with its name: the next one of that name is meant.
  void keep_links_by_name(Container& removed) noexcept;
  /// `name`: "web/store". Throws `not_found`, or what Docker says of a container's own name.
  void remove_link(const std::string& name);

  // connect.cpp
  void connect_running(const ContainerPtr& container, const network::EndpointRequest& request);
  void disconnect_running(Container& container, const std::string& network_id);
  /// Of networks that its definition does not name: the daemon was killed while it connected or disconnected them.
  void finish_disconnects(Container& container);
  void update_network_files(Container& container, const NetworkView& before, const NetworkView& after);

  // exit.cpp
  void on_shim_readable(const ContainerPtr& container);
  void on_exit(const ContainerPtr& container, const shim::ExitStatus& status);
  /// Takes in what the container's shim has told so far.
  void catch_up(const ContainerPtr& container);
  /// What a call to the container's shim gives. A shim that has gone is heard to its end first: whoever asks for the
  /// container after that finds that it has ended. Throws `conflict` without a process.
  template <class Call>
  auto ask_shim(const ContainerPtr& container, Call&& call) {
    if (const auto shim = container->with([](Record&, Container::Live& live) { return live.shim; })) {
      try {
        return std::forward<Call>(call)(*shim);
      } catch (const Error& error) {
        if (error.kind() != Kind::unavailable) throw;
        catch_up(container);
      }
    }
    throw Error{Kind::conflict, "container {} is not running", container->id};
  }
  /// Kills what a vanished shim left behind.
  void on_shim_lost(const ContainerPtr& container);

  // restart.cpp
  /// Lets a container that is restarting wait for its next run. Call after its "die" was published.
  void schedule_restart(const ContainerPtr& container, std::chrono::milliseconds delay);
  /// With the daemon, as its restart policy wants it: what it links to comes before it.
  void start_with_daemon(const ContainerPtr& container, int depth = 0);
  /// The next run, unless somebody has ended the wait for it. `ends`: how often it had ended when it was planned.
  void start_again(const ContainerPtr& container, std::uint64_t ends);
  /// Ends the wait for the next run for good; false if it does not wait. The caller holds `operation`.
  bool cancel_restart(Container& container);
  /// The same on behalf of a user, with `operation` taken.
  bool end_restarting(const ContainerPtr& container);

  // pause.cpp
  /// The caller holds `freezer`. Nothing happens to a container that is not paused.
  void thaw(const ContainerPtr& container);

  // exec.cpp
  void on_exec_exit(Container& container, const shim::ExecExit& ended);
  /// Process 1 has ended, and all others with it.
  void end_execs(Container& container);
  /// Enters what a shim has been running while the daemon was away, probes included.
  void recover_execs(const ContainerPtr& container, const std::vector<shim::KnownExec>& known);

  // recover.cpp
  /// Brings the record to what has become of the container while the daemon was away.
  void recover(const ContainerPtr& container);
  /// Takes a container that runs back with its shim; false if there is none.
  bool take_back(const ContainerPtr& container);
  /// What shims that were killed have left of containers that do not run.
  void destroy_idle_cgroups();
  /// What the removal or creation of a container has left when the daemon was killed; in the background.
  void delete_unknown_containers();

  // health_probe.cpp
  /// Sets the time of the next probe, unless one is under way. Nothing happens without a health check and to a
  /// container that does not run.
  void plan_probe(const ContainerPtr& container);
  /// No probe from now on; the result of one that is under way is not looked at. As in Docker the container counts as
  /// unhealthy while nobody looks. The caller holds the container's mutex, and records the state.
  void drop_probe(State& state, Container::Live& live);
  /// Ends the process of a probe that was dropped.
  static void end_probe(Container& container, const std::string& id) noexcept;
  /// Starts the probe that is due, unless another turn has come.
  void probe(const ContainerPtr& container, std::uint64_t turn);
  void start_probe(const ContainerPtr& container, const std::string& id, Time begun);
  shim::ExecSettings command_probe(const ContainerPtr& container, const std::string& id, const HealthPlan& plan);
  /// False if this was no probe's process.
  bool on_probe_exit(const ContainerPtr& container, const shim::ExecExit& ended);
  void finish_probe(const ContainerPtr& container, const std::string& id, HealthResult result);
  void keep_health(const Record& record) noexcept;
  /// Does what the health check asks for on failure. `ends`: how often the container had ended when that was decided.
  void act_on_failure(const ContainerPtr& container, std::uint64_t ends);
  /// What a shim has been running is a probe of the daemon before: true, and its result is awaited again.
  static bool adopt_probe(Container& container, const shim::KnownExec& known);

  // stop.cpp
  /// Throws `conflict` without a process. A signal that is meant to end the container ends it for good, and thaws it.
  void signal(const ContainerPtr& container, int number);
  /// Blocks until it has ended once more than `ends` times, or does not run; false after `seconds` (negative: for
  /// ever).
  bool await_end(Container& container, std::uint64_t ends, int seconds);
  bool stop(const ContainerPtr& container, std::optional<int> timeout, const std::string& signal_name);
  void restart(const ContainerPtr& container, std::optional<int> timeout, const std::string& signal_name);
  /// Returns after SIGKILL only once it has ended.
  void kill(const ContainerPtr& container, int number);

  // remove.cpp
  void remove(const ContainerPtr& container, const RemoveRequest& request);
  /// Takes the container out of the database and the table; false if somebody else did. The caller holds `operation`;
  /// it does not run.
  bool forget(const ContainerPtr& container);
  /// Removes what is left of a forgotten container once its shim has gone.
  void delete_files(Container& container);
  /// Both, the files in the background.
  void erase(const ContainerPtr& container);
  void erase_or_record(const ContainerPtr& container) noexcept;

  const Settings settings;
  Collaborators collaborators;
  RecordStore records;
  seccomp::FilterCache filters;
  shim::ShimPool pool;
  Guarded<Table> table;
  ExecTable execs;
  std::mutex pruning;  ///< held by the one prune that may run
  Background background;
  Workers restarts;  ///< more than one: a slow start must not delay those of others
  Workers probes;    ///< start the probes of health checks
  Reactor reactor;
};

}  // namespace berth::containers
