#include <algorithm>

#include "base/strings.hpp"
#include "cli/commands.hpp"
#include "cli/each.hpp"
#include "cli/formatter.hpp"
#include "cli/inspect.hpp"
#include "cli/units.hpp"

namespace berth::cli {
namespace {

/// Lines of "label: value", in docker's order.
class Report {
 public:
  explicit Report(const json::Value& info) : info_(info) {}

  void line(std::string_view label, const std::string& value) { text_ += fmt::format("{}: {}\n", label, value); }
  void heading(std::string_view label) { text_ += fmt::format("{}:\n", label); }
  void raw(const std::string& line) { text_ += line + '\n'; }
  /// Numbers and texts of the daemon's answer as they are; empty texts are left out.
  void number(std::string_view label, std::string_view path) { line(label, std::to_string(number_at(info_, path))); }
  void flag(std::string_view label, std::string_view path) { line(label, flag_at(info_, path) ? "true" : "false"); }
  void text(std::string_view label, std::string_view path) {
    if (const auto value = text_at(info_, path); !value.empty()) line(label, value);
  }
  void list(std::string_view label, std::string_view path) { line(label, join(strings(path), " ")); }

  [[nodiscard]] std::vector<std::string> strings(std::string_view path) const {
    std::vector<std::string> all;
    if (const auto* array = at(info_, path).if_array()) {
      for (const auto& entry : *array) {
        if (entry.is_string()) all.emplace_back(entry.get_string());
      }
    }
    return all;
  }
  [[nodiscard]] const json::Value& info() const { return info_; }
  std::string take() { return std::move(text_); }

 private:
  const json::Value& info_;
  std::string text_;
};

void report_counts(Report& report) {
  report.number(" Containers", "Containers");
  report.number("  Running", "ContainersRunning");
  report.number("  Paused", "ContainersPaused");
  report.number("  Stopped", "ContainersStopped");
  report.number(" Images", "Images");
}

void report_drivers(Report& report) {
  report.text(" Server Version", "ServerVersion");
  report.text(" Storage Driver", "Driver");
  if (const auto* status = at(report.info(), "DriverStatus").if_array()) {
    for (const auto& pair : *status) {
      const auto& cells = pair.as_array();
      report.line(fmt::format("  {}", std::string_view{cells.at(0).as_string()}), std::string{cells.at(1).as_string()});
    }
  }
  report.text(" Logging Driver", "LoggingDriver");
  report.text(" Cgroup Driver", "CgroupDriver");
  report.text(" Cgroup Version", "CgroupVersion");
  report.heading(" Plugins");
  report.list("  Volume", "Plugins.Volume");
  report.list("  Network", "Plugins.Network");
  report.list("  Log", "Plugins.Log");
}

/// "name=seccomp,profile=default" as a name with its profile below.
void report_security(Report& report) {
  const auto options = report.strings("SecurityOptions");
  if (options.empty()) return;
  report.heading(" Security Options");
  for (const auto& option : options) {
    for (const auto& field : split(option, ',')) {
      const auto pair = split_once(field, '=');
      if (!pair) {
        report.raw("  " + field);
      } else if (pair->first == "name") {
        report.raw(fmt::format("  {}", pair->second));
      } else if (pair->first == "profile") {
        report.raw(fmt::format("   Profile: {}", pair->second));
      }
    }
  }
}

void report_runtimes(Report& report) {
  if (const auto* runtimes = at(report.info(), "Runtimes").if_object(); runtimes != nullptr && !runtimes->empty()) {
    std::vector<std::string> names;
    for (const auto& runtime : *runtimes) names.emplace_back(runtime.key());
    std::sort(names.begin(), names.end());
    report.line(" Runtimes", join(names, " "));
    report.line(" Default Runtime", text_at(report.info(), "DefaultRuntime"));
  }
  report.line(" Init Binary", text_at(report.info(), "InitBinary"));
  report.line(" containerd version", text_at(report.info(), "ContainerdCommit.ID"));
  report.line(" runc version", text_at(report.info(), "RuncCommit.ID"));
  report.line(" init version", text_at(report.info(), "InitCommit.ID"));
}

void report_host(Report& report) {
  report.text(" Kernel Version", "KernelVersion");
  report.text(" Operating System", "OperatingSystem");
  report.text(" OSType", "OSType");
  report.text(" Architecture", "Architecture");
  report.number(" CPUs", "NCPU");
  report.line(" Total Memory", binary_size(static_cast<double>(number_at(report.info(), "MemTotal"))));
  report.text(" Name", "Name");
  report.text(" ID", "ID");
  report.line(" Docker Root Dir", text_at(report.info(), "DockerRootDir"));
  report.flag(" Debug Mode", "Debug");
  report.text(" HTTP Proxy", "HttpProxy");
  report.text(" HTTPS Proxy", "HttpsProxy");
  report.text(" No Proxy", "NoProxy");
  const auto labels = report.strings("Labels");
  if (!labels.empty()) report.heading(" Labels");
  for (const auto& label : labels) report.raw("  " + label);
  report.flag(" Experimental", "ExperimentalBuild");
}

void report_registries(Report& report) {
  std::vector<std::string> insecure;
  if (const auto* configs = at(report.info(), "RegistryConfig.IndexConfigs").if_object()) {
    for (const auto& config : *configs) {
      if (!flag_at(config.value(), "Secure")) insecure.push_back(text_at(config.value(), "Name"));
    }
  }
  for (const auto& network : report.strings("RegistryConfig.InsecureRegistryCIDRs")) insecure.push_back(network);
  if (!insecure.empty()) report.heading(" Insecure Registries");
  for (const auto& name : insecure) report.raw("  " + name);
  const auto mirrors = report.strings("RegistryConfig.Mirrors");
  if (!mirrors.empty()) report.heading(" Registry Mirrors");
  for (const auto& mirror : mirrors) report.raw("  " + mirror);
}

std::string describe_server(const json::Value& info) {
  Report report{info};
  report_counts(report);
  report_drivers(report);
  report.line(" Swarm", text_at(info, "Swarm.LocalNodeState"));
  report_runtimes(report);
  report_security(report);
  report_host(report);
  report_registries(report);
  report.flag(" Live Restore Enabled", "LiveRestoreEnabled");
  return report.take() + '\n';
}

std::string describe_client() {
  return fmt::format("Client:\n Version:    {}\n Context:    default\n Debug Mode: false\n\nServer:\n", BERTH_VERSION);
}

}  // namespace

Command system_info() {
  Command command{"Display system-wide information"};
  const auto format = command.text("-f,--format", "", value_format_help);
  command.run([=](Session& session) {
    if (!format->empty()) {
      if (*format != "json") check_template(*format);
      auto info = session.client.system().info();
      info.as_object()["ClientInfo"] =
          json::Object{{"Debug", false}, {"Version", BERTH_VERSION}, {"Context", "default"}};
      session.console.print_line(render_value(*format, info, ""));
      return 0;
    }
    session.console.print(describe_client());
    json::Value info;
    try {
      info = session.client.system().info();
    } catch (const Error& error) {
      session.console.complain(error.message());
      throw Failure{1, ""};
    }
    session.console.print(describe_server(info));
    if (const auto* warnings = at(info, "Warnings").if_array()) {
      for (const auto& warning : *warnings) session.console.complain(std::string_view{warning.as_string()});
    }
    return 0;
  });
  return command;
}

}  // namespace berth::cli
