#include <algorithm>

#include "base/strings.hpp"
#include "cli/commands.hpp"
#include "cli/each.hpp"
#include "cli/formatter.hpp"
#include "cli/image_name.hpp"
#include "cli/ports.hpp"
#include "cli/units.hpp"

namespace berth::cli {
namespace {

struct Item {
  json::Value summary;
  bool truncates = true;
};

std::string names(const Item& item) {
  std::vector<std::string> all;
  const auto& list = at(item.summary, "Names");
  if (!list.is_array()) return "";
  for (const auto& entry : list.get_array()) {
    std::string name{entry.as_string()};
    if (name.starts_with('/')) name.erase(0, 1);
    if (item.truncates && !name.contains('/')) return name;
    if (!item.truncates) all.push_back(name);
  }
  return join(all, ",");
}

std::string image(const Item& item) {
  const auto image = text_at(item.summary, "Image");
  if (image.empty()) return "<no image>";
  if (!item.truncates) return image;
  if (short_id(text_at(item.summary, "ImageID")) == short_id(image)) return short_id(image);
  const auto name = split_image_name(image);
  return familiar_repository(name.repository) + (name.tag.empty() ? "" : ":" + name.tag);
}

std::string size(const Item& item) {
  const auto writable = human_size(static_cast<double>(number_at(item.summary, "SizeRw")), 3);
  const auto total = number_at(item.summary, "SizeRootFs");
  return total > 0 ? fmt::format("{} (virtual {})", writable, human_size(static_cast<double>(total), 3)) : writable;
}

std::string labels(const Item& item) {
  return labels_of(item.summary);
}

std::string label(const Item& item, const std::string& name) {
  return label_of(item.summary, name);
}

std::string mounts(const Item& item) {
  std::vector<std::string> all;
  if (const auto* list = at(item.summary, "Mounts").if_array()) {
    for (const auto& mount : *list) {
      const auto name = text_at(mount, "Name");
      const auto shown = name.empty() ? text_at(mount, "Source") : name;
      all.push_back(item.truncates ? ellipsis(shown, 15) : shown);
    }
  }
  return join(all, ",");
}

std::string local_volumes(const Item& item) {
  std::size_t count = 0;
  if (const auto* list = at(item.summary, "Mounts").if_array()) {
    for (const auto& mount : *list) count += text_at(mount, "Driver") == "local" ? 1U : 0U;
  }
  return std::to_string(count);
}

std::string networks(const Item& item) {
  std::vector<std::string> all;
  if (const auto* object = at(item.summary, "NetworkSettings.Networks").if_object()) {
    for (const auto& network : *object) all.emplace_back(network.key());
  }
  return join(all, ",");
}

const std::vector<Column<Item>> columns{
    {"Command", "COMMAND",
     [](const Item& item) {
       const auto command = text_at(item.summary, "Command");
       return quote(item.truncates ? ellipsis(command, 20) : command);
     }},
    {"CreatedAt", "CREATED AT", [](const Item& item) { return go_time(number_at(item.summary, "Created")); }},
    {"ID", "CONTAINER ID",
     [](const Item& item) {
       const auto id = text_at(item.summary, "Id");
       return item.truncates ? short_id(id) : id;
     }},
    {"Image", "IMAGE", image},
    {"Labels", "LABELS", labels},
    {"LocalVolumes", "LOCAL VOLUMES", local_volumes},
    {"Mounts", "MOUNTS", mounts},
    {"Names", "NAMES", names},
    {"Networks", "NETWORKS", networks},
    {"Platform", "PLATFORM", nullptr},  // Known only to daemons that list image manifests.
    {"Ports", "PORTS", [](const Item& item) { return describe_ports(at(item.summary, "Ports")); }},
    {"RunningFor", "CREATED", [](const Item& item) { return ago(number_at(item.summary, "Created")); }},
    {"Size", "SIZE", size},
    {"State", "STATE", [](const Item& item) { return text_at(item.summary, "State"); }},
    {"Status", "STATUS", [](const Item& item) { return text_at(item.summary, "Status"); }},
};
const std::vector<Method<Item>> methods{{"Label", label}};

constexpr std::string_view default_table =
    "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";

/// docker tries a template of the user's on an empty row before it asks the daemon, and words failures so.
void check_format(const std::string& format) {
  std::optional<Template> parsed;
  try {
    parsed.emplace("", format);
  } catch (Error& error) {
    throw error.in("failed to parse template");
  }
  try {
    const auto row = std::make_shared<Row<Item>>(columns, methods, "*formatter.ContainerContext", Item{});
    static_cast<void>(parsed->run(Datum{std::shared_ptr<const Object>{row}}));
  } catch (Error& error) {
    throw error.in("failed to execute template");
  }
}

}  // namespace

Command container_ls() {
  Command command{"List containers"};
  const auto all = command.on_off("-a,--all", "Show all containers (default shows just running)");
  const auto filters =
      command.list("-f,--filter", "Filter output based on conditions provided", "filter", check_filter);
  const auto format = command.text("--format", "", list_format_help);
  const auto last = command.number("-n,--last", -1, "Show n last created containers (includes all states)");
  const auto latest = command.on_off("-l,--latest", "Show the latest created container (includes all states)");
  const auto whole = command.on_off("--no-trunc", "Don't truncate output");
  const auto quiet = command.on_off("-q,--quiet", "Only display container IDs");
  const auto with_size = command.on_off("-s,--size", "Display total file sizes");
  command.run([=](Session& session) {
    if (!format->empty()) check_format(*format);
    auto text = *format;
    if (text.empty() || text == "table") text = std::string{default_table} + (*with_size ? "\t{{.Size}}" : "");
    if (*quiet) text = "{{.ID}}";
    const auto limit = *latest ? 1 : *last;
    const bool needs_size = *with_size || (!*quiet && (mentions(text, "Size") || mentions(text, "")));
    std::vector<Item> items;
    for (auto& summary : session.client.containers().list({.all = *all || limit > 0,
                         .size = needs_size,
                         .limit = std::max<std::int64_t>(limit, 0),
                         .filters = parse_filters(*filters)})) {
      items.push_back({std::move(summary), !*whole});
    }
    session.console.print(render_rows({"*formatter.ContainerContext", text}, columns, methods, items));
    return 0;
  });
  return command;
}

}  // namespace berth::cli
