// One line of a json-file as an entry.
#pragma once

#include <string_view>

#include "logs/logs.hpp"

namespace berth::logs {

/// Decodes lines that come in order; what the one before had in common with the next is kept.
class Decoder {
 public:
  /// {"log":"...","stream":"stdout","attrs":{...},"time":"..."}; false if it is not that.
  ///
  /// Lines in the shim's own form are read without a JSON library. Half surrogates of \udc80 to \udcff are the bytes
  /// that were no UTF-8.
  bool decode(std::string_view line, Entry& entry);

 private:
  bool decode_own(std::string_view line, Entry& entry);
  std::optional<Time> parse_time(std::string_view text);

  std::string second_text_;  ///< "2026-11-21T07:51:53" of the line before
  Time second_{};
};

}  // namespace berth::logs
