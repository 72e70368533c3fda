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

bool flag_at(const json::Value& value, std::string_view path) {
  const auto& found = at(value, path);
  return found.is_bool() && found.get_bool();
}

}  // namespace berth::cli
