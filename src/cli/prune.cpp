#include "cli/prune.hpp"

#include "base/strings.hpp"
#include "cli/each.hpp"
#include "cli/units.hpp"

namespace berth::cli {

bool confirmed(const Console& console, std::string_view warning) {
  console.print(fmt::format("WARNING! {}\nAre you sure you want to continue? [y/N] ", warning));
  std::string answer;
  char c = '\0';
  while (read_some(console.in, {&c, 1}) == 1 && c != '\n') answer += c;
  return to_lower(trim(answer)) == "y";
}

Command make_prune(std::string summary, std::string warning, std::string heading, PruneAction action,
                   const std::string& all_usage, const std::string& all_warning) {
  Command command{std::move(summary)};
  const auto all = all_usage.empty() ? Switch{} : command.on_off("-a,--all", all_usage);
  const auto filters =
      command.list("--filter", "Provide filter values (e.g. \"until=<timestamp>\")", "filter", check_filter);
  const auto force = command.on_off("-f,--force", "Do not prompt for confirmation");
  command.run([=](Session& session) {
    if (!*force && !confirmed(session.console, *all ? all_warning : warning)) return 0;
    const auto pruned = action(session, parse_filters(*filters), *all);
    if (!pruned.lines.empty()) session.console.print(heading + '\n' + join(pruned.lines, "\n") + "\n\n");
    session.console.print_line("Total reclaimed space: " + human_size(static_cast<double>(pruned.bytes)));
    return 0;
  });
  return command;
}

}  // namespace berth::cli
