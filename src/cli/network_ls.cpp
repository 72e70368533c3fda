#include <algorithm>

#include "base/id.hpp"
#include "cli/commands.hpp"
#include "cli/each.hpp"
#include "cli/formatter.hpp"
#include "cli/units.hpp"

namespace berth::cli {
namespace {

struct Item {
  json::Value network;
  bool truncates = true;
};

std::string truth_at(const Item& item, std::string_view path) {
  return flag_at(item.network, path) ? "true" : "false";
}

const std::vector<Column<Item>> columns{
    {"CreatedAt", "CREATED AT", [](const Item& item) { return go_time(text_at(item.network, "Created")); }},
    {"Driver", "DRIVER", [](const Item& item) { return text_at(item.network, "Driver"); }},
    {"ID", "NETWORK ID",
     [](const Item& item) {
       const auto id = text_at(item.network, "Id");
       return item.truncates ? short_id(id) : id;
     }},
    {"IPv4", "IPV4", [](const Item& item) { return truth_at(item, "EnableIPv4"); }},
    {"IPv6", "IPV6", [](const Item& item) { return truth_at(item, "EnableIPv6"); }},
    {"Internal", "INTERNAL", [](const Item& item) { return truth_at(item, "Internal"); }},
    {"Labels", "LABELS", [](const Item& item) { return labels_of(item.network); }},
    {"Name", "NAME", [](const Item& item) { return text_at(item.network, "Name"); }},
    {"Scope", "SCOPE", [](const Item& item) { return text_at(item.network, "Scope"); }},
};
const std::vector<Method<Item>> methods{
    {"Label", [](const Item& item, const std::string& name) { return label_of(item.network, name); }}};

std::string list_format(const std::string& asked, bool quiet) {
  if (asked == "raw") {
    return quiet ? "network_id: {{.ID}}"
                 : "network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\nscope: {{.Scope}}\n";
  }
  if (!asked.empty() && asked != "table") return asked;
  return quiet ? "{{.ID}}" : "table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}";
}

}  // namespace

Command network_ls() {
  Command command{"List networks"};
  const auto filters =
      command.list("-f,--filter", "Provide filter values (e.g. \"driver=bridge\")", "filter", check_filter);
  const auto format = command.text("--format", "", list_format_help);
  const auto whole = command.on_off("--no-trunc", "Do not truncate the output");
  const auto quiet = command.on_off("-q,--quiet", "Only display network IDs");
  command.run([=](Session& session) {
    std::vector<Item> rows;
    for (auto& network : session.client.networks().list(parse_filters(*filters))) {
      rows.push_back({std::move(network), !*whole});
    }
    std::ranges::sort(rows, natural_less, [](const Item& item) { return text_at(item.network, "Name"); });
    const ListFormat shown{"*network.networkContext", list_format(*format, *quiet)};
    session.console.print(render_rows(shown, columns, methods, rows));
    return 0;
  });
  return command;
}

}  // namespace berth::cli
