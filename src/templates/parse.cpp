#include <algorithm>
#include <array>
#include <charconv>

#include "base/strings.hpp"
#include "templates/ast.hpp"
#include "templates/lexer.hpp"

namespace berth::templates::ast {
namespace {

using TokenKind = Token::Kind;

constexpr std::array<std::string_view, 9> keywords{"if",    "range",    "with",   "else", "end",
                                                   "block", "template", "define", "break"};

bool is_keyword(std::string_view name) {
  return name == "continue" || std::find(keywords.begin(), keywords.end(), name) != keywords.end();
}

void append_utf8(std::string& text, std::uint32_t code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xc0 | (code >> 6U));
    text += static_cast<char>(0x80 | (code & 0x3fU));
  } else if (code < 0x10000) {
    text += static_cast<char>(0xe0 | (code >> 12U));
    text += static_cast<char>(0x80 | ((code >> 6U) & 0x3fU));
    text += static_cast<char>(0x80 | (code & 0x3fU));
  } else {
    text += static_cast<char>(0xf0 | (code >> 18U));
    text += static_cast<char>(0x80 | ((code >> 12U) & 0x3fU));
    text += static_cast<char>(0x80 | ((code >> 6U) & 0x3fU));
    text += static_cast<char>(0x80 | (code & 0x3fU));
  }
}

/// A Go string or character literal with its quotes; nothing if an escape is wrong.
std::optional<std::string> unquote(std::string_view literal) {
  const char quote_sign = literal.front();
  const auto body = literal.substr(1, literal.size() - 2);
  if (quote_sign == '`') return std::string{body};
  std::string text;
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] != '\\') {
      text += body[i];
      continue;
    }
    if (++i >= body.size()) return std::nullopt;
    constexpr std::string_view letters = "abfnrtv\\\"'";
    constexpr std::string_view meanings = "\a\b\f\n\r\t\v\\\"'";
    if (const auto found = letters.find(body[i]); found != std::string_view::npos) {
      text += meanings[found];
      continue;
    }
    const std::size_t digits = body[i] == 'x' ? 2 : body[i] == 'u' ? 4 : body[i] == 'U' ? 8 : 3;
    const bool octal = digits == 3;
    const auto code = parse_number<std::uint32_t>(body.substr(i + (octal ? 0 : 1), digits), octal ? 8 : 16);
    if (!code) return std::nullopt;
    if (digits <= 3) {
      text += static_cast<char>(*code);
    } else {
      append_utf8(text, *code);
    }
    i += octal ? 2 : digits;
  }
  return text;
}

std::optional<json::Value> parse_constant(std::string_view text) {
  std::string digits{text};
  std::erase(digits, '_');
  if (digits.starts_with('+')) digits.erase(0, 1);
  const bool negative = digits.starts_with('-');
  const std::string_view magnitude = std::string_view{digits}.substr(negative ? 1 : 0);
  int base = 10;
  if (magnitude.size() > 2 && magnitude[0] == '0')
    base = (magnitude[1] | 0x20) == 'x' ? 16 : (magnitude[1] | 0x20) == 'b' ? 2 : 10;
  if (const auto number = parse_number<std::int64_t>(magnitude.substr(base == 10 ? 0 : 2), base)) {
    return json::Value(negative ? -*number : *number);
  }
  double number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return json::Value(number);
}

class Parser {
 public:
  Parser(const std::string& name, const std::string& text, const Functions& functions)
      : name_(name), text_(text), functions_(functions), tokens_(tokenize(text)) {}

  Parsed run() {
    Parsed parsed;
    parsed.body = list("");
    parsed.defined = std::move(defined_);
    return parsed;
  }

