#include "containers/exec_table.hpp"

#include <algorithm>
#include <bit>

#include "base/error.hpp"

namespace berth::containers {
namespace {

/// How long the end of one is remembered, as in Docker, and how long one may wait for its start.
constexpr std::chrono::minutes ended_time{5};
constexpr std::chrono::minutes created_time{60};
/// Beyond this many that do not run, the oldest go sooner.
constexpr std::size_t max_idle = 1024;

bool is_idle(const Exec::State& state) {
  return state.phase == Exec::Phase::created || state.phase == Exec::Phase::ended;
}

}  // namespace

void Exec::claim() {
  state_.with([&](State& state) {
    if (state.phase == Phase::ended) throw Error{Kind::conflict, "Error: Exec command {} has already run", id};
    if (state.phase != Phase::created) throw Error{Kind::conflict, "Error: Exec command {} is already running", id};
    state.phase = Phase::starting;
    state.since = Clock::now();
  });
}

void Exec::set_running(int pid) {
  state_.with([&](State& state) {
    state.pid = pid;
    if (state.phase == Phase::starting) state.phase = Phase::running;
  });
  waiters.notify();
}

bool Exec::end(int exit_code) {
  const bool ends_now = state_.with([&](State& state) {
    if (state.phase == Phase::ended) return false;
    state.phase = Phase::ended;
    state.exit_code = exit_code;
    state.since = Clock::now();
    return true;
  });
  if (ends_now) waiters.notify();
  return ends_now;
}

void ExecTable::enter(const ExecPtr& exec) {
  table_.with([&](Table& table) {
    table.by_id.emplace(exec->id, exec);
    if (table.by_id.size() >= table.next_sweep) sweep(table);
  });
}

void ExecTable::sweep(Table& table) {
  const auto present = Exec::Clock::now();
  std::vector<std::pair<Exec::Clock::time_point, std::string>> idle;
  for (const auto& [id, exec] : table.by_id) {
    const auto state = exec->state();
    if (!is_idle(state)) continue;
    const auto patience = state.phase == Exec::Phase::ended ? ended_time : created_time;
    // What is over its time sorts before everything else.
    idle.emplace_back(present - state.since > patience ? Exec::Clock::time_point{} : state.since, id);
  }
  std::ranges::sort(idle);
  for (std::size_t i = 0; i < idle.size(); ++i) {
    if (idle[i].first != Exec::Clock::time_point{} && idle.size() - i <= max_idle / 2) break;
    table.by_id.erase(idle[i].second);
  }
  table.next_sweep = std::max<std::size_t>(max_idle / 4, std::bit_ceil(table.by_id.size() + 1));
}

ExecPtr ExecTable::find(const std::string& id) const {
  return table_.with([&](const Table& table) {
    const auto found = table.by_id.find(id);
    return found == table.by_id.end() ? nullptr : found->second;
  });
}

ExecPtr ExecTable::get(const std::string& id) const {
  auto exec = find(id);
  if (!exec) throw Error{Kind::not_found, "No such exec instance: {}", id};
  return exec;
}

std::vector<ExecPtr> ExecTable::of(const std::string& container_id, bool ended_too) const {
  return table_.with([&](const Table& table) {
    std::vector<ExecPtr> execs;
    for (const auto& [id, exec] : table.by_id) {
      if (exec->container->id != container_id) continue;
      if (ended_too || exec->state().phase != Exec::Phase::ended) execs.push_back(exec);
    }
    return execs;
  });
}

void ExecTable::forget_container(const std::string& container_id) {
  table_.with([&](Table& table) {
    std::erase_if(table.by_id, [&](const auto& entry) { return entry.second->container->id == container_id; });
  });
}

void ExecTable::forget(const std::string& id) {
  table_.with([&](Table& table) { table.by_id.erase(id); });
}

}  // namespace berth::containers
