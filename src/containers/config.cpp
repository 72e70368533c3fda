#include "containers/config.hpp"

namespace berth::containers {

StringList StringList::from_json(const json::Value& value) {
  StringList list;
  if (value.is_null()) return list;
  if (value.is_string()) {
    list.emplace({std::string{value.get_string()}});
    return list;
  }
  list.emplace(json::from<std::vector<std::string>>(value));
  return list;
}

json::Value StringList::to_json() const {
  return *this ? json::to(**this) : json::Value();
}

}  // namespace berth::containers
