#include "base/strings.hpp"
#include "cli/commands.hpp"
#include "cli/each.hpp"
#include "cli/formatter.hpp"
#include "cli/image_name.hpp"
#include "cli/units.hpp"

namespace berth::cli {
namespace {

struct Item {
  json::Value entry;
  bool truncates = true;
  bool human = true;
};

std::string created_at(const Item& item) {
  return local_rfc3339_seconds(number_at(item.entry, "Created"));
}

std::string created_by(const Item& item) {
  auto text = text_at(item.entry, "CreatedBy");
  for (auto& c : text) c = c == '\t' ? ' ' : c;
  return item.truncates ? ellipsis(text, 45) : text;
}

std::string size(const Item& item) {
  const auto bytes = number_at(item.entry, "Size");
  return item.human ? human_size(static_cast<double>(bytes), 3) : std::to_string(bytes);
}

const std::vector<Column<Item>> columns{
    {"Comment", "COMMENT", [](const Item& item) { return text_at(item.entry, "Comment"); }},
    {"CreatedAt", "CREATED AT", created_at},
    {"CreatedBy", "CREATED BY", created_by},
    {"CreatedSince", "CREATED",
     [](const Item& item) {
       const auto created = number_at(item.entry, "Created");
       return created <= 0 ? std::string{"N/A"} : item.human ? ago(created) : created_at(item);
     }},
    {"ID", "IMAGE",
     [](const Item& item) {
       const auto id = text_at(item.entry, "Id");
       return item.truncates ? short_id(id) : id;
     }},
    {"Size", "SIZE", size},
};

}  // namespace

Command image_history() {
  Command command{"Show the history of an image"};
  const auto format = command.text("--format", "", list_format_help);
  const auto human = command.on_off("-H,--human", "Print sizes and dates in human readable format", true);
  const auto whole = command.on_off("--no-trunc", "Don't truncate output");
  const auto quiet = command.on_off("-q,--quiet", "Only show image IDs");
  const auto name = command.arguments("IMAGE", {.at_least = 1, .at_most = 1});
  command.run([=](Session& session) {
    auto text = *format;
    if (text.empty() || text == "table") {
      text = fmt::format("table {{{{.ID}}}}\t{{{{.{}}}}}\t{{{{.CreatedBy}}}}\t{{{{.Size}}}}\t{{{{.Comment}}}}",
                         *human ? "CreatedSince" : "CreatedAt");
      if (*quiet) text = "{{.ID}}";
    }
    std::vector<Item> items;
    for (auto& entry : session.client.images().history(name->front()))
      items.push_back({std::move(entry), !*whole, *human});
    session.console.print(render_rows({"*image.historyContext", text}, columns, {}, items));
    return 0;
  });
  return command;
}

}  // namespace berth::cli
