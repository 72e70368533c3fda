#include "cli/progress.hpp"

#include <map>

#include "cli/terminal.hpp"

namespace berth::cli {
namespace {

std::string text_of(const json::Value& document, std::string_view name) {
  const auto* value = json::find(document, name);
  return value != nullptr && value->is_string() ? std::string{value->get_string()} : std::string{};
}

[[noreturn]] void throw_reported(const json::Value& document) {
  auto message = text_of(document, "error");
  if (const auto* detail = json::find(document, "errorDetail")) {
    if (auto text = text_of(*detail, "message"); !text.empty()) message = std::move(text);
  }
  throw Error{Kind::internal, 0, message};
}

/// One line per ID on a terminal, moved up to and rewritten; elsewhere only what is not a bar.
class Display {
 public:
  explicit Display(FdRef out) : out_(out), on_terminal_(is_terminal(out)) {}

  void show(const json::Value& document) {
    if (const auto text = text_of(document, "stream"); !text.empty()) return write_all(out_, text);
    const auto id = text_of(document, "id");
    const auto bar = text_of(document, "progress");
    if (!bar.empty() && !on_terminal_) return;
    auto line = (id.empty() ? "" : id + ": ") + text_of(document, "status") + (bar.empty() ? "" : " " + bar);
    if (id.empty() || !on_terminal_) {
      lines_.clear();
      return write_all(out_, line + (text_of(document, "status").empty() ? "" : "\n"));
    }
    const auto [entry, is_new] = lines_.emplace(id, lines_.size());
    const auto up = lines_.size() - entry->second;
    if (is_new) return write_all(out_, line + '\n');
    write_all(out_, fmt::format("\x1b[{}A\x1b[2K\r{}\x1b[{}B\r", up, line, up));
  }

 private:
  FdRef out_;
  bool on_terminal_;
  std::map<std::string, std::size_t> lines_;
};

}  // namespace

void show_progress(client::Stream& stream, FdRef out) {
  Display display{out};
  while (const auto document = stream.next()) {
    if (json::find(*document, "error") != nullptr || json::find(*document, "errorDetail") != nullptr) {
      throw_reported(*document);
    }
    display.show(*document);
  }
}

client::Source source_of(FdRef fd) {
  return [fd](std::span<char> buffer) { return read_some(fd, buffer); };
}

void copy_stream(client::Stream& stream, FdRef out) {
  std::string piece(64U << 10U, '\0');
  while (const auto count = stream.read_some(piece)) write_all(out, std::string_view{piece}.substr(0, count));
}

}  // namespace berth::cli
