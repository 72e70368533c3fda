#include "client/client.hpp"

namespace berth::client {

json::Value System::version() {
  return client_.call("GET", "/version");
}

json::Value System::info() {
  return client_.call("GET", "/info");
}

Stream System::events(const std::string& since, const std::string& until, const Filters& filters) {
  return client_.stream("GET", "/events", {{"since", since}, {"until", until}, {"filters", to_parameter(filters)}});
}

}  // namespace berth::client
