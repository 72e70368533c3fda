#include <algorithm>

#include "base/strings.hpp"
#include "templates/ast.hpp"

namespace berth::templates {
namespace {

using ast::Call;
using ast::Node;
using ast::Operand;
using ast::Pipeline;

/// Fields of the Engine API that are maps in Go: a key that is not there is not an error.
Shape shape_of(std::string_view field) {
  constexpr std::string_view maps[] = {"Labels",  "Ports",        "Networks",    "ExposedPorts", "Volumes",
                                       "Sysctls", "Tmpfs",        "Annotations", "Options",      "DriverOpts",
                                       "Details", "PortBindings", "StorageOpt",  "Runtimes",     "Data"};
  constexpr std::string_view lists[] = {
      "Binds",       "Cmd",         "Entrypoint", "Env",         "OnBuild",       "ExecIDs",        "CapAdd",
      "CapDrop",     "Dns",         "DnsOptions", "DnsSearch",   "ExtraHosts",    "GroupAdd",       "Links",
      "SecurityOpt", "VolumesFrom", "Devices",    "Ulimits",     "Aliases",       "DNSNames",       "RepoTags",
      "RepoDigests", "Mounts",      "Layers",     "MaskedPaths", "ReadonlyPaths", "DeviceRequests", "Warnings",
      "Components"};
  if (std::find(std::begin(maps), std::end(maps), field) != std::end(maps)) return Shape::map;
  if (std::find(std::begin(lists), std::end(lists), field) != std::end(lists)) return Shape::list;
  return Shape::plain;
}

enum class Flow { next, break_, continue_ };

}  // namespace

/// One execution of a template.
class Run {
 public:
  Run(const Template& source, const Datum& data, std::string& out) : template_(source), out_(out) {
    variables_.emplace_back("$", data);
  }

  Flow nodes(const std::vector<Node>& list, const Datum& dot) {
    for (const auto& node : list) {
      if (const auto flow = this->node(node, dot); flow != Flow::next) return flow;
    }
    return Flow::next;
  }

 private:
  [[noreturn]] void fail(std::size_t position, std::string_view at, std::string_view reason) const {
    const auto before = std::string_view{template_.text_}.substr(0, position);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto newline = before.rfind('\n');
    const auto column = newline == std::string_view::npos ? position : position - newline - 1;
    throw Error{Kind::invalid,
                "template: {}:{}:{}: executing {} at <{}>: {}",
                template_.name_,
                line,
                column,
                quote(template_.name_),
                at,
                reason};
  }

  Flow node(const Node& node, const Datum& dot) {
    switch (node.kind) {
      case Node::Kind::text: out_ += node.text; return Flow::next;
      case Node::Kind::action: {
        const auto value = evaluate_and_bind(node.pipeline, dot);
        if (node.pipeline.variables.empty()) out_ += to_text(value);
        return Flow::next;
      }
      case Node::Kind::if_:
      case Node::Kind::with: return condition(node, dot);
      case Node::Kind::range: return range(node, dot);
      case Node::Kind::template_: call_template(node, dot); return Flow::next;
      case Node::Kind::break_: return Flow::break_;
      case Node::Kind::continue_: return Flow::continue_;
    }
    return Flow::next;
  }

  Flow condition(const Node& node, const Datum& dot) {
    const auto depth = variables_.size();
    const auto value = evaluate_and_bind(node.pipeline, dot);
    const auto& branch = is_true(value) ? node.body : node.otherwise;
    const bool inner_dot = node.kind == Node::Kind::with && is_true(value);
    const auto flow = nodes(branch, inner_dot ? value : dot);
    variables_.resize(depth);
    return flow;
  }

  Flow range(const Node& node, const Datum& dot) {
    const auto depth = variables_.size();
    const auto value = evaluate(node.pipeline, dot);
    const auto items = elements(node, value);
    bool stopped = false;
    for (const auto& [key, element] : items) {
      const auto inner = variables_.size();
      bind(node.pipeline, key, element);
      stopped = nodes(node.body, element) == Flow::break_;
      variables_.resize(inner);
      if (stopped) break;
    }
    auto flow = Flow::next;
    if (items.empty()) flow = nodes(node.otherwise, dot);
    variables_.resize(depth);
    return flow;
  }

  using Elements = std::vector<std::pair<Datum, Datum>>;