 private:
  [[noreturn]] void fail(const std::string& reason) const {
    const auto position = std::min(peek().position, text_.size());
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(position), '\n');
    throw Error{Kind::invalid, "template: {}:{}: {}", name_, line, reason};
  }

  [[noreturn]] void unexpected(const Token& token, std::string_view context) const {
    if (token.kind == TokenKind::error) fail(token.text);
    if (token.kind == TokenKind::end) fail(fmt::format("unexpected EOF"));
    std::string shown = token.text.size() > 10 ? quote(token.text.substr(0, 10)) + "..." : quote(token.text);
    if (token.kind == TokenKind::name && is_keyword(token.text)) shown = "<" + token.text + ">";
    fail(fmt::format("unexpected {} in {}", shown, context));
  }

  [[nodiscard]] const Token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  const Token& take() {
    const auto& token = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  void skip_space() {
    while (peek().kind == TokenKind::space) take();
  }
  [[nodiscard]] bool is_symbol(std::string_view text) const {
    return peek().kind == TokenKind::symbol && peek().text == text;
  }
  void expect_close(std::string_view context) {
    skip_space();
    if (peek().kind != TokenKind::close) unexpected(peek(), context);
    take();
  }
  [[nodiscard]] std::string source(std::size_t from, std::size_t to) const {
    return std::string{trim(std::string_view{text_}.substr(from, to - from))};
  }

  /// Nodes up to {{end}} or {{else}}, which stay for the caller; `context` is empty at the top level.
  std::vector<Node> list(std::string_view context) {
    std::vector<Node> nodes;
    for (;;) {
      if (peek().kind == TokenKind::end) {
        if (!context.empty()) fail("unexpected EOF");
        return nodes;
      }
      if (peek().kind == TokenKind::text) {
        const auto& token = take();
        nodes.push_back({.kind = Node::Kind::text, .position = token.position, .text = token.text});
        continue;
      }
      if (peek().kind != TokenKind::open) unexpected(peek(), "input");
      const auto mark = at_;
      take();
      skip_space();
      if (peek().kind == TokenKind::name && (peek().text == "end" || peek().text == "else")) {
        if (context.empty()) fail(fmt::format("unexpected {{{{{}}}}}", peek().text));
        at_ = mark;
        return nodes;
      }
      action(nodes);
    }
  }

  void action(std::vector<Node>& nodes) {
    const auto& token = peek();
    const auto position = token.position;
    if (token.kind == TokenKind::name) {
      if (token.text == "if") return nodes.push_back(control(Node::Kind::if_, "if"));
      if (token.text == "with") return nodes.push_back(control(Node::Kind::with, "with"));
      if (token.text == "range") {
        ++range_depth_;
        auto node = control(Node::Kind::range, "range");
        --range_depth_;
        return nodes.push_back(std::move(node));
      }
      if (token.text == "define") return define();
      if (token.text == "block") return nodes.push_back(block());
      if (token.text == "template") return nodes.push_back(call_template());
      if (token.text == "break" || token.text == "continue") {
        if (range_depth_ == 0) fail(fmt::format("{{{{{}}}}} outside {{{{range}}}}", token.text));
        const auto kind = token.text == "break" ? Node::Kind::break_ : Node::Kind::continue_;
        take();
        expect_close("{{" + token.text + "}}");
        return nodes.push_back({.kind = kind, .position = position});
      }
    }
    Node node{.kind = Node::Kind::action, .position = position, .has_pipeline = true};
    node.pipeline = pipeline("command", false);
    expect_close("command");
    nodes.push_back(std::move(node));
  }

  /// After the keyword is peeked: `if`, `with` or `range` up to its {{end}}, with its else branches.
  Node control(Node::Kind kind, std::string_view context) {
    const auto depth = variables_.size();
    Node node{.kind = kind, .position = take().position, .has_pipeline = true};
    skip_space();
    node.pipeline = pipeline(context, kind == Node::Kind::range);
    expect_close(context);
    node.body = list(context);
    take();
    skip_space();
    if (take().text == "else") {
      skip_space();
      const auto chained = peek().text;
      if (peek().kind == TokenKind::name && kind != Node::Kind::range && chained == context) {
        node.otherwise.push_back(control(kind, context));  // {{else if}}: its {{end}} is ours as well
        variables_.resize(depth);
        return node;
      }
      expect_close("else");
      node.otherwise = list(context);
      take();
      skip_space();
      if (take().text != "end") fail("expected end; found {{else}}");
    }
    expect_close("end");
    variables_.resize(depth);
    return node;
  }

  std::string template_name(std::string_view context) {
    take();
    skip_space();
    if (peek().kind != TokenKind::string) unexpected(peek(), context);
    auto name = unquote(take().text).value_or("");
    skip_space();
    return name;
  }

  std::vector<Node> definition(std::string_view context) {
    const auto outer = std::exchange(variables_, {"$"});
    auto body = list(context);
    take();
    skip_space();
    if (take().text != "end") fail(fmt::format("unexpected {{{{else}}}} in {} clause", context));
    expect_close("end");
    variables_ = outer;
    return body;
  }

  void define() {
    const auto name = template_name("define clause");
    expect_close("define clause");
    defined_[name] = definition("define");
  }

  Node block() {
    Node node{.kind = Node::Kind::template_, .position = peek().position, .has_pipeline = true};
    node.text = template_name("block clause");
    node.pipeline = pipeline("block clause", false);
    expect_close("block clause");
    defined_.insert_or_assign(node.text, definition("block"));
    return node;
  }

  Node call_template() {
    Node node{.kind = Node::Kind::template_, .position = peek().position};
    node.text = template_name("template clause");
    if (peek().kind != TokenKind::close) {
      node.pipeline = pipeline("template clause", false);
      node.has_pipeline = true;
    }
    expect_close("template clause");
    return node;
  }

  Pipeline pipeline(std::string_view context, bool in_range) {
    Pipeline pipe{.position = peek().position};
    declarations(pipe, in_range);
    const auto from = peek().position;
    for (;;) {
      skip_space();
      const auto& token = peek();
      if (token.kind == TokenKind::close || is_symbol(")")) break;
      pipe.calls.push_back(call(context));
      skip_space();
      if (!is_symbol("|")) break;
      take();
    }
    if (pipe.calls.empty()) fail(fmt::format("missing value for {}", context));
    check_stages(pipe);
    pipe.text = source(from, peek().position);
    return pipe;
  }

  void declarations(Pipeline& pipe, bool in_range) {
    const auto mark = at_;
    while (peek().kind == TokenKind::variable) {
      pipe.variables.push_back(take().text);
      skip_space();
      if (is_symbol(",") && in_range && pipe.variables.size() < 2) {
        take();
        skip_space();
        continue;
      }
      if (!is_symbol(":=") && !is_symbol("=")) break;
      pipe.assigns = take().text == "=";
      if (!pipe.assigns) variables_.insert(variables_.end(), pipe.variables.begin(), pipe.variables.end());
      skip_space();
      return;
    }
    at_ = mark;  // A variable that is only used.
    pipe.variables.clear();
  }

  void check_stages(const Pipeline& pipe) const {
    for (std::size_t i = 1; i < pipe.calls.size(); ++i) {
      const auto kind = pipe.calls[i].operands.front().kind;
      if (kind == Operand::Kind::constant || kind == Operand::Kind::nil || kind == Operand::Kind::dot) {
        fail(fmt::format("non executable command in pipeline stage {}", i + 1));
      }
    }
  }

  Call call(std::string_view context) {
    Call parsed{.position = peek().position};
    for (;;) {
      skip_space();
      const auto& token = peek();
      if (token.kind == TokenKind::close || is_symbol(")") || is_symbol("|")) break;
      parsed.operands.push_back(operand(context));
      const auto& next = peek();
      const bool separated =
          next.kind == TokenKind::space || next.kind == TokenKind::close || is_symbol(")") || is_symbol("|");
      if (!separated) unexpected(next, "operand");
    }
    if (parsed.operands.empty()) fail("empty command");
    parsed.text = source(parsed.position, peek().position);
    return parsed;
  }

  Operand operand(std::string_view context) {
    const auto& token = peek();
    Operand result{.position = token.position};
    switch (token.kind) {
      case TokenKind::name:
        if (is_keyword(token.text)) unexpected(token, context);
        word(result, token.text);
        take();
        break;
      case TokenKind::field:
        take();
        if (token.text != ".") {
          result.kind = Operand::Kind::field;
          result.fields.push_back(token.text.substr(1));
        }
        break;
      case TokenKind::variable:
        if (std::find(variables_.begin(), variables_.end(), token.text) == variables_.end()) {
          fail(fmt::format("undefined variable {}", quote(token.text)));
        }
        result.kind = Operand::Kind::variable;
        result.name = take().text;
        break;
      case TokenKind::string:
      case TokenKind::character:
      case TokenKind::number: literal(result, take()); break;
      default:
        if (!is_symbol("(")) unexpected(token, context == "command" ? "command" : context);
        parenthesis(result);
    }
    const auto first_field = peek().position;
    while (peek().kind == TokenKind::field && peek().text.size() > 1) {
      if (result.kind == Operand::Kind::constant || result.kind == Operand::Kind::nil) {
        fail(fmt::format("unexpected . after term {}", quote(source(result.position, first_field))));
      }
      if (result.kind == Operand::Kind::dot) result.kind = Operand::Kind::field;
      result.fields.push_back(take().text.substr(1));
    }
    result.text = source(result.position, peek().position);
    if (result.kind == Operand::Kind::field && result.fields.size() > 1)
      result.position = first_field;  // As Go counts.
    return result;
  }

  void word(Operand& result, const std::string& name) {
    result.name = name;
    if (name == "true" || name == "false") {
      result.kind = Operand::Kind::constant;
      result.constant = Datum{json::Value(name == "true")};
    } else if (name == "nil") {
      result.kind = Operand::Kind::nil;
    } else {
      result.kind = Operand::Kind::function;
      if (!functions_.contains(name)) fail(fmt::format("function {} not defined", quote(name)));
    }
  }

  void literal(Operand& result, const Token& token) {
    result.kind = Operand::Kind::constant;
    if (token.kind == TokenKind::number) {
      const auto number = parse_constant(token.text);
      if (!number) fail(fmt::format("bad number syntax: {}", quote(token.text)));
      result.constant = Datum{*number};
      return;
    }
    const auto text = unquote(token.text);
    if (!text) fail("invalid syntax");
    if (token.kind == TokenKind::string) {
      result.constant = Datum{json::Value(boost::json::string_view(text->data(), text->size()))};
    } else {
      result.constant = Datum{json::Value(static_cast<std::int64_t>(static_cast<unsigned char>(text->at(0))))};
    }
  }

  void parenthesis(Operand& result) {
    take();
    skip_space();
    result.kind = Operand::Kind::pipeline;
    result.pipeline = std::make_shared<Pipeline>(pipeline("parenthesized pipeline", false));
    skip_space();
    if (!is_symbol(")")) unexpected(peek(), "parenthesized pipeline");
    take();
  }

  const std::string& name_;
  const std::string& text_;
  const Functions& functions_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int range_depth_ = 0;
  std::vector<std::string> variables_{"$"};
  std::map<std::string, std::vector<Node>> defined_;
};

}  // namespace

Parsed parse(const std::string& name, const std::string& text, const Functions& functions) {
  return Parser{name, text, functions}.run();
}

}  // namespace berth::templates::ast
