// Tokens of a template; only for parse.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace berth::templates::ast {

struct Token {
  enum class Kind { text, open, close, field, variable, name, string, character, number, symbol, space, error, end };

  Kind kind = Kind::end;
  std::string text;
  std::size_t position = 0;
};

/// The whole template as tokens. What cannot be read becomes an `error` token with the reason, and the last one.
std::vector<Token> tokenize(std::string_view text);

}  // namespace berth::templates::ast
