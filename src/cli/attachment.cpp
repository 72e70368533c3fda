#include "cli/attachment.hpp"

#include <chrono>
#include <csignal>

#include "base/strings.hpp"
#include "base/time.hpp"

namespace berth::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// How long a daemon may be away, and how often it is looked for.
constexpr std::chrono::seconds restart_patience{30};
constexpr std::chrono::milliseconds restart_pause{50};

}  // namespace

void check_tty(const Console& console, bool attach_stdin, bool tty) {
  if (attach_stdin && tty && !is_terminal(console.in)) throw Failure{1, "the input device is not a TTY"};
}

Attachment::Attachment(Session& session, std::string id, AttachSettings settings)
    : session_(session), id_(std::move(id)), settings_(std::move(settings)) {
  if (settings_.proxy_signals) {
    signals_ = std::make_unique<SignalQueue>(SignalQueue::Which::all);
  } else if (settings_.tty) {
    signals_ = std::make_unique<SignalQueue>(SignalQueue::Which::terminal);
  }
}

void Attachment::begin(std::string_view wait_condition) {
  auto containers = session_.client.containers();
  std::optional<client::Pending> attaching;
  if (with_streams()) {
    attaching = containers.attach(id_, {.stdin_ = settings_.with_stdin,
                                        .stdout_ = settings_.with_stdout,
                                        .stderr_ = settings_.with_stderr,
                                        .detach_keys = settings_.detach_keys});
  }
  wait_condition_ = wait_condition;
  waiting_ = containers.wait(id_, wait_condition);
  if (attaching) {
    attaching->accept();
    relay_ = std::make_unique<Relay>(session_.console, attaching->connection().hijack(),
                                     RelayOptions{.tty = settings_.tty,
                                                  .with_stdin = settings_.with_stdin,
                                                  .with_output = settings_.with_stdout || settings_.with_stderr,
                                                  .detach_keys = settings_.detach_keys});
  }
  waiting_->accept();
}

void Attachment::follow_window(Redraw redraw) {
  if (!settings_.tty || !is_terminal(session_.console.out)) return;
  // A shell that is attached to again draws its prompt only if the size changes.
  if (redraw == Redraw::yes) resize(1);
  resize(0);
}

Ended Attachment::relay() {
  if (!relay_) return Ended::closed;
  const auto ended = relay_->run(signals_.get(), [this](int number) { on_signal(number); });
  relay_.reset();
  return ended;
}

client::Exit Attachment::exit() {
  for (;;) {
    if (!waiting_->connection().has_buffered()) {
      wait_readable(waiting_->socket(), signals_.get(), [this](int number) { on_signal(number); });
    }
    try {
      return waiting_->result();
    } catch (const Error& error) {
      if (error.kind() != Kind::unavailable) throw;
    }
    if (const auto exit = wait_again()) return *exit;
  }
}

std::optional<client::Exit> Attachment::wait_again() {
  // It may have ended while there was no daemon, so there may be no next exit.
  const auto* condition = wait_condition_ == "removed" ? "removed" : "not-running";
  for (const auto deadline = Clock::now() + restart_patience;;) {
    try {
      waiting_ = session_.client.containers().wait(id_, condition);
      waiting_->accept();
      return std::nullopt;
    } catch (const Error& error) {
      if (error.kind() == Kind::not_found) {
        if (auto exit = find_past_exit()) return exit;
        throw;
      }
      if (error.kind() != Kind::unavailable || Clock::now() >= deadline) throw;
    }
    // The appearance of a socket has no descriptor to wait for.
    wait_readable(
        FdRef{-1}, signals_.get(), [this](int number) { on_signal(number); }, restart_pause);
  }
}

std::optional<client::Exit> Attachment::find_past_exit() {
  auto events = session_.client.system().events("", to_rfc3339(now()), {{"container", {id_}}, {"event", {"die"}}});
  std::optional<client::Exit> exit;
  while (const auto event = events.next()) {
    const auto* actor = json::find(*event, "Actor");
    const auto* attributes = actor != nullptr ? json::find(*actor, "Attributes") : nullptr;
    const auto* code = attributes != nullptr ? json::find(*attributes, "exitCode") : nullptr;
    if (code == nullptr || !code->is_string()) continue;
    if (const auto number = parse_number<int>(std::string_view{code->get_string()}))
      exit = client::Exit{.status = *number, .error = {}};
  }
  return exit;
}

void Attachment::on_signal(int number) {
  if (number == SIGWINCH) {
    if (settings_.tty) resize(0);
    return;
  }
  if (!settings_.proxy_signals) {
    close();  // The terminal must not stay raw.
    throw Failure{128 + number, ""};
  }
  const auto name = find_signal_name(number);
  if (!name) return;
  try {
    session_.client.containers().kill(id_, *name);
  } catch (const Error&) {
    // The container may be about to end, and the user sees that.
  }
}

void Attachment::resize(unsigned more) {
  const auto size = find_terminal_size(session_.console.out);
  if (!size || (size->rows == 0 && size->columns == 0)) return;
  try {
    session_.client.containers().resize(id_, size->rows + more, size->columns + more);
  } catch (const Error&) {
    // The container has ended meanwhile.
  }
}

}  // namespace berth::cli
