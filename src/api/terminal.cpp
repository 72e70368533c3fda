#include "api/terminal.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <thread>

#include "base/strings.hpp"

namespace berth::api {
namespace {

unsigned dimension(const Request& request, std::string_view key, std::string_view what) {
  const auto text = request.query_or(key, "");
  const auto value = parse_number<std::uint32_t>(text);
  if (value) return *value;
  const auto digits = text.starts_with('-') ? std::string_view{text}.substr(1) : std::string_view{text};
  const bool is_number = !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
  throw Error{Kind::invalid, "invalid resize {} {}: {}", what, quote(text),
              is_number ? "value out of range" : "invalid syntax"};
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

// The kernel has no event for "the peer has read", so this looks now and then.
void let_client_read_head(FdRef connection) {
  constexpr int looks = 1000;
  for (int look = 0, unread = 1; look < looks && unread > 0; ++look) {
    if (::ioctl(connection.get(), SIOCOUTQ, &unread) < 0 || unread == 0) return;
    std::this_thread::sleep_for(std::chrono::microseconds{100});
  }
}

}  // namespace berth::api
