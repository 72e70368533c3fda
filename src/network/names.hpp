// Who is called what on the networks.
//
// A name belongs to a network: containers see the names of the networks that they are on, alone or with the network's
// name behind it ("web", "web.backend"). Several containers may have one name, and one container any number.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "dns/dns.hpp"
#include "network/endpoint.hpp"

namespace berth::network {

class Names {
 public:
  Names();

  /// These are all endpoints that the container has now; their `dns_names` are its names, the first of them is what its
  /// addresses are called, and their Links ("web:db") are further names of others that it alone knows.
  void set(const std::string& container_id, std::span<const Endpoint> endpoints);
  void remove(const std::string& container_id);

  /// What the container sees. Lives on its own.
  [[nodiscard]] std::shared_ptr<const dns::Zone> zone_of(std::string container_id) const;

 private:
  class Table;
  class View;
  std::shared_ptr<Table> table_;
};

}  // namespace berth::network
