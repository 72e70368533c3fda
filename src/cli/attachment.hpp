// A container seen from its terminal: attach, window size, signals and exit status, for run, start and attach.
//
//   Attachment attachment{session, id, {.tty = true, .with_stdin = true}};
//   attachment.begin("next-exit");
//   session.client.containers().start(id);
//   attachment.follow_window();
//   if (attachment.relay() == Ended::detached) return 0;
//   return attachment.exit().status;
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/relay.hpp"
#include "cli/session.hpp"

namespace berth::cli {

struct AttachSettings {
  bool tty = false;
  bool with_stdin = false;
  bool with_stdout = true;
  bool with_stderr = true;
  bool proxy_signals = true;
  std::string detach_keys;
};

enum class Redraw { no, yes };

class Attachment {
 public:
  Attachment(Session& session, std::string id, AttachSettings settings);

  /// Has the daemon attach and, under `wait_condition`, wait; both are on their way at once. The terminal is raw
  /// afterwards.
  void begin(std::string_view wait_condition);
  /// Tells the container the size of our window; later changes are passed on while relay() or exit() runs.
  void follow_window(Redraw redraw = Redraw::no);
  /// Copies until the container's output ends or the user detaches.
  Ended relay();
  /// Blocks until the condition holds. The container goes on without the daemon, and the wait with the next one.
  client::Exit exit();
  /// Gives the terminal back to the user.
  void close() { relay_.reset(); }

 private:
  void on_signal(int number);
  /// Waits with the daemon that comes after the one that has gone. Returns what became of the container if it has been
  /// removed meanwhile.
  std::optional<client::Exit> wait_again();
  /// As the daemon's events tell; nothing if they do not.
  std::optional<client::Exit> find_past_exit();
  /// To our window's size, and `more` rows and columns.
  void resize(unsigned more);
  [[nodiscard]] bool with_streams() const {
    return settings_.with_stdin || settings_.with_stdout || settings_.with_stderr;
  }

  Session& session_;
  std::string id_;
  AttachSettings settings_;
  std::unique_ptr<SignalQueue> signals_;
  std::string wait_condition_;
  std::optional<client::Waiting> waiting_;
  std::unique_ptr<Relay> relay_;
};

/// Throws if a tty and standard input are wanted, and standard input is none.
void check_tty(const Console& console, bool attach_stdin, bool tty);

}  // namespace berth::cli
