#include "runtime/cli/state.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <memory>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "linux/cgroup.hpp"

namespace berth::runtime::cli {

std::string_view to_string(Status status) {
  switch (status) {
    case Status::creating: return "creating";
    case Status::created: return "created";
    case Status::running: return "running";
    case Status::paused: return "paused";
    case Status::stopped: return "stopped";
  }
  return "stopped";
}

fs::path state_directory(const Settings& settings, const std::string& id) {
  auto directory = fs::path{settings.root} / id;
  if (!fs::exists(directory)) throw Error{Kind::not_found, "container {} does not exist", quote(id)};
  return directory;
}

fs::path make_state_directory(const Settings& settings, const std::string& id) {
  make_directories(settings.root, 0700);
  auto directory = fs::path{settings.root} / id;
  if (::mkdir(directory.c_str(), 0700) < 0) {
    if (errno == EEXIST) throw Error{Kind::conflict, "container with id {} exists already", quote(id)};
    throw Error::from_errno(errno, "make directory {}", quote(directory.native()));
  }
  return directory;
}

State read_state(const Settings& settings, const std::string& id) {
  const auto text = find_file(state_directory(settings, id) / "state.json");
  if (!text) throw Error{Kind::not_found, "container {} does not exist", quote(id)};
  return json::parse<State>(*text);
}

void write_state(const fs::path& directory, const State& state) {
  replace_file(directory / "state.json", json::write(state), 0600, false);
}

std::vector<State> all_states(const Settings& settings) {
  std::vector<State> states;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream{::opendir(settings.root.c_str()), ::closedir};
  if (!stream) return states;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (name.starts_with('.')) continue;
    const auto text = find_file(fs::path{settings.root} / name / "state.json");
    if (text) states.push_back(json::parse<State>(*text));
  }
  return states;
}

std::uint64_t start_time_of(pid_t pid) {
  const auto text = find_file(fmt::format("/proc/{}/stat", pid));
  if (!text) return 0;
  // The second field, the command in parentheses, may contain anything.
  const auto fields = split(trim(std::string_view{*text}.substr(text->rfind(')') + 1)), ' ');
  if (fields.size() < 20 || fields[0] == "Z" || fields[0] == "X") return 0;
  return parse_number<std::uint64_t>(fields[19]).value_or(0);
}

Status status_of(const Settings& settings, const State& state) {
  if (!is_alive(state)) return Status::stopped;
  if (fs::exists(fs::path{settings.root} / state.id / start_socket)) return Status::created;
  return kernel::is_frozen(kernel::cgroup_layout(), state.cgroup) ? Status::paused : Status::running;
}

json::Object public_state(const State& state, Status status) {
  json::Object object = {{"ociVersion", "1.2.0"},
                         {"id", json::to(state.id)},
                         {"status", json::to(std::string{to_string(status)})},
                         {"pid", status == Status::stopped ? 0 : state.pid},
                         {"bundle", json::to(state.bundle)},
                         {"rootfs", json::to(state.rootfs)},
                         {"created", json::to(state.created)}};
  if (!state.annotations.empty()) object["annotations"] = json::to(state.annotations);
  return object;
}

}  // namespace berth::runtime::cli
