// `docker top`: the host's ps, and of what it prints the lines of one container.
#include <algorithm>
#include <cstdlib>

#include "base/error.hpp"
#include "base/spawn.hpp"
#include "base/strings.hpp"
#include "containers/internal.hpp"
#include "containers/ps_output.hpp"
#include "runtime/runtime.hpp"

namespace berth::containers {
namespace {

constexpr std::size_t output_limit = 64U << 20U;
constexpr std::string_view blanks = "\t\n\f\r ";

/// As many columns as there are titles.
std::vector<std::string> columns_of(const std::vector<std::string_view>& words, std::size_t count) {
  std::vector<std::string> columns{words.begin(),
                                   words.begin() + static_cast<std::ptrdiff_t>(std::min(count, words.size()))};
  for (std::size_t i = count; i < words.size(); ++i) columns.back().append(" ").append(words[i]);
  return columns;
}

std::string find_ps() {
  const char* path = std::getenv("PATH");
  for (const auto& directory : split(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
    const auto program = fs::path{directory} / "ps";
    if (program.is_absolute() && ::access(program.c_str(), X_OK) == 0) return program;
  }
  throw Error{Kind::internal, "ps: the host has no such program in its PATH; install it (procps) to list processes"};
}

struct PsResult {
  int exit_code = 0;
  std::string output, errors;
};

PsResult run_ps(const std::string& program, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "ps");
  const auto errors = make_memory_file("ps-errors", "");
  auto output = make_pipe();
  const auto child = spawn({.program = program,
                            .arguments = std::move(arguments),
                            .environment = {"LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin"},
                            .fds = {{output.write_end.get(), 1}, {errors.get(), 2}}});
  output.write_end.reset();
  PsResult result;
  try {
    result.output = read_to_end(output.read_end, output_limit);
  } catch (...) {
    output.read_end.reset();  // it ends by SIGPIPE
    wait_for_exit(child.pid);
    throw;
  }
  result.exit_code = wait_for_exit(child.pid);
  result.errors = read_file(fd_path(errors));
  return result;
}

/// Some options (f) do not go together with a list of processes: then all are listed.
std::string ps_output(const std::string& ps_args, const std::vector<pid_t>& pids) {
  const auto program = find_ps();
  auto arguments = split(ps_args, ' ');
  std::vector<std::string> numbers;
  for (const auto pid : pids) numbers.push_back(std::to_string(pid));
  arguments.push_back("-q" + join(numbers, ","));
  auto result = run_ps(program, arguments);
  if (result.exit_code == 0) return std::move(result.output);
  arguments.pop_back();
  result = run_ps(program, arguments);
  if (result.exit_code == 0) return std::move(result.output);
  const auto first_line = trim(std::string_view{result.errors}.substr(0, result.errors.find('\n')));
  if (!first_line.empty()) throw Error{Kind::internal, "ps: {}", first_line};
  throw Error{Kind::internal, "ps: exit status {}", result.exit_code};
}

}  // namespace

void check_ps_args(std::string_view ps_args) {
  for (std::size_t at = ps_args.find('='); at != std::string_view::npos; at = ps_args.find('=', at + 1)) {
    auto header = ps_args.substr(at + 1);
    header.remove_prefix(std::min(header.find_first_not_of(blanks), header.size()));
    if (!header.starts_with("PID")) continue;
    const auto start = ps_args.substr(0, at).find_last_of(blanks);
    if (start == std::string_view::npos) continue;  // the first word cannot be a column
    const auto column = ps_args.substr(start + 1, at - start - 1);
    if (column == "pid") continue;
    throw Error{Kind::internal, "specifying \"{}={}\" is not allowed", column,
                header.substr(0, header.find_first_of(blanks))};
  }
}

Processes parse_ps_output(std::string_view output, const std::vector<pid_t>& pids) {
  Processes processes;
  const auto lines = split(output, '\n');
  for (const auto title : words_of(lines.front())) processes.Titles.emplace_back(title);
  const auto title = std::ranges::find(processes.Titles, "PID");
  if (title == processes.Titles.end()) throw Error{Kind::internal, "Couldn't find PID field in ps output"};
  const auto column = static_cast<std::size_t>(title - processes.Titles.begin());
  bool ours = false;  // a line of threads, "-" for the process, belongs to the process above it
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const auto words = words_of(lines[i]);
    if (words.size() <= column) continue;
    if (words[column] != "-") {
      const auto pid = parse_number<pid_t>(words[column]);
      if (!pid) throw Error{Kind::internal, "Unexpected pid '{}': invalid syntax", words[column]};
      ours = std::ranges::find(pids, *pid) != pids.end();
    }
    if (ours) processes.Processes_.push_back(columns_of(words, processes.Titles.size()));
  }
  return processes;
}

Processes Containers::top(const std::string& name, const std::string& ps_args) {
  const std::string arguments = ps_args.empty() ? "-ef" : ps_args;
  check_ps_args(arguments);
  const auto container = impl_->get(name);
  const auto state = container->state();
  if (state.status == Status::restarting) {
    throw Error{Kind::conflict, "Container {} is restarting, wait until the container is running", container->id};
  }
  if (!state.running()) throw Error{Kind::conflict, "container {} is not running", container->id};
  const auto pids = runtime::processes_of(cgroup_of(*container));
  auto processes = parse_ps_output(ps_output(arguments, pids), pids);
  impl_->publish(*container, "top");
  return processes;
}

}  // namespace berth::containers
