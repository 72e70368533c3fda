// Further processes in containers.
#include "api/resources.hpp"
#include "api/terminal.hpp"
#include "base/file.hpp"
#include "engine/engine.hpp"
#include "logs/frame.hpp"

namespace berth::api {
namespace {

using containers::ExecConfig;
using containers::ExecStart;
using engine::Engine;

struct Created {
  std::string Id;
};
BOOST_DESCRIBE_STRUCT(Created, (), (Id))

Reply create(const Request& request, Engine& engine) {
  auto config = request.json<ExecConfig>();
  if (!config.Cmd || config.Cmd->empty()) throw Error{Kind::invalid, "No exec command specified"};
  if (request.version() < ApiVersion{1, 42}) config.ConsoleSize.clear();
  return Reply::json(Created{engine.containers().create_exec(request.name(), std::move(config))}, 201);
}

/// What went wrong after the head was sent: the client shows it where the program's output would be.
void tell(FdRef client, bool tty, const Error& error) {
  const auto text = error.message() + "\r\n";
  try {
    if (!tty) write_all(client, logs::FrameHeader{logs::Stream::out, text.size()}.bytes());
    write_all(client, text);
  } catch (const Error&) {
    return;  // it has gone
  }
}

Reply start(const Request& request, Engine& engine) {
  auto options = request.has_body() ? request.json<ExecStart>() : ExecStart{};
  if (request.version() < ApiVersion{1, 42}) options.ConsoleSize.clear();
  const auto target = engine.containers().exec_target(request.name(), std::move(options));
  if (target.start.Detach) {
    engine.containers().start_exec(target, nullptr);
    return Reply::empty(200);
  }
  const bool tty = target.start.Tty;
  return Reply::hijack(stream_type(tty, request.version()), [target, tty, &engine](Hijacked client) {
    client.accept();
    let_client_read_head(client.connection);
    shim::Attachment attachment{.connection = std::move(client.connection), .pending = std::move(client.pending)};
    try {
      engine.containers().start_exec(target, &attachment);
    } catch (const Error& error) {
      tell(attachment.connection, tty, error);
    }
  });
}

Reply resize(const Request& request, Engine& engine) {
  const auto [height, width] = parse_terminal_size(request);
  engine.containers().resize_exec(request.name(), height, width);
  return Reply::empty(200);
}

Reply inspect(const Request& request, Engine& engine) {
  return Reply::json(engine.containers().inspect_exec(request.name()));
}

const Route routes[] = {
    {Method::post, "/containers/{name}/exec", create},  // 201, 400, 404, 409
    {Method::post, "/exec/{id}/start", start},          // 101, 200, 400, 404, 409
    {Method::post, "/exec/{id}/resize", resize},        // 200, 400, 404, 409
    {Method::get, "/exec/{id}/json", inspect},          // 200, 404
};

}  // namespace

std::span<const Route> exec_routes() {
  return routes;
}

}  // namespace berth::api
