#include "cli/container_create.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.hpp"
#include "cli/commands.hpp"
#include "cli/image_name.hpp"
#include "cli/progress.hpp"
#include "cli/terminal.hpp"

namespace berth::cli {
namespace {

void pull_image(Session& session, const ContainerFlags& flags, const std::string& image) {
  const auto name = split_image_name(with_default_tag(image));
  auto stream =
      session.client.images().pull(name.repository, name.digest.empty() ? name.tag : name.digest, *flags.platform);
  const UniqueFd nowhere = *flags.quiet ? open_file("/dev/null", O_WRONLY) : UniqueFd{};
  show_progress(stream, *flags.quiet ? FdRef{nowhere} : session.console.err);
}

bool is_missing_image(const Error& error) {
  return error.kind() == Kind::not_found && error.message().contains("No such image");
}

/// The file is made before the container, so that a name that is taken costs nothing.
UniqueFd reserve_cidfile(const std::string& path) {
  if (path.empty()) return {};
  try {
    return open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
  } catch (const Error& error) {
    if (error.errno_value() == EEXIST) {
      throw Error{Kind::conflict, "container ID file found, make sure the other container isn't running or delete {}",
                  path};
    }
    throw Error{Kind::invalid, "failed to create the container ID file: open {}: {}", path,
                errno_text(error.errno_value())};
  }
}

client::Created create(Session& session, const ContainerFlags& flags, const ContainerRequest& request) {
  const json::Value body(request.body);
  auto containers = session.client.containers();
  try {
    return containers.create(*flags.name, *flags.platform, body);
  } catch (const Error& error) {
    if (*flags.pull != "missing" || !is_missing_image(error)) throw;
  }
  if (!*flags.quiet) {
    const auto name = with_default_tag(familiar_repository(request.image));
    session.console.complain(fmt::format("Unable to find image '{}' locally", name));
  }
  pull_image(session, flags, request.image);
  return containers.create(*flags.name, *flags.platform, body);
}

}  // namespace

void check_pull_option(const std::string& pull) {
  if (pull != "always" && pull != "missing" && pull != "never" && !pull.empty()) {
    throw Error{Kind::invalid, "invalid pull option: '{}': must be one of \"always\", \"missing\" or \"never\"", pull};
  }
}

void set_attached_streams(ContainerRequest& request) {
  request.body["AttachStdin"] = request.attach_stdin;
  request.body["AttachStdout"] = request.attach_stdout;
  request.body["AttachStderr"] = request.attach_stderr;
  request.body["StdinOnce"] = request.attach_stdin && request.body["OpenStdin"].as_bool();
}

std::string create_container(Session& session, const ContainerFlags& flags, ContainerRequest& request) {
  if (request.image.find_first_not_of("0123456789abcdef") != std::string::npos &&
      !request.image.starts_with("sha256:")) {
    parse_image_name(request.image);
  }
  const auto size = find_terminal_size(session.console.out).value_or(TerminalSize{});
  request.body["HostConfig"].as_object()["ConsoleSize"] = json::Array{size.rows, size.columns};
  const auto cidfile = reserve_cidfile(*flags.cidfile);
  client::Created created;
  try {
    if (*flags.pull == "always") pull_image(session, flags, request.image);
    created = create(session, flags, request);
  } catch (...) {
    if (cidfile) ::unlink(flags.cidfile->c_str());
    throw;
  }
  for (const auto& warning : created.warnings) session.console.complain("WARNING: " + warning);
  if (cidfile) write_all(cidfile, created.id);
  return created.id;
}

Command container_create() {
  Command command{"Create a new container"};
  const auto flags = declare_container_flags(command, "creating");
  command.flags_first();
  const auto words = command.arguments("IMAGE [COMMAND] [ARG...]", {.at_least = 1});
  command.run([=](Session& session) {
    ContainerRequest request;
    try {
      check_pull_option(*flags.pull);
      request = make_container_request(flags, *words);
    } catch (const Error& error) {
      throw Failure{125, fmt::format("{0}: {1}\n\nRun '{0} create --help' for more information", session.program,
                                     error.message())};
    }
    set_attached_streams(request);
    session.console.print_line(create_container(session, flags, request));
    return 0;
  });
  return command;
}

}  // namespace berth::cli
