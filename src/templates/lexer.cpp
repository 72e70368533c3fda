#include "templates/lexer.hpp"

#include <fmt/format.h>

namespace berth::templates::ast {
namespace {

using Kind = Token::Kind;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return c == '_' || is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  std::vector<Token> run() {
    while (!failed_ && at_ < source_.size()) text();
    if (!failed_) tokens_.push_back({Kind::end, "", source_.size()});
    return std::move(tokens_);
  }

 private:
  [[nodiscard]] bool starts(std::string_view what) const { return source_.substr(at_).starts_with(what); }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }

  void emit(Kind kind, std::size_t from) {
    tokens_.push_back({kind, std::string{source_.substr(from, at_ - from)}, from});
  }
  void fail(std::string reason) {
    tokens_.push_back({Kind::error, std::move(reason), at_});
    failed_ = true;
  }

  [[nodiscard]] bool is_exponent_sign() const {
    const char before = source_[at_ - 1];
    return (peek() == '+' || peek() == '-') && (before == 'e' || before == 'E');
  }

  void text() {
    const auto from = at_;
    const auto open = source_.find("{{", at_);
    at_ = open == std::string_view::npos ? source_.size() : open;
    auto literal = source_.substr(from, at_ - from);
    if (trim_next_) literal.remove_prefix(std::min(literal.find_first_not_of(" \t\r\n"), literal.size()));
    trim_next_ = false;
    const bool trims_left = open != std::string_view::npos && peek(2) == '-' && is_space(peek(3));
    if (trims_left) literal = literal.substr(0, literal.find_last_not_of(" \t\r\n") + 1);
    if (!literal.empty()) tokens_.push_back({Kind::text, std::string{literal}, from});
    if (open == std::string_view::npos) return;
    const auto open_at = at_;
    at_ += trims_left ? 4 : 2;
    if (starts("/*")) return comment();
    tokens_.push_back({Kind::open, "{{", open_at});
    while (!failed_ && action()) continue;
  }

  void comment() {
    const auto end = source_.find("*/", at_);
    if (end == std::string_view::npos) return fail("unclosed comment");
    at_ = end + 2;
    if (!close(false)) fail("comment ends before closing delimiter");
  }

  /// Consumes "}}" or " -}}" if it is here.
  bool close(bool emits) {
    const bool trims = is_space(peek()) && peek(1) == '-' && source_.substr(at_ + 2).starts_with("}}");
    if (!trims && !starts("}}")) return false;
    trim_next_ = trims;
    const auto from = at_;
    at_ += trims ? 4 : 2;
    if (emits) tokens_.push_back({Kind::close, "}}", from});
    return true;
  }

  /// One token inside an action; false at its end.
  bool action() {
    const bool closes =
        starts("}}") || (is_space(peek()) && peek(1) == '-' && source_.substr(at_ + 2).starts_with("}}"));
    if (closes && parens_ > 0) return fail("unclosed left paren"), false;
    if (close(true)) return false;
    const auto from = at_;
    const char c = peek();
    if (at_ >= source_.size()) return fail("unclosed action"), false;
    if (is_space(c)) {
      while (is_space(peek()) && !(peek(1) == '-' && source_.substr(at_ + 2).starts_with("}}"))) ++at_;
      emit(Kind::space, from);
    } else if (c == '"') {
      quoted('"', Kind::string, "unterminated quoted string");
    } else if (c == '\'') {
      quoted('\'', Kind::character, "unterminated character constant");
    } else if (c == '`') {
      raw();
    } else if (c == '$' || (c == '.' && !is_digit(peek(1)))) {
      ++at_;
      while (is_word(peek())) ++at_;
      emit(c == '$' ? Kind::variable : Kind::field, from);
    } else if (is_digit(c) || ((c == '+' || c == '-' || c == '.') && (is_digit(peek(1)) || peek(1) == '.'))) {
      ++at_;
      while (is_word(peek()) || peek() == '.' || is_exponent_sign()) ++at_;
      emit(Kind::number, from);
    } else if (is_word(c)) {
      while (is_word(peek())) ++at_;
      emit(Kind::name, from);
    } else {
      symbol();
    }
    return !failed_;
  }

  void quoted(char quote, Kind kind, const char* reason) {
    const auto from = at_++;
    while (peek() != quote) {
      if (at_ >= source_.size() || peek() == '\n') return fail(reason);
      at_ += peek() == '\\' ? 2U : 1U;
    }
    ++at_;
    emit(kind, from);
  }

  void raw() {
    const auto from = at_;
    const auto end = source_.find('`', at_ + 1);
    if (end == std::string_view::npos) return fail("unterminated raw quoted string");
    at_ = end + 1;
    emit(Kind::string, from);
  }

  void symbol() {
    const auto from = at_;
    const char c = peek();
    if (c == '(') ++parens_;
    if (c == ')' && --parens_ < 0) return fail("unexpected right paren");
    if (c == ':' && peek(1) != '=') return fail("expected :=");
    if (c < ' ' || c > '~') {
      return fail(fmt::format("unrecognized character in action: U+{:04X} '{}'", static_cast<unsigned char>(c), c));
    }
    at_ += c == ':' ? 2 : 1;
    emit(Kind::symbol, from);
  }

  std::string_view source_;
  std::size_t at_ = 0;
  int parens_ = 0;
  bool trim_next_ = false;
  bool failed_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view text) {
  return Lexer{text}.run();
}

}  // namespace berth::templates::ast
