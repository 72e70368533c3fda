#include "cli/each.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include "base/strings.hpp"

namespace berth::cli {

const char* const list_format_help =
    "Format output using a custom template:\n"
    "'table':            Print output in table format with column headers (default)\n"
    "'table TEMPLATE':   Print output in table format using the given Go template\n"
    "'json':             Print in JSON format\n"
    "'TEMPLATE':         Print output using the given Go template.\n"
    "Refer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates";

const char* const value_format_help =
    "Format output using a custom template:\n"
    "'json':             Print in JSON format\n"
    "'TEMPLATE':         Print output using the given Go template.\n"
    "Refer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates";

namespace {

/// As many as docker has under way.
constexpr std::size_t max_workers = 50;

/// Calls `act` with 0 to `count`-1 on several threads, each with a client of its own.
class Workers {
 public:
  using Act = std::function<void(client::Client&, std::size_t)>;

  Workers(const client::Client& model, std::size_t count, Act act) : act_(std::move(act)), done_(count) {
    for (std::size_t i = 0; i < std::min(count, max_workers); ++i) {
      threads_.emplace_back([this, client = client::Client{model.host(), model.version()}]() mutable { work(client); });
    }
  }

  /// Waits for this one; throws what it threw.
  void wait_for(std::size_t index) { done_[index].get_future().get(); }

 private:
  void work(client::Client& client) {
    for (std::size_t index = 0; (index = next_++) < done_.size();) {
      try {
        act_(client, index);
        done_[index].set_value();
      } catch (...) {
        done_[index].set_exception(std::current_exception());
      }
    }
  }

  Act act_;
  std::vector<std::promise<void>> done_;
  std::atomic<std::size_t> next_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace

int for_each(Session& session, const std::vector<std::string>& names,
             const std::function<void(const std::string&)>& act) {
  std::vector<std::string> failures;
  for (const auto& name : names) {
    try {
      act(name);
    } catch (const Error& error) {
      failures.push_back(error.message());
    }
  }
  for (const auto& failure : failures) session.console.complain(failure);
  return failures.empty() ? 0 : 1;
}

int for_each_together(Session& session, const std::vector<std::string>& names,
                      const std::function<void(client::Client&, const std::string&)>& act,
                      const std::function<bool(const Error&)>& forgives) {
  std::optional<Workers> workers;
  if (names.size() > 1) {
    workers.emplace(session.client, names.size(),
                    [&](client::Client& client, std::size_t index) { act(client, names[index]); });
  }
  std::size_t index = 0;
  return for_each(session, names, [&](const std::string& name) {
    try {
      workers ? workers->wait_for(index++) : act(session.client, name);
      session.console.print_line(name);
    } catch (const Error& error) {
      if (!forgives || !forgives(error)) throw;
      session.console.complain(error.message());
    }
  });
}

std::string check_filter(std::string text) {
  if (!text.empty() && !text.contains('=')) {
    throw Error{Kind::invalid, "bad format of filter (expected name=value)"};
  }
  return text;
}

client::Filters parse_filters(const std::vector<std::string>& entries) {
  client::Filters filters;
  for (const auto& entry : entries) {
    const auto pair = split_once(entry, '=');
    if (pair) filters[to_lower(trim(pair->first))].emplace_back(trim(pair->second));
  }
  return filters;
}

const json::Value& at(const json::Value& value, std::string_view path) {
  static const json::Value nothing;
  const auto* current = &value;
  for (const auto& name : split(path, '.')) {
    current = json::find(*current, name);
    if (current == nullptr) return nothing;
  }
  return *current;
}

std::string text_at(const json::Value& value, std::string_view path) {
  const auto& found = at(value, path);
  return found.is_string() ? std::string{found.get_string()} : std::string{};
}

std::int64_t number_at(const json::Value& value, std::string_view path) {
  const auto& found = at(value, path);
  return found.is_int64() ? found.get_int64() : found.is_uint64() ? static_cast<std::int64_t>(found.get_uint64()) : 0;
}

std::string labels_of(const json::Value& value) {
  std::vector<std::string> pairs;
  if (const auto* labels = at(value, "Labels").if_object()) {
    for (const auto& label : *labels)
      pairs.push_back(fmt::format("{}={}", std::string_view{label.key()}, std::string_view{label.value().as_string()}));
  }
  std::sort(pairs.begin(), pairs.end());
  return join(pairs, ",");
}

std::string label_of(const json::Value& value, const std::string& name) {
  const auto* found = json::find(at(value, "Labels"), name);
  return found != nullptr ? std::string{found->as_string()} : "";
}

bool natural_less(std::string_view left, std::string_view right) {
  const auto take_number = [](std::string_view& text) {
    const auto digits = text.substr(0, std::min(text.find_first_not_of("0123456789"), text.size()));
    text.remove_prefix(digits.size());
    return digits;
  };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  while (!left.empty() && !right.empty()) {
    if (!is_digit(left.front()) || !is_digit(right.front())) {
      if (left.front() != right.front()) {
        if (is_digit(left.front()) != is_digit(right.front())) return is_digit(left.front());
        return static_cast<unsigned char>(left.front()) < static_cast<unsigned char>(right.front());
      }
      left.remove_prefix(1);
      right.remove_prefix(1);
      continue;
    }
    const auto first = take_number(left);
    const auto second = take_number(right);
    const auto first_value = first.substr(std::min(first.find_first_not_of('0'), first.size()));
    const auto second_value = second.substr(std::min(second.find_first_not_of('0'), second.size()));
    if (first_value.size() != second_value.size()) return first_value.size() < second_value.size();
    if (first_value != second_value) return first_value < second_value;
    if (first.size() != second.size()) return first.size() < second.size();
  }
  return left.size() < right.size();
}

bool flag_at(const json::Value& value, std::string_view path) {
  const auto& found = at(value, path);
  return found.is_bool() && found.get_bool();
}

}  // namespace berth::cli
