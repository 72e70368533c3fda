// Messages over TCP: each has its length in two bytes before it. Only for this folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::dns {

/// The message with its length before it. It is no longer than 65,535 bytes.
inline std::string frame(std::string_view message) {
  std::string framed;
  framed.reserve(message.size() + 2);
  framed += static_cast<char>(message.size() >> 8U);
  framed += static_cast<char>(message.size() & 0xffU);
  framed += message;
  return framed;
}

/// Takes the first whole message out of what has been received; nothing if it is not all there.
inline std::optional<std::string> take_message(std::string& received) {
  if (received.size() < 2) return std::nullopt;
  const auto size =
      static_cast<std::size_t>(static_cast<std::uint8_t>(received[0]) << 8U | static_cast<std::uint8_t>(received[1]));
  if (received.size() < size + 2) return std::nullopt;
  auto message = received.substr(2, size);
  received.erase(0, size + 2);
  return message;
}

}  // namespace berth::dns
