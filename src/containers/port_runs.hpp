// Ports as the Engine API has them, one by one, kept as runs: ten thousand that follow each other take a hundred bytes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace berth::containers {

struct PortBinding {
  std::string HostIp, HostPort;

  friend bool operator==(const PortBinding&, const PortBinding&) = default;
};
BOOST_DESCRIBE_STRUCT(PortBinding, (), (HostIp, HostPort))

using BindingList = json::Nullable<std::vector<PortBinding>>;

/// Ports whose numbers follow each other, and so do the host's ports that they are bound to.
struct PortRun {
  std::string first;        ///< "20000/tcp", as the client wrote it
  std::uint32_t count = 1;  ///< more than one only if `first` begins with a number
  BindingList bindings;     ///< of the first; of each other one the numbers in HostPort are one higher

  [[nodiscard]] std::string port(std::uint32_t index) const;
  [[nodiscard]] BindingList bindings_of(std::uint32_t index) const;
};
BOOST_DESCRIBE_STRUCT(PortRun, (), (first, count, bindings))

/// Config.ExposedPorts: {"80/tcp": {}}.
class ExposedPorts {
 public:
  ExposedPorts() = default;
  explicit ExposedPorts(std::vector<PortRun> runs) : runs_(std::move(runs)) {}
  ExposedPorts(std::initializer_list<std::string> ports) { add({ports.begin(), ports.end()}); }

  void add(std::vector<std::string> ports);
  [[nodiscard]] bool empty() const noexcept { return runs_.empty(); }
  [[nodiscard]] const std::vector<PortRun>& runs() const noexcept { return runs_; }

  static ExposedPorts from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;

 private:
  std::vector<PortRun> runs_;
};

/// HostConfig.PortBindings: {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}.
class PortBindings {
 public:
  PortBindings() = default;
  explicit PortBindings(std::vector<PortRun> runs) : runs_(std::move(runs)) {}
  explicit PortBindings(const std::map<std::string, BindingList>& ports);

  [[nodiscard]] bool empty() const noexcept { return runs_.empty(); }
  [[nodiscard]] const std::vector<PortRun>& runs() const noexcept { return runs_; }

  static PortBindings from_json(const json::Value& value);
  [[nodiscard]] json::Value to_json() const;

 private:
  std::vector<PortRun> runs_;
};

}  // namespace berth::containers
