// Containers: the requests that last. Attach, logs, stats and wait.
#include "api/resources.hpp"
#include "api/terminal.hpp"
#include "engine/engine.hpp"
#include "logs/frame.hpp"

namespace berth::api {
namespace {

using containers::WaitCondition;
using engine::Engine;

Reply attach(const Request& request, Engine& engine) {
  containers::AttachRequest wanted{.logs = request.flag("logs"),
                                   .stream = request.flag("stream"),
                                   .stdin_ = request.flag("stdin"),
                                   .stdout_ = request.flag("stdout"),
                                   .stderr_ = request.flag("stderr"),
                                   .detach_keys = request.query_or("detachKeys", "")};
  auto target = engine.containers().attach_target(request.name(), std::move(wanted));
  const auto type = stream_type(target.tty, request.version());
  return Reply::hijack(type, [target, &engine](Hijacked client) {
    const auto accepted = [accept = client.accept, logs = target.request.logs, socket = FdRef{client.connection}] {
      accept();
      if (logs) let_client_read_head(socket);
    };
    engine.containers().attach(
        target, {.connection = std::move(client.connection), .pending = std::move(client.pending)}, accepted);
  });
}

std::optional<Time> time_parameter(const Request& request, std::string_view key) {
  const auto text = request.query_or(key, "");
  if (text.empty() || text == "0") return std::nullopt;
  try {
    return parse_timestamp(text);
  } catch (Error& error) {
    throw error.in("invalid value for {}", quote(key));
  }
}

logs::ReadOptions parse_log_options(const Request& request) {
  logs::ReadOptions options{.stdout_ = request.flag("stdout"),
                            .stderr_ = request.flag("stderr"),
                            .since = time_parameter(request, "since"),
                            .until = time_parameter(request, "until"),
                            .follow = request.flag("follow"),
                            .timestamps = request.flag("timestamps"),
                            .details = request.flag("details")};
  if (!options.stdout_ && !options.stderr_) {
    throw Error{Kind::invalid, "Bad parameters: you must choose at least one stream"};
  }
  options.tail =
      parse_number<std::size_t>(request.query_or("tail", "all"));  // "all", and what is no number: everything
  return options;
}

void write_logs(const containers::LogSource& source, const logs::ReadOptions& options, FdRef client, BodyWriter& out) {
  logs::Reader reader{source.path, options, {.finished = *source.finished, .client = client}};
  for (logs::Entry entry; reader.next(entry);) {
    const auto line = logs::format(entry, options);
    if (!source.tty) out.write(logs::FrameHeader{entry.stream, line.size()}.bytes());
    out.write(line);
    if (reader.may_wait()) out.flush();
  }
}

Reply logs_of(const Request& request, Engine& engine) {
  const auto options = parse_log_options(request);
  const auto source = engine.containers().log_source(request.name());
  if (source.path.empty()) {
    throw Error{Kind::unsupported, "configured logging driver does not support reading"};
  }
  const auto type = stream_type(source.tty, request.version());
  return Reply::stream(type, [=, client = request.client()](BodyWriter& out) {
    out.begin();
    write_logs(source, options, client, out);
  });
}

WaitCondition parse_condition(const Request& request) {
  const auto text = request.query_or("condition", "");
  if (request.version() < ApiVersion{1, 30} || text.empty() || text == "not-running") return WaitCondition::not_running;
  if (text == "next-exit") return WaitCondition::next_exit;
  if (text == "removed") return WaitCondition::removed;
  throw Error{Kind::invalid, "invalid condition: {}", quote(text)};
}

/// The head is sent as soon as the wait has begun: `docker run` starts its container only then. Before 1.30 it came
/// with the result, and clients take an early one for the end.
Reply wait(const Request& request, Engine& engine) {
  const auto condition = parse_condition(request);
  const bool early_head = request.version() >= ApiVersion{1, 30};
  return Reply::stream("application/json", [=, &request, &engine](BodyWriter& out) {
    const auto accepted = [&] {
      if (early_head) out.begin();
    };
    const auto result = engine.containers().wait(request.name(), condition, request.client(), accepted);
    out.write(json::write(result) + "\n");
  });
}

Reply stats(const Request& request, Engine& engine) {
  containers::StatsRequest wanted{.stream = request.flag("stream", true)};
  if (request.version() >= ApiVersion{1, 41}) wanted.one_shot = request.flag("one-shot");
  return Reply::stream("application/json", [=, &request, &engine](BodyWriter& out) {
    engine.containers().stats(request.name(), wanted, request.client(), [&](const containers::Stats& stats) {
      out.write(json::write(stats) + "\n");
      out.flush();
    });
  });
}

const Route routes[] = {
    {Method::post, "/containers/{name}/attach", attach},  // 101, 200, 400, 404, 409
    {Method::get, "/containers/{name}/logs", logs_of},    // 200, 400, 404, 501
    {Method::get, "/containers/{name}/stats", stats},     // 200, 400, 404
    {Method::post, "/containers/{name}/wait", wait},      // 200, 400, 404
};

}  // namespace

std::span<const Route> container_stream_routes() {
  return routes;
}

}  // namespace berth::api
