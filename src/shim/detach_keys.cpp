#include "shim/detach_keys.hpp"

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth::shim {
namespace {

constexpr std::string_view default_keys = "\x10\x11";  // ctrl-p, ctrl-q

/// The byte of one key; -1 if there is no such key.
int byte_of(std::string_view key) {
  if (key.size() == 1) return static_cast<unsigned char>(key.front());
  if (key == "DEL") return 127;
  constexpr std::string_view prefix = "ctrl-";
  if (!key.starts_with(prefix) || key.size() != prefix.size() + 1) return -1;
  const char with = key.back();
  constexpr std::string_view punctuation = "@[\\]^_";
  if (with >= 'a' && with <= 'z') return with - 'a' + 1;
  if (punctuation.contains(with)) return with & 0x1f;
  return -1;
}

}  // namespace

std::string parse_detach_keys(std::string_view text) {
  if (text.empty()) return std::string{default_keys};
  std::string bytes;
  for (const auto& key : split(text, ',')) {
    const int byte = byte_of(key);
    if (byte < 0) throw Error{Kind::invalid, "Invalid detach keys ({}) provided: unknown character: '{}'", text, key};
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

bool DetachMatcher::feed(std::string_view typed, std::string& out) {
  for (const char key : typed) {
    if (key != sequence_[matched_]) {
      // The longest beginning of the sequence that is still possible stays back; the rest was meant for the program.
      std::string held = sequence_.substr(0, matched_) + key;
      std::size_t keep = matched_;
      while (keep > 0 && sequence_.substr(0, keep) != held.substr(held.size() - keep)) --keep;
      out.append(held, 0, held.size() - keep);
      matched_ = keep;
      continue;
    }
    if (++matched_ == sequence_.size()) return true;
  }
  return false;
}

}  // namespace berth::shim
