#include "base/strings.hpp"
#include "cli/commands.hpp"
#include "cli/each.hpp"
#include "cli/formatter.hpp"
#include "cli/image_name.hpp"
#include "cli/units.hpp"

namespace berth::cli {
namespace {

/// One line: an image under one of its names.
struct Item {
  json::Value summary;
  std::string repository;
  std::string tag;
  std::string digest;
  bool truncates = true;
};

std::string count_or_unknown(std::int64_t number) {
  return number == -1 ? "N/A" : std::to_string(number);
}
std::string size_or_unknown(std::int64_t number) {
  return number == -1 ? "N/A" : human_size(static_cast<double>(number));
}

const std::vector<Column<Item>> columns{
    {"Containers", "CONTAINERS",
     [](const Item& item) { return count_or_unknown(number_at(item.summary, "Containers")); }},
    {"CreatedAt", "CREATED AT", [](const Item& item) { return go_time(number_at(item.summary, "Created")); }},
    {"CreatedSince", "CREATED", [](const Item& item) { return ago(number_at(item.summary, "Created")); }},
    {"Digest", "DIGEST", [](const Item& item) { return item.digest; }},
    {"ID", "IMAGE ID",
     [](const Item& item) {
       const auto id = text_at(item.summary, "Id");
       return item.truncates ? short_id(id) : id;
     }},
    {"Repository", "REPOSITORY", [](const Item& item) { return item.repository; }},
    {"SharedSize", "SHARED SIZE",
     [](const Item& item) { return size_or_unknown(number_at(item.summary, "SharedSize")); }},
    {"Size", "SIZE",
     [](const Item& item) { return human_size(static_cast<double>(number_at(item.summary, "Size")), 3); }},
    {"Tag", "TAG", [](const Item& item) { return item.tag; }},
    {"UniqueSize", "UNIQUE SIZE",
     [](const Item& item) {
       const auto shared = number_at(item.summary, "SharedSize");
       return shared == -1 ? "N/A" : human_size(static_cast<double>(number_at(item.summary, "Size") - shared));
     }},
    {"VirtualSize", "SIZE",
     [](const Item& item) { return human_size(static_cast<double>(number_at(item.summary, "Size"))); }},
};

struct Names {
  std::vector<std::string> tags;
  std::vector<std::string> digests;
};

/// The image's names by repository; docker's placeholder "<none>" counts as no name.
std::map<std::string, Names> names_by_repository(const json::Value& summary) {
  std::map<std::string, Names> names;
  if (const auto* tags = at(summary, "RepoTags").if_array()) {
    for (const auto& tag : *tags) {
      const auto name = split_image_name(std::string_view{tag.as_string()});
      if (name.repository != "<none>") names[familiar_repository(name.repository)].tags.push_back(name.tag);
    }
  }
  if (const auto* digests = at(summary, "RepoDigests").if_array()) {
    for (const auto& digest : *digests) {
      const auto name = split_image_name(std::string_view{digest.as_string()});
      if (name.repository != "<none>") names[familiar_repository(name.repository)].digests.push_back(name.digest);
    }
  }
  return names;
}

void add_rows(std::vector<Item>& rows, const json::Value& summary, bool truncates, bool with_digests) {
  constexpr const char* none = "<none>";
  const auto add = [&](const std::string& repository, const std::string& tag, const std::string& digest) {
    rows.push_back({summary, repository, tag, digest, truncates});
  };
  const auto names = names_by_repository(summary);
  if (names.empty()) return add(none, none, none);
  for (const auto& [repository, known] : names) {
    if (known.tags.empty()) {
      for (const auto& digest : known.digests) {
        add(repository, none, with_digests ? digest : "");
        if (!with_digests) break;
      }
    }
    for (const auto& tag : known.tags) {
      if (known.digests.empty() || !with_digests) {
        add(repository, tag, none);
        continue;
      }
      for (const auto& digest : known.digests) add(repository, tag, digest);
    }
  }
}

std::string list_format(const std::string& asked, bool quiet, bool with_digests) {
  if (!asked.empty() && asked != "table") return asked;
  if (quiet) return "{{.ID}}";
  return fmt::format("table {{{{.Repository}}}}\t{{{{.Tag}}}}\t{}{{{{.ID}}}}\t{{{{.CreatedSince}}}}\t{{{{.Size}}}}",
                     with_digests ? "{{.Digest}}\t" : "");
}

}  // namespace

Command image_ls() {
  Command command{"List images"};
  const auto all = command.on_off("-a,--all", "Show all images (default hides intermediate images)");
  const auto digests = command.on_off("--digests", "Show digests");
  const auto filters =
      command.list("-f,--filter", "Filter output based on conditions provided", "filter", check_filter);
  const auto format = command.text("--format", "", list_format_help);
  const auto whole = command.on_off("--no-trunc", "Don't truncate output");
  const auto quiet = command.on_off("-q,--quiet", "Only show image IDs");
  const auto name = command.arguments("[REPOSITORY[:TAG]]", {.at_most = 1});
  command.run([=](Session& session) {
    auto wanted = parse_filters(*filters);
    if (!name->empty()) wanted["reference"].push_back(name->front());
    const auto text = list_format(*format, *quiet, *digests);
    const bool with_digests = *digests || mentions(text, "Digest");
    std::vector<Item> rows;
    for (const auto& summary : session.client.images().list(*all, wanted))
      add_rows(rows, summary, !*whole, with_digests);
    session.console.print(render_rows({"*formatter.imageContext", text}, columns, {}, rows));
    return 0;
  });
  return command;
}

}  // namespace berth::cli
