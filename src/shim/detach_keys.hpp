// The key sequence that detaches a client from a terminal.
#pragma once

#include <string>
#include <string_view>

namespace berth::shim {

/// "ctrl-p,ctrl-q", "a,DEL" -> the bytes that the keys send; empty text is Docker's default. Throws `invalid`.
std::string parse_detach_keys(std::string_view text);

/// Looks for the sequence in what a client types, however it is cut into pieces.
class DetachMatcher {
 public:
  explicit DetachMatcher(std::string sequence) : sequence_(std::move(sequence)) {}

  /// Appends to `out` what is not part of the sequence. True once the sequence is complete; what follows it is dropped.
  bool feed(std::string_view typed, std::string& out);

 private:
  std::string sequence_;
  std::size_t matched_ = 0;  ///< keys held back because they may begin the sequence
};

}  // namespace berth::shim
