#include <sys/utsname.h>

#include "base/strings.hpp"
#include "cli/commands.hpp"
#include "cli/each.hpp"
#include "cli/formatter.hpp"
#include "cli/inspect.hpp"
#include "cli/units.hpp"

namespace berth::cli {
namespace {

constexpr std::string_view default_format = R"({{with .Client -}}
Client:
 Version:	{{.Version}}
 API version:	{{.ApiVersion}}{{if ne .ApiVersion .DefaultAPIVersion}} (downgraded from {{.DefaultAPIVersion}}){{end}}
 OS/Arch:	{{.Os}}/{{.Arch}}
 Context:	{{.Context}}
{{- end}}
{{- with .Server}}

Server:{{if .Platform.Name}} {{.Platform.Name}}{{end}}
 {{- range .Components}}
 {{.Name}}:
  Version:	{{.Version}}
  {{- if eq .Name "Engine"}}
  API version:	{{index .Details "ApiVersion"}} (minimum version {{index .Details "MinAPIVersion"}})
  {{- with index .Details "GoVersion"}}
  Go version:	{{.}}
  {{- end}}
  {{- with index .Details "GitCommit"}}
  Git commit:	{{.}}
  {{- end}}
  {{- with index .Details "BuildTime"}}
  Built:	{{.}}
  {{- end}}
  OS/Arch:	{{index .Details "Os"}}/{{index .Details "Arch"}}
  Experimental:	{{index .Details "Experimental"}}
  {{- else}}
  {{- range $name, $value := .Details}}
  {{$name}}:	{{$value}}
  {{- end}}
  {{- end}}
 {{- end}}
{{- end}})";

/// As Go names the architecture.
std::string architecture() {
  utsname system{};
  ::uname(&system);
  const std::string_view machine = system.machine;
  return machine == "x86_64" ? "amd64" : machine == "aarch64" ? "arm64" : std::string{machine};
}

json::Object client_version(const client::Client& client) {
  return {{"Version", BERTH_VERSION},
          {"ApiVersion", client.version()},
          {"DefaultAPIVersion", std::string{client::api_version}},
          {"GitCommit", ""},
          {"Os", "linux"},
          {"Arch", architecture()},
          {"BuildTime", ""},
          {"Context", "default"}};
}

/// An engine of before API 1.35 lists no components: it is the only one.
void complete_components(json::Object& server) {
  auto& components = server["Components"];
  if (!components.is_array()) components.emplace_array();
  for (auto& component : components.get_array()) {
    if (text_at(component, "Name") != "Engine") continue;
    auto& details = component.as_object()["Details"];
    if (const auto built = text_at(details, "BuildTime"); !built.empty())
      details.as_object()["BuildTime"] = ansi_time(built);
    return;
  }
  const json::Value source(server);
  json::Object details;
  for (const auto* name : {"ApiVersion", "MinAPIVersion", "GitCommit", "GoVersion", "Os", "Arch"})
    details[name] = text_at(source, name);
  details["Experimental"] = flag_at(source, "Experimental") ? "true" : "false";
  components.get_array().push_back(
      json::Object{{"Name", "Engine"}, {"Version", text_at(source, "Version")}, {"Details", details}});
}

}  // namespace

Command version() {
  Command command{"Show the Docker version information"};
  const auto format = command.text("-f,--format", "", value_format_help);
  command.run([=](Session& session) {
    if (!format->empty() && *format != "json") check_template(*format);
    json::Object versions{{"Client", client_version(session.client)}, {"Server", nullptr}};
    std::string failure;
    try {
      auto server = session.client.system().version().as_object();
      complete_components(server);
      if (!server.contains("Platform")) server["Platform"] = json::Object{{"Name", ""}};
      versions["Server"] = std::move(server);
    } catch (const Error& error) {
      failure = error.message();
    }
    const auto text =
        render_value(format->empty() ? std::string{default_format} : *format, json::Value(versions), "version");
    session.console.print(align_columns(text + '\n', 20, 1));
    if (!failure.empty()) throw Failure{1, failure};
    return 0;
  });
  return command;
}

}  // namespace berth::cli
