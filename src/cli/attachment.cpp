#include "cli/attachment.hpp"

#include <csignal>

namespace berth::cli {

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
  wait_readable(waiting_->socket(), signals_.get(), [this](int number) { on_signal(number); });
  return waiting_->result();
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
