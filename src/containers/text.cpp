#include "containers/text.hpp"

#include <fmt/format.h>

namespace berth::containers {

std::string human_duration(std::chrono::seconds duration) {
  const auto seconds = duration.count();
  const auto minutes = seconds / 60;
  const auto hours = (seconds + 1800) / 3600;
  if (seconds < 1) return "Less than a second";
  if (seconds == 1) return "1 second";
  if (seconds < 60) return fmt::format("{} seconds", seconds);
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return fmt::format("{} minutes", minutes);
  if (hours == 1) return "About an hour";
  if (hours < 48) return fmt::format("{} hours", hours);
  if (hours < 24 * 7 * 2) return fmt::format("{} days", hours / 24);
  if (hours < 24 * 30 * 2) return fmt::format("{} weeks", hours / 24 / 7);
  if (hours < 24 * 365 * 2) return fmt::format("{} months", hours / 24 / 30);
  return fmt::format("{} years", hours / 24 / 365);
}

namespace {

/// " (healthy)", " (health: starting)"; nothing without a health check.
std::string health_text(const std::optional<Health>& health) {
  if (!health) return {};
  return health->Status == "starting" ? " (health: starting)" : fmt::format(" ({})", health->Status);
}

}  // namespace

std::string status_text(const State& state, Time at) {
  const auto since = [&](Time time) {
    return human_duration(std::chrono::duration_cast<std::chrono::seconds>(at - time));
  };
  switch (state.status) {
    case Status::running: return "Up " + since(state.started_at) + health_text(state.health);
    case Status::paused: return fmt::format("Up {} (Paused)", since(state.started_at));
    case Status::restarting: return fmt::format("Restarting ({}) {} ago", state.exit_code, since(state.finished_at));
    case Status::removing: return "Removal In Progress";
    case Status::dead: return "Dead";
    case Status::created: return "Created";
    case Status::exited: break;
  }
  if (state.finished_at == Time::min()) return "Created";
  return fmt::format("Exited ({}) {} ago", state.exit_code, since(state.finished_at));
}

std::string command_text(const std::string& path, const std::vector<std::string>& args) {
  std::string text = path;
  for (const auto& argument : args) {
    text += argument.find(' ') == std::string::npos ? " " + argument : fmt::format(" '{}'", argument);
  }
  return text;
}

}  // namespace berth::containers
