#include "cli/stats.hpp"

#include "cli/each.hpp"
#include "cli/image_name.hpp"
#include "cli/units.hpp"

namespace berth::cli {
namespace {

double real_at(const json::Value& value, std::string_view path) {
  const auto& found = at(value, path);
  return found.is_number() ? found.to_number<double>() : 0;
}

double cpu_percent(const json::Value& reading) {
  const auto used =
      real_at(reading, "cpu_stats.cpu_usage.total_usage") - real_at(reading, "precpu_stats.cpu_usage.total_usage");
  const auto passed =
      real_at(reading, "cpu_stats.system_cpu_usage") - real_at(reading, "precpu_stats.system_cpu_usage");
  auto processors = real_at(reading, "cpu_stats.online_cpus");
  if (const auto* each = at(reading, "cpu_stats.cpu_usage.percpu_usage").if_array(); processors == 0 && each) {
    processors = static_cast<double>(each->size());
  }
  return used > 0 && passed > 0 ? used / passed * processors * 100 : 0;
}

double memory_without_cache(const json::Value& memory) {
  const auto usage = real_at(memory, "usage");
  for (const auto* name : {"stats.total_inactive_file", "stats.inactive_file"}) {
    const auto& cache = at(memory, name);
    if (cache.is_number() && cache.to_number<double>() < usage) return usage - cache.to_number<double>();
  }
  return usage;
}

void add_networks(const json::Value& networks, Usage& usage) {
  const auto* all = networks.if_object();
  if (all == nullptr) return;
  for (const auto& network : *all) {
    usage.received += real_at(network.value(), "rx_bytes");
    usage.sent += real_at(network.value(), "tx_bytes");
  }
}

void add_block_devices(const json::Value& entries, Usage& usage) {
  const auto* all = entries.if_array();
  if (all == nullptr) return;
  for (const auto& entry : *all) {
    const auto operation = text_at(entry, "op");
    if (operation.starts_with('r') || operation.starts_with('R')) usage.read += real_at(entry, "value");
    if (operation.starts_with('w') || operation.starts_with('W')) usage.written += real_at(entry, "value");
  }
}

std::string percent(double value) {
  return fmt::format("{:.2f}%", value);
}

const std::vector<Column<Usage>> columns{
    {"BlockIO", "BLOCK I/O",
     [](const Usage& usage) { return human_size(usage.read, 3) + " / " + human_size(usage.written, 3); }},
    {"CPUPerc", "CPU %", [](const Usage& usage) { return percent(usage.cpu_percent); }},
    {"Container", "CONTAINER", [](const Usage& usage) { return usage.container; }},
    {"ID", "CONTAINER ID", [](const Usage& usage) { return usage.truncates ? short_id(usage.id) : usage.id; }},
    {"MemPerc", "MEM %", [](const Usage& usage) { return percent(usage.memory_percent); }},
    {"MemUsage", "MEM USAGE / LIMIT",
     [](const Usage& usage) { return binary_size(usage.memory) + " / " + binary_size(usage.memory_limit); }},
    {"Name", "NAME", [](const Usage& usage) { return usage.name.size() > 1 ? usage.name.substr(1) : "--"; }},
    {"NetIO", "NET I/O",
     [](const Usage& usage) { return human_size(usage.received, 3) + " / " + human_size(usage.sent, 3); }},
    {"PIDs", "PIDS", [](const Usage& usage) { return std::to_string(usage.pids); }},
};
const std::vector<Method<Usage>> methods;

constexpr const char* default_table =
    "table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}";

}  // namespace

Usage usage_of(const json::Value& reading) {
  Usage usage{.id = text_at(reading, "id"), .name = text_at(reading, "name")};
  usage.cpu_percent = cpu_percent(reading);
  usage.memory = memory_without_cache(at(reading, "memory_stats"));
  usage.memory_limit = real_at(reading, "memory_stats.limit");
  usage.memory_percent = usage.memory_limit > 0 ? usage.memory / usage.memory_limit * 100 : 0;
  usage.pids = number_at(reading, "pids_stats.current");
  add_networks(at(reading, "networks"), usage);
  add_block_devices(at(reading, "blkio_stats.io_service_bytes_recursive"), usage);
  return usage;
}

std::string render_usage(const std::string& format, const std::vector<Usage>& rows) {
  const bool preset = format.empty() || format == "table";
  return render_rows({"*container.statsContext", preset ? default_table : format}, columns, methods, rows);
}

}  // namespace berth::cli
