// The probes of health checks: when the next one is due, its process in the container, and what its result changes. No
// thread waits for a probe: the reactor's timer hands it to a worker, which has the shim start it; the shim ends it in
// time and tells the reactor of its end.
#include <algorithm>
#include <csignal>

#include "base/error.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "base/strings.hpp"
#include "containers/exec_process.hpp"
#include "containers/health_target.hpp"
#include "containers/internal.hpp"
#include "linux/process.hpp"

namespace berth::containers {
namespace {

/// What is kept of a probe's output, as in Docker.
constexpr std::size_t max_output = 4096;
/// Marks a probe's process for a daemon that comes back, with the time of its start: it is no exec of a user's.
constexpr const char* probe_mark = "probe";

std::string shown_output(std::string bytes) {
  const bool is_cut = bytes.size() > max_output;
  if (is_cut) bytes.resize(max_output);
  return to_valid_utf8(bytes) + (is_cut ? "..." : "");
}

HealthResult result_of(const shim::ExecExit& ended, const HealthPlan& plan) {
  HealthResult result;
  result.ExitCode = ended.exit_code;
  result.Output = shown_output(from_base64(ended.output).value_or(""));
  if (ended.timed_out) {
    const auto separator = result.Output.empty() ? "" : ": ";
    result.ExitCode = failed_probe_exit_code;
    result.Output =
        fmt::format("Health check exceeded timeout ({}){}{}", format_duration(plan.timeout), separator, result.Output);
  }
  return result;
}

HealthPlan plan_of(Container& container) {
  return container.with([](Record& record, Container::Live&) { return plan_health(record.definition.config); });
}

/// Repeated successes only move the times: for them alone nothing is written to the disk.
bool is_worth_keeping(const Health& before, const Health& after) {
  return before.Status != after.Status || before.FailingStreak != after.FailingStreak;
}

/// An unhealthy container of which nobody is about to make something else. `health`: after the last result.
bool needs_action(const Health& health, const HealthPlan& plan, const Container::Live& live) {
  return plan.on_failure != HealthPlan::OnFailure::none && health.FailingStreak >= plan.retries &&
         !live.probe.has_acted && live.stopping == 0 && !live.restarted_by_user && !live.removing;
}

std::string_view to_string(HealthPlan::OnFailure action) {
  switch (action) {
    case HealthPlan::OnFailure::restart: return "restart";
    case HealthPlan::OnFailure::stop: return "stop";
    case HealthPlan::OnFailure::kill: return "kill";
    case HealthPlan::OnFailure::none: break;
  }
  return "none";
}

}  // namespace

void Containers::Impl::plan_probe(const ContainerPtr& container) {
  container->with([&](Record& record, Container::Live& live) {
    const auto& state = record.state;
    if (!state.health || state.status != Status::running || !live.probe.id.empty()) return;
    const auto delay =
        time_to_next_probe(*state.health, plan_health(record.definition.config), now() - state.started_at);
    const auto turn = ++live.probe.turn;
    live.probe.timer = reactor.call_after(
        delay, [this, container, turn] { probes.post([this, container, turn] { probe(container, turn); }); });
  });
}

void Containers::Impl::drop_probe(State& state, Container::Live& live) {
  reactor.cancel(std::exchange(live.probe.timer, 0));
  live.probe.id.clear();
  live.probe.turn += 1;
  if (state.health) state.health->Status = "unhealthy";
}

void Containers::Impl::probe(const ContainerPtr& container, std::uint64_t turn) {
  // Not while it is being frozen: a process that joins the cgroup then would keep the shim waiting.
  const std::lock_guard lock{container->freezer};
  const auto id = random_hex(32);
  const auto begun = now();
  const bool is_due = container->with([&](Record&, Container::Live& live) {
    if (live.probe.turn != turn) return false;
    live.probe.timer = 0;
    live.probe.id = id;
    live.probe.begun = begun;
    return true;
  });
  if (!is_due) return;
  try {
    start_probe(container, id, begun);
  } catch (const Error& error) {
    if (error.kind() == Kind::conflict) return;  // the container ends: its end takes the probe off
    HealthResult result;
    result.ExitCode = failed_probe_exit_code;
    result.Output = shown_output(error.message());
    finish_probe(container, id, std::move(result));
  }
}

shim::ExecSettings Containers::Impl::command_probe(const ContainerPtr& container, const std::string& id,
                                                   const HealthPlan& plan) {
  ExecConfig config;
  config.Cmd.emplace(plan.command);
  const std::map<std::string, std::string> attributes{{"execID", id}};
  publish(*container, "exec_create: " + command_of(config), attributes);
  auto made = exec_settings(*container, config, {}, paths(container->id).directory, link_variables(*container));
  publish(*container, "exec_start: " + command_of(config), attributes);
  return made;
}

void Containers::Impl::start_probe(const ContainerPtr& container, const std::string& id, Time begun) {
  const auto plan = plan_of(*container);
  shim::ExecOrder order{.id = id};
  order.timeout = std::chrono::ceil<std::chrono::milliseconds>(plan.timeout);
  order.capture = max_output + 1;  // to see whether there was more
  switch (plan.probe) {
    case HealthPlan::Probe::command: order.settings = command_probe(container, id, plan); break;
    case HealthPlan::Probe::http: order.settings.network_probe = parse_http_probe(plan.target); break;
    case HealthPlan::Probe::tcp: order.settings.network_probe = parse_tcp_probe(plan.target); break;
    case HealthPlan::Probe::none: return;
  }
  order.settings.info = {{probe_mark, to_rfc3339(begun)}};
  try {
    ask_shim(container, [&](shim::ShimClient& shim) { shim.exec(order, nullptr); });
  } catch (const Error& error) {
    if (error.kind() == Kind::conflict) throw;
    throw exec_failure(error);
  }
}

bool Containers::Impl::on_probe_exit(const ContainerPtr& container, const shim::ExecExit& ended) {
  const bool is_probe =
      container->with([&](Record&, Container::Live& live) { return !ended.id.empty() && live.probe.id == ended.id; });
  if (!is_probe) return false;
  const auto plan = plan_of(*container);
  if (plan.probe == HealthPlan::Probe::command) {
    publish(*container, "exec_die", {{"execID", ended.id}, {"exitCode", std::to_string(ended.exit_code)}});
  }
  // A container that ends takes its processes with it: that says nothing of its health.
  if (ended.exit_code == 0 || !kernel::is_ending(container->state().pid)) {
    finish_probe(container, ended.id, result_of(ended, plan));
  }
  return true;
}

void Containers::Impl::finish_probe(const ContainerPtr& container, const std::string& id, HealthResult result) {
  bool has_changed = false;
  bool acts = false;
  std::uint64_t ends = 0;
  Health after;
  container->with([&](Record& record, Container::Live& live) {
    auto& state = record.state;
    if (live.probe.id != id || !state.health) return;  // it was dropped meanwhile
    live.probe.id.clear();
    result.Start = to_rfc3339(live.probe.begun);
    result.End = to_rfc3339(now());
    const auto before = *state.health;
    const auto plan = plan_health(record.definition.config);
    has_changed = add_result(*state.health, std::move(result), plan, live.probe.begun - state.started_at);
    after = *state.health;
    acts = needs_action(after, plan, live);
    live.probe.has_acted = after.FailingStreak > 0 && (live.probe.has_acted || acts);
    ends = live.exits;
    if (is_worth_keeping(before, after) && !live.removed) keep_health(record);
  });
  if (has_changed) {
    publish(*container, "health_status: " + after.Status);
    log::info("health has changed", {{"id", container->id}, {"health", after.Status}});
    container->waiters.notify();
  }
  if (acts) restarts.post([this, container, ends] { act_on_failure(container, ends); });
  plan_probe(container);
}

void Containers::Impl::act_on_failure(const ContainerPtr& container, std::uint64_t ends) {
  const auto plan = plan_of(*container);
  std::int64_t streak = 0;
  const bool is_due = container->with([&](Record& record, Container::Live& live) {
    const auto& state = record.state;
    if (!state.health || live.exits != ends || !state.has_process() || live.stopping > 0) return false;
    streak = state.health->FailingStreak;
    return !kernel::is_ending(state.pid);
  });
  if (!is_due) return;
  const auto action = to_string(plan.on_failure);
  log::warn("container is unhealthy, acting on it", {{"id", container->id}, {"action", action}});
  publish(*container, fmt::format("health_on_failure: {}", action),
          {{"reason", fmt::format("{} failed {} in a row", streak, streak == 1 ? "probe" : "probes")}});
  try {
    switch (plan.on_failure) {
      case HealthPlan::OnFailure::restart: restart(container, std::nullopt, ""); break;
      case HealthPlan::OnFailure::stop: stop(container, std::nullopt, ""); break;
      case HealthPlan::OnFailure::kill: signal(container, SIGKILL); break;
      case HealthPlan::OnFailure::none: break;
    }
  } catch (const Error& error) {
    log::warn("unhealthy container could not be helped",
              {{"id", container->id}, {"action", action}, {"error", error.message()}});
  }
}

/// A full disk must not end the checks; the state in memory is what everybody sees.
void Containers::Impl::keep_health(const Record& record) noexcept {
  try {
    records.update_state(record.id, record.state);
  } catch (...) {
    log::warn("health could not be recorded, going on with it in memory",
              {{"id", record.id}, {"error", current_error().message()}});
  }
}

void Containers::Impl::end_probe(Container& container, const std::string& id) noexcept {
  if (id.empty()) return;
  try {
    const auto shim = container.with([](Record&, Container::Live& live) { return live.shim; });
    if (shim) shim->signal_exec(id, SIGKILL);
  } catch (const Error& error) {
    log::debug("probe has ended by itself", {{"id", container.id}, {"error", error.message()}});
  }
}

bool Containers::Impl::adopt_probe(Container& container, const shim::KnownExec& known) {
  if (json::find(known.settings.info, probe_mark) == nullptr) return false;
  if (!known.state.running) return true;
  container.with([&](Record& record, Container::Live& live) {
    if (!record.state.health) return;
    live.probe.id = known.state.id;
    live.probe.begun =
        parse_rfc3339(json::from<std::string>(*json::find(known.settings.info, probe_mark))).value_or(now());
  });
  return true;
}

}  // namespace berth::containers
