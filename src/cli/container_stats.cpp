#include <poll.h>

#include <algorithm>
#include <chrono>

#include "base/strings.hpp"
#include "cli/commands.hpp"
#include "cli/each.hpp"
#include "cli/image_name.hpp"
#include "cli/session.hpp"
#include "cli/stats.hpp"

namespace berth::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct Flags {
  Switch all, no_stream, whole_ids;
  Text format;
};

/// One container on the screen, and the daemon's readings of it.
struct Watched {
  std::string name;
  client::Stream readings;
  Usage usage;
};

client::Stream accepted(client::Pending pending) {
  auto head = pending.accept();
  return {std::move(pending.connection()), std::move(head.content_type)};
}

class Screen {
 public:
  Screen(Session& session, const Flags& flags) : session_(session), flags_(flags) {}

  /// Asks for all of them at once, and waits for the first reading of each: the daemon takes a second for it.
  void watch(const std::vector<std::string>& names) {
    std::vector<std::pair<std::string, client::Pending>> asked;
    for (const auto& name : names) asked.emplace_back(name, session_.client.containers().stats(name, follows()));
    const auto first = watched_.size();
    for (auto& [name, pending] : asked) watched_.push_back({name, accepted(std::move(pending)), {}});
    for (auto i = first; i < watched_.size(); ++i) take_reading(watched_[i]);
    drop_ended();
  }

  /// Containers that are there, and from now on those that come and go.
  void watch_all() {
    if (follows()) events_.emplace(session_.client.system().events("", "", {{"type", {"container"}}}));
    std::vector<std::string> names;
    for (const auto& summary : session_.client.containers().list({.all = *flags_.all})) {
      names.push_back(short_id(text_at(summary, "Id")));
    }
    watch(names);
  }

  void show_once() const { session_.console.print(render_usage(*flags_.format, rows())); }

  void follow() {
    while (!watched_.empty() || events_) {
      draw();
      const auto next_frame = Clock::now() + std::chrono::milliseconds{500};
      while (Clock::now() < next_frame) {
        wait(std::chrono::ceil<std::chrono::milliseconds>(next_frame - Clock::now()));
      }
      drop_ended();
    }
  }

 private:
  [[nodiscard]] bool follows() const { return !*flags_.no_stream; }

  [[nodiscard]] std::vector<Usage> rows() const {
    std::vector<Usage> rows;
    for (const auto& one : watched_) rows.push_back(one.usage);
    return rows;
  }

  /// Over the frame before: each line clears what is left of the old one, the end what is below.
  void draw() const {
    std::string frame = "\033[H";
    for (const auto& line : split(render_usage(*flags_.format, rows()), '\n')) frame += line + " \033[K\n";
    session_.console.print(frame + "\033[J");
  }

  void take_reading(Watched& one) {
    const auto reading = one.readings.next();
    if (!reading) {
      one.name.clear();
      return;
    }
    one.usage = usage_of(*reading);
    one.usage.container = one.name;
    one.usage.truncates = !*flags_.whole_ids;
  }

  void drop_ended() {
    std::erase_if(watched_, [](const Watched& one) { return one.name.empty(); });
  }

  void wait(std::chrono::milliseconds longest) {
    std::vector<pollfd> waits{{events_ ? events_->socket().get() : -1, POLLIN, 0}};
    for (const auto& one : watched_) {
      waits.push_back({one.name.empty() ? -1 : one.readings.socket().get(), POLLIN, 0});
    }
    if (::poll(waits.data(), waits.size(), static_cast<int>(longest.count())) < 0) {
      if (errno == EINTR) return;
      throw Error::from_errno(errno, "poll");
    }
    for (std::size_t i = 1; i < waits.size(); ++i) {
      if (waits[i].revents != 0) take_reading(watched_[i - 1]);
    }
    if (waits[0].revents != 0) take_event();
  }

  void take_event() {
    const auto event = events_->next();
    if (!event) throw Error{Kind::unavailable, "the daemon ended the stream of events"};
    const auto action = text_at(*event, "Action");
    const auto name = short_id(text_at(*event, "Actor.ID"));
    const auto found =
        std::find_if(watched_.begin(), watched_.end(), [&](const Watched& one) { return one.name == name; });
    const bool comes = action == "start" || (action == "create" && *flags_.all);
    const bool goes = action == "destroy" || (action == "die" && !*flags_.all);
    if (goes && found != watched_.end()) found->name.clear();
    if (!comes || found != watched_.end()) return;
    try {
      watch({name});
    } catch (const Error& error) {
      if (error.kind() != Kind::not_found) throw;  // Gone again already.
    }
  }

  Session& session_;
  Flags flags_;
  std::vector<Watched> watched_;
  std::optional<client::Stream> events_;
};

}  // namespace

Command container_stats() {
  Command command{"Display a live stream of container(s) resource usage statistics"};
  Flags flags;
  flags.all = command.on_off("-a,--all", "Show all containers (default shows just running)");
  flags.format = command.text("--format", "", list_format_help);
  flags.no_stream = command.on_off("--no-stream", "Disable streaming stats and only pull the first result");
  flags.whole_ids = command.on_off("--no-trunc", "Do not truncate output");
  const auto names = command.arguments("[CONTAINER...]", {});
  command.run([=](Session& session) {
    Screen screen{session, flags};
    if (names->empty()) {
      screen.watch_all();
    } else {
      screen.watch(*names);
    }
    if (*flags.no_stream) {
      screen.show_once();
    } else {
      screen.follow();
    }
    return 0;
  });
  return command;
}

}  // namespace berth::cli