  Elements elements(const Node& node, const Datum& value) {
    Elements found;
    if (value.is_nil()) return found;
    const auto* data = value.json();
    if (data != nullptr && data->is_array()) {
      for (const auto& item : data->get_array()) {
        found.emplace_back(Datum{json::Value(static_cast<std::int64_t>(found.size()))}, value.part(item));
      }
    } else if (data != nullptr && data->is_object()) {
      for (const auto& member : data->get_object()) {
        found.emplace_back(Datum{json::Value(member.key())}, value.part(member.value()));
      }
      std::sort(found.begin(), found.end(), [](auto& left, auto& right) {
        return left.first.json()->get_string() < right.first.json()->get_string();
      });
    } else if (data != nullptr && data->is_int64()) {
      for (std::int64_t i = 0; i < data->get_int64(); ++i)
        found.emplace_back(Datum{json::Value(i)}, Datum{json::Value(i)});
    } else {
      fail(node.pipeline.position, node.pipeline.text, fmt::format("range can't iterate over {}", to_text(value)));
    }
    return found;
  }

  void bind(const Pipeline& pipe, const Datum& key, const Datum& element) {
    if (pipe.variables.empty()) return;
    const bool both = pipe.variables.size() == 2;
    set(pipe, 0, both ? key : element);
    if (both) set(pipe, 1, element);
  }

  void set(const Pipeline& pipe, std::size_t index, const Datum& value) {
    if (!pipe.assigns) {
      variables_.emplace_back(pipe.variables[index], value);
      return;
    }
    const auto found = std::find_if(variables_.rbegin(), variables_.rend(),
                                    [&](auto& variable) { return variable.first == pipe.variables[index]; });
    if (found != variables_.rend()) found->second = value;
  }

  void call_template(const Node& node, const Datum& dot) {
    constexpr int deepest = 1000;
    const auto found = template_.defined_.find(node.text);
    if (found == template_.defined_.end()) {
      fail(node.position, fmt::format("{{{{template {}}}}}", quote(node.text)),
           fmt::format("template {} not defined", quote(node.text)));
    }
    const auto value = node.has_pipeline ? evaluate(node.pipeline, dot) : Datum{};
    if (++depth_ > deepest) {
      fail(node.position, fmt::format("{{{{template {}}}}}", quote(node.text)),
           "exceeded maximum template depth (1000)");
    }
    const auto outer = std::exchange(variables_, {{"$", value}});
    nodes(found->second, value);
    variables_ = outer;
    --depth_;
  }

  Datum evaluate(const Pipeline& pipe, const Datum& dot) {
    Datum value;
    bool first = true;
    for (const auto& call : pipe.calls) {
      value = this->call(call, dot, first ? nullptr : &value);
      first = false;
    }
    return value;
  }

  Datum evaluate_and_bind(const Pipeline& pipe, const Datum& dot) {
    auto value = evaluate(pipe, dot);
    if (!pipe.variables.empty()) set(pipe, 0, value);
    return value;
  }

  Datum call(const Call& call, const Datum& dot, const Datum* piped) {
    const auto& head = call.operands.front();
    std::vector<Datum> arguments;
    const bool takes_arguments = call.operands.size() > 1 || piped != nullptr;
    if (head.kind == Operand::Kind::function) return function(call, dot, piped);
    if (head.kind == Operand::Kind::nil) fail(call.position, "nil", "nil is not a command");
    for (std::size_t i = 1; i < call.operands.size(); ++i) arguments.push_back(operand(call.operands[i], dot));
    if (piped != nullptr) arguments.push_back(*piped);
    const bool callable = head.kind == Operand::Kind::field || !head.fields.empty();
    if (takes_arguments && !callable) {
      fail(call.position, head.text, fmt::format("can't give argument to non-function {}", head.text));
    }
    return operand(head, dot, arguments);
  }

  Datum function(const Call& call, const Datum& dot, const Datum* piped) {
    const auto& name = call.operands.front().name;
    if (name == "and" || name == "or") return short_circuit(call, dot, piped, name == "and");
    std::vector<Datum> arguments;
    for (std::size_t i = 1; i < call.operands.size(); ++i) arguments.push_back(operand(call.operands[i], dot));
    if (piped != nullptr) arguments.push_back(*piped);
    try {
      return template_.functions_->find(name)->second(arguments);
    } catch (const Error& error) {
      const bool wrong_use = error.message().starts_with("wrong number of args");
      fail(call.position, wrong_use ? name : call.text,
           wrong_use ? error.message() : fmt::format("error calling {}: {}", name, error.message()));
    }
  }

