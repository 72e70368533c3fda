// Commands that change what images are called and whether they stay: rm, prune, tag.
#include "cli/commands.hpp"
#include "cli/each.hpp"
#include "cli/image_name.hpp"
#include "cli/prune.hpp"

namespace berth::cli {
namespace {

/// The daemon's report of a removal: names that are gone, then what was deleted.
std::vector<std::string> removal_lines(const json::Value& report) {
  std::vector<std::string> lines;
  if (const auto* entries = report.if_array()) {
    for (const auto& entry : *entries) {
      if (const auto untagged = text_at(entry, "Untagged"); !untagged.empty()) lines.push_back("Untagged: " + untagged);
      if (const auto deleted = text_at(entry, "Deleted"); !deleted.empty()) lines.push_back("Deleted: " + deleted);
    }
  }
  return lines;
}

}  // namespace

Command image_rm() {
  Command command{"Remove one or more images"};
  const auto force = command.on_off("-f,--force", "Force removal of the image");
  const auto no_prune = command.on_off("--no-prune", "Do not delete untagged parents");
  const auto names = command.arguments("IMAGE [IMAGE...]", {.at_least = 1});
  command.run([=](Session& session) {
    bool failed = false;
    for_each(session, *names, [&](const std::string& name) {
      try {
        const json::Value report(session.client.images().remove(name, *force, !*no_prune));
        for (const auto& line : removal_lines(report)) session.console.print_line(line);
      } catch (const Error& error) {
        if (!*force || error.kind() != Kind::not_found) failed = true;
        throw;
      }
    });
    return failed ? 1 : 0;
  });
  return command;
}

Command image_prune() {
  return make_prune(
      "Remove unused images", "This will remove all dangling images.", "Deleted Images:",
      [](Session& session, const client::Filters& filters, bool all) {
        auto wanted = filters;
        wanted["dangling"] = {all ? "false" : "true"};
        const auto answer = session.client.images().prune(wanted);
        return Pruned{removal_lines(at(answer, "ImagesDeleted")), number_at(answer, "SpaceReclaimed")};
      },
      "Remove all unused images, not just dangling ones",
      "This will remove all images without at least one container associated to them.");
}

Command image_tag() {
  Command command{"Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE"};
  const auto names = command.arguments("SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]", {.at_least = 2, .at_most = 2});
  command.run([=](Session& session) {
    ImageName target;
    try {
      target = parse_image_name(names->back());
    } catch (Error& error) {
      throw error.in("Error parsing reference: {} is not a valid repository/tag", quote(names->back()));
    }
    if (!target.digest.empty()) throw Failure{1, "refusing to create a tag with a digest reference"};
    session.client.images().tag(names->front(), familiar_repository(target.repository),
                                target.tag.empty() ? "latest" : target.tag);
    return 0;
  });
  return command;
}

}  // namespace berth::cli
