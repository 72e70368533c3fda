#include "api/terminal.hpp"

#include "base/strings.hpp"

namespace berth::api {
namespace {

unsigned dimension(const Request& request, std::string_view key, std::string_view what) {
  const auto text = request.query_or(key, "");
  const auto value = parse_number<std::uint32_t>(text);
  if (!value) throw Error{Kind::invalid, "invalid resize {} {}: invalid syntax", what, quote(text)};
  return *value;
}

}  // namespace

std::string_view stream_type(bool tty, ApiVersion version) {
  return tty || version < ApiVersion{1, 42} ? "application/vnd.docker.raw-stream"
                                            : "application/vnd.docker.multiplexed-stream";
}

TerminalSize parse_terminal_size(const Request& request) {
  const auto height = dimension(request, "h", "height");
  return {height, dimension(request, "w", "width")};
}

}  // namespace berth::api