  /// `and` and `or` stop at the first value that decides.
  Datum short_circuit(const Call& call, const Datum& dot, const Datum* piped, bool is_and) {
    Datum value;
    for (std::size_t i = 1; i < call.operands.size(); ++i) {
      value = operand(call.operands[i], dot);
      if (is_true(value) != is_and) return value;
    }
    if (piped != nullptr) return *piped;
    if (call.operands.size() == 1) {
      fail(call.position, call.text,
           fmt::format("wrong number of args for {}: want at least 1 got 0", is_and ? "and" : "or"));
    }
    return value;
  }

  Datum operand(const Operand& node, const Datum& dot, const std::vector<Datum>& arguments = {}) {
    switch (node.kind) {
      case Operand::Kind::dot: return dot;
      case Operand::Kind::nil: return {};
      case Operand::Kind::constant: return node.constant;
      case Operand::Kind::field: return fields(node, dot, arguments);
      case Operand::Kind::variable: return fields(node, variable(node.name), arguments);
      case Operand::Kind::pipeline: return fields(node, evaluate_and_bind(*node.pipeline, dot), arguments);
      case Operand::Kind::function: {
        const Call alone{.position = node.position, .text = node.name, .operands = {node}};
        auto bare = alone;
        bare.operands.front().fields.clear();
        return fields(node, function(bare, dot, nullptr), arguments);
      }
    }
    return {};
  }

  [[nodiscard]] Datum variable(const std::string& name) const {
    const auto found =
        std::find_if(variables_.rbegin(), variables_.rend(), [&](auto& variable) { return variable.first == name; });
    return found == variables_.rend() ? Datum{} : found->second;
  }

  Datum fields(const Operand& node, Datum value, const std::vector<Datum>& arguments) {
    for (std::size_t i = 0; i < node.fields.size(); ++i) {
      value = field(node, value, node.fields[i], i + 1 == node.fields.size() ? arguments : std::vector<Datum>{});
    }
    return value;
  }

  Datum field(const Operand& node, const Datum& value, const std::string& name, const std::vector<Datum>& arguments) {
    if (const auto* object = value.object()) {
      try {
        if (auto found = object->find(name, arguments)) return *found;
      } catch (const Error& error) {
        fail(node.position, node.text, error.message());
      }
      fail(node.position, node.text, fmt::format("can't evaluate field {} in type {}", name, object->type_name()));
    }
    if (value.is_nil()) fail(node.position, node.text, fmt::format("nil pointer evaluating interface {{}}.{}", name));
    const auto* members = value.json()->if_object();
    if (members == nullptr) {
      fail(node.position, node.text, fmt::format("can't evaluate field {} in type {}", name, type_name(value)));
    }
    if (!arguments.empty()) {
      fail(node.position, node.text, fmt::format("{} is not a method but has arguments", name));
    }
    if (const auto* found = members->if_contains(name)) return value.part(*found, shape_of(name));
    if (value.shape() == Shape::map) return {};
    // The names of Go's fields differ from those on the wire in their case: ID and Id, APIVersion and ApiVersion.
    for (const auto& member : *members) {
      const std::string_view key = member.key();
      if (equals_ignoring_case(key, name)) return value.part(member.value(), shape_of(key));
    }
    fail(node.position, node.text, fmt::format("map has no entry for key {}", quote(name)));
  }

  const Template& template_;
  std::string& out_;
  std::vector<std::pair<std::string, Datum>> variables_;
  int depth_ = 0;
};

Datum::Datum(json::Value value) : json_(std::make_shared<json::Value>(std::move(value))) {}

Datum Datum::part(const json::Value& value, Shape shape) const {
  Datum datum;
  datum.json_ = {json_, &value};
  datum.shape_ = shape;
  return datum;
}

Template::Template(std::string name, std::string text, const Functions& functions)
    : name_(std::move(name)), text_(std::move(text)), functions_(&functions) {
  auto parsed = ast::parse(name_, text_, functions);
  body_ = std::move(parsed.body);
  defined_ = std::move(parsed.defined);
}

Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;
Template::~Template() = default;

std::string Template::run(const Datum& data, std::string* partial) const {
  std::string out;
  try {
    Run{*this, data, out}.nodes(body_, data);
  } catch (...) {
    if (partial != nullptr) *partial = std::move(out);
    throw;
  }
  return out;
}

}  // namespace berth::templates
