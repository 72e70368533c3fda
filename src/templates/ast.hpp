// The parsed form of a template; only for parse.cpp and run.cpp.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "templates/templates.hpp"

namespace berth::templates::ast {

struct Pipeline;

/// One operand of a command, with the fields that follow it: `.A.B`, `$x.A`, `(index .A 0).B`, "text", 5, nil, len.
struct Operand {
  enum class Kind { dot, field, variable, constant, nil, function, pipeline };

  Kind kind = Kind::dot;
  std::size_t position = 0;
  std::string text;  ///< as in the source, for messages
  std::string name;  ///< of the variable or function
  std::vector<std::string> fields;
  Datum constant;
  std::shared_ptr<Pipeline> pipeline;
};

struct Call {
  std::size_t position = 0;
  std::string text;
  std::vector<Operand> operands;
};

struct Pipeline {
  std::size_t position = 0;
  std::string text;
  std::vector<std::string> variables;  ///< declared or assigned: `$i, $e := `
  bool assigns = false;                ///< `=` and not `:=`
  std::vector<Call> calls;
};

struct Node {
  enum class Kind { text, action, if_, range, with, template_, break_, continue_ };

  Kind kind = Kind::text;
  std::size_t position = 0;
  std::string text;  ///< literal text, or the name of the template to call
  Pipeline pipeline;
  bool has_pipeline = false;
  std::vector<Node> body;
  std::vector<Node> otherwise;
};

struct Parsed {
  std::vector<Node> body;
  std::map<std::string, std::vector<Node>> defined;
};

Parsed parse(const std::string& name, const std::string& text, const Functions& functions);

}  // namespace berth::templates::ast
