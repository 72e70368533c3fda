#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/each.hpp"
#include "cli/progress.hpp"
#include "cli/relay.hpp"
#include "cli/units.hpp"

namespace berth::cli {
namespace {

/// Whether the stream is in frames: said by its content type since API 1.42, before that by the container's tty.
bool is_multiplexed(Session& session, const std::string& name, const client::Stream& stream) {
  if (stream.content_type() == "application/vnd.docker.multiplexed-stream") return true;
  if (stream.content_type() == "application/vnd.docker.raw-stream") return false;
  return !flag_at(session.client.containers().inspect(name), "Config.Tty");
}

std::string timestamp_of(std::string_view flag, const std::string& text) {
  try {
    return unix_timestamp(text);
  } catch (Error& error) {
    throw error.in("invalid value for {}", quote(flag));
  }
}

}  // namespace

Command container_logs() {
  Command command{"Fetch the logs of a container"};
  const auto details = command.on_off("--details", "Show extra details provided to logs");
  const auto follow = command.on_off("-f,--follow", "Follow log output");
  const auto since = command.text(
      "--since", "",
      "Show logs since timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)");
  const auto tail = command.text("-n,--tail", "all", "Number of lines to show from the end of the logs");
  const auto timestamps = command.on_off("-t,--timestamps", "Show timestamps");
  const auto until = command.text(
      "--until", "",
      "Show logs before a timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)");
  const auto names = command.arguments("CONTAINER", {.at_least = 1, .at_most = 1});
  command.run([=](Session& session) {
    const auto& name = names->front();
    auto stream = session.client.containers().logs(name, {.follow = *follow,
                                                          .timestamps = *timestamps,
                                                          .details = *details,
                                                          .since = timestamp_of("since", *since),
                                                          .until = timestamp_of("until", *until),
                                                          .tail = *tail});
    if (!is_multiplexed(session, name, stream)) {
      copy_stream(stream, session.console.out);
      return 0;
    }
    // Each line is a frame: what follows each other on one stream is written at once.
    FrameSplitter frames;
    std::string piece(256U << 10U, '\0');
    std::string unwritten;
    int last = 1;
    const auto write_out = [&] {
      write_all(last == 1 ? session.console.out : session.console.err, unwritten);
      unwritten.clear();
    };
    while (const auto count = stream.read_some(piece)) {
      frames.feed(std::string_view{piece}.substr(0, count), [&](int number, std::string_view bytes) {
        if (number != last) write_out();
        last = number;
        unwritten += bytes;
      });
      write_out();
    }
    return 0;
  });
  return command;
}

}  // namespace berth::cli
