// Commands that move images: import, load, pull, push, save.
#include <fcntl.h>

#include <cerrno>

#include "base/file.hpp"
#include "base/strings.hpp"
#include "cli/commands.hpp"
#include "cli/each.hpp"
#include "cli/image_name.hpp"
#include "cli/progress.hpp"
#include "cli/save_target.hpp"
#include "cli/terminal.hpp"

namespace berth::cli {
namespace {

UniqueFd open_input(const std::string& path) {
  UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) throw Error::from_errno(errno, "open {}", path);
  return fd;
}

/// Shows progress, or with `quiet` only has the errors thrown.
void show_unless_quiet(Session& session, client::Stream& stream, bool quiet) {
  if (!quiet) return show_progress(stream, session.console.out);
  const auto nowhere = open_file("/dev/null", O_WRONLY);
  show_progress(stream, nowhere);
}

}  // namespace

Command image_load() {
  Command command{"Load an image from a tar archive or STDIN"};
  const auto input = command.text("-i,--input", "", "Read from tar archive file, instead of STDIN");
  const auto platform = command.text(
      "--platform", "",
      "Load only the given platform variant. Formatted as \"os[/arch[/variant]]\" (e.g., \"linux/amd64\")");
  const auto quiet = command.on_off("-q,--quiet", "Suppress the load output");
  command.run([=](Session& session) {
    if (input->empty() && is_terminal(session.console.in)) {
      throw Failure{1, "requested load from stdin, but stdin is empty"};
    }
    const auto file = input->empty() ? UniqueFd{} : open_input(*input);
    const auto source = source_of(file ? FdRef{file} : session.console.in);
    auto stream = session.client.images().load(source, *quiet || !is_terminal(session.console.out), *platform);
    show_progress(stream, session.console.out);
    return 0;
  });
  return command;
}

Command image_import() {
  Command command{"Import the contents from a tarball to create a filesystem image"};
  const auto changes = command.list("-c,--change", "Apply Dockerfile instruction to the created image");
  const auto message = command.text("-m,--message", "", "Set commit message for imported image");
  const auto platform = command.text("--platform", "", "Set platform if server is multi-platform capable");
  const auto words = command.arguments("file|URL|- [REPOSITORY[:TAG]]", {.at_least = 1});
  command.run([=](Session& session) {
    const auto& from = words->front();
    const bool is_url = from.starts_with("http://") || from.starts_with("https://");
    client::Query parameters{{"fromSrc", is_url ? from : "-"},
                             {"message", *message},
                             {"platform", to_lower(*platform)},
                             {"repo", words->size() > 1 ? (*words)[1] : ""}};
    for (const auto& change : *changes) parameters.emplace_back("changes", change);
    const auto file = is_url || from == "-" ? UniqueFd{} : open_input(from);
    const auto nothing = [](std::span<char>) -> std::size_t { return 0; };
    const auto source = is_url ? client::Source{nothing} : source_of(file ? FdRef{file} : session.console.in);
    auto stream = session.client.images().import(source, parameters);
    show_progress(stream, session.console.out);
    return 0;
  });
  return command;
}

Command image_pull() {
  Command command{"Download an image from a registry"};
  const auto all = command.on_off("-a,--all-tags", "Download all tagged images in the repository");
  command.on_off("--disable-content-trust", "Skip image verification", true);
  const auto platform = command.text("--platform", "", "Set platform if server is multi-platform capable");
  const auto quiet = command.on_off("-q,--quiet", "Suppress verbose output");
  const auto names = command.arguments("NAME[:TAG|@DIGEST]", {.at_least = 1, .at_most = 1});
  command.run([=](Session& session) {
    auto name = parse_image_name(names->front());
    const bool has_version = !name.tag.empty() || !name.digest.empty();
    if (*all && has_version) throw Failure{1, "tag can't be used with --all-tags/-a"};
    if (!*all && !has_version) {
      name.tag = "latest";
      if (!*quiet) session.console.print_line("Using default tag: latest");
    }
    auto stream =
        session.client.images().pull(name.repository, name.digest.empty() ? name.tag : name.digest, *platform);
    show_unless_quiet(session, stream, *quiet);
    session.console.print_line(full_name(name));
    return 0;
  });
  return command;
}

Command image_push() {
  Command command{"Upload an image to a registry"};
  const auto all = command.on_off("-a,--all-tags", "Push all tags of an image to the repository");
  command.on_off("--disable-content-trust", "Skip image signing", true);
  const auto quiet = command.on_off("-q,--quiet", "Suppress verbose output");
  const auto names = command.arguments("NAME[:TAG]", {.at_least = 1, .at_most = 1});
  command.run([=](Session& session) {
    auto name = parse_image_name(names->front());
    if (*all && !name.tag.empty()) throw Failure{1, "tag can't be used with --all-tags/-a"};
    if (!*all && name.tag.empty()) name.tag = "latest";
    auto stream = session.client.images().push(name.repository, name.tag);
    show_unless_quiet(session, stream, *quiet);
    return 0;
  });
  return command;
}

Command image_save() {
  Command command{"Save one or more images to a tar archive (streamed to STDOUT by default)"};
  const auto output = command.text("-o,--output", "", "Write to a file, instead of STDOUT");
  const auto names = command.arguments("IMAGE [IMAGE...]", {.at_least = 1});
  command.run([=](Session& session) {
    refuse_terminal(session, *output, "save");
    auto stream = session.client.images().save(*names);
    save_stream(session, stream, *output);
    return 0;
  });
  return command;
}

}  // namespace berth::cli
