#include "network/records.hpp"

#include "base/error.hpp"
#include "base/id.hpp"

namespace berth::network {
namespace {

using metadata::Row;

// Rows hold JSON: they are read once, at start, and never searched by what is in them.

struct StoredEndpoint {
  std::string network_id, network_name, driver, endpoint_id;
  EndpointConfig config;
  std::string v4, v6, gateway_v4, gateway_v6, mac, link, host_link;
  bool internal = false;
  std::vector<std::string> dns_names;
};
BOOST_DESCRIBE_STRUCT(StoredEndpoint, (),
                      (network_id, network_name, driver, endpoint_id, config, v4, v6, gateway_v4, gateway_v6, mac, link,
                       host_link, internal, dns_names))

struct StoredPublication {
  std::string protocol, host_address, container;
  std::uint16_t host_first = 0, container_first = 0, count = 1, relay = 0;
};
BOOST_DESCRIBE_STRUCT(StoredPublication, (),
                      (protocol, host_address, container, host_first, container_first, count, relay))

struct StoredRequest {
  std::string protocol, host_address;
  std::uint16_t container_first = 0, container_last = 0, host_first = 0, host_last = 0;
};
BOOST_DESCRIBE_STRUCT(StoredRequest, (),
                      (protocol, host_address, container_first, container_last, host_first, host_last))

struct StoredMember {
  std::string name, hostname, domainname, sandbox_id;
  DnsConfig dns;
  ResolverPorts resolver;
  std::vector<StoredEndpoint> endpoints;
  std::vector<StoredPublication> publications;
  std::vector<StoredRequest> port_requests;
};
BOOST_DESCRIBE_STRUCT(StoredMember, (),
                      (name, hostname, domainname, sandbox_id, dns, resolver, endpoints, publications, port_requests))

template <class T>
std::string text_of(const std::optional<T>& value) {
  return value ? to_string(*value) : std::string{};
}

StoredEndpoint store(const Endpoint& endpoint) {
  return {endpoint.network_id,
          endpoint.network_name,
          endpoint.driver,
          endpoint.endpoint_id,
          endpoint.config,
          text_of(endpoint.v4),
          text_of(endpoint.v6),
          text_of(endpoint.gateway_v4),
          text_of(endpoint.gateway_v6),
          text_of(endpoint.mac),
          endpoint.link,
          endpoint.host_link,
          endpoint.internal,
          endpoint.dns_names};
}

Endpoint load(const StoredEndpoint& stored) {
  return {.network_id = stored.network_id,
          .network_name = stored.network_name,
          .driver = stored.driver,
          .endpoint_id = stored.endpoint_id,
          .config = stored.config,
          .v4 = find_cidr(stored.v4),
          .v6 = find_cidr(stored.v6),
          .gateway_v4 = find_ip(stored.gateway_v4),
          .gateway_v6 = find_ip(stored.gateway_v6),
          .mac = find_mac(stored.mac),
          .link = stored.link,
          .host_link = stored.host_link,
          .internal = stored.internal,
          .dns_names = stored.dns_names};
}

Protocol load_protocol(const std::string& text) {
  return find_protocol(text).value_or(Protocol::tcp);
}

StoredMember store(const MemberRecord& record) {
  StoredMember stored{.name = record.member.name,
                      .hostname = record.member.hostname,
                      .domainname = record.member.domainname,
                      .sandbox_id = record.sandbox_id,
                      .dns = record.dns,
                      .resolver = record.resolver};
  for (const auto& endpoint : record.endpoints) stored.endpoints.push_back(store(endpoint));
  for (const auto& one : record.publications) {
    stored.publications.push_back({std::string{to_string(one.protocol)}, to_string(one.host_address),
                                   to_string(one.container), one.host_first, one.container_first, one.count,
                                   one.relay});
  }
  for (const auto& request : record.port_requests) {
    stored.port_requests.push_back({std::string{to_string(request.protocol)}, text_of(request.host_address),
                                    request.container_first, request.container_last, request.host_first,
                                    request.host_last});
  }
  return stored;
}

MemberRecord load(const std::string& container_id, const StoredMember& stored) {
  MemberRecord record{.member = {container_id, stored.name, stored.hostname, stored.domainname},
                      .sandbox_id = stored.sandbox_id,
                      .dns = stored.dns,
                      .resolver = stored.resolver};
  for (const auto& endpoint : stored.endpoints) record.endpoints.push_back(load(endpoint));
  for (const auto& one : stored.publications) {
    record.publications.push_back({load_protocol(one.protocol), parse_ip(one.host_address), one.host_first,
                                   parse_ip(one.container), one.container_first, one.count, one.relay});
  }
  for (const auto& request : stored.port_requests) {
    record.port_requests.push_back({load_protocol(request.protocol), request.container_first, request.container_last,
                                    find_ip(request.host_address), request.host_first, request.host_last});
  }
  return record;
}

}  // namespace

Records::Records(metadata::Database& database) : database_(database) {
  database_.migrate("network",
                    {"CREATE TABLE networks (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, document TEXT NOT NULL) "
                     "STRICT, WITHOUT ROWID",
                     "CREATE TABLE network_members (container_id TEXT PRIMARY KEY, document TEXT NOT NULL) "
                     "STRICT, WITHOUT ROWID",
                     "CREATE TABLE network_owner (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID"});
  database_.query("SELECT id FROM network_owner", {}, [&](const Row& row) { owner_ = row.text(0); });
  if (!owner_.empty()) return;
  owner_ = random_hex(6);
  database_.run("INSERT INTO network_owner (id) VALUES (?)", {owner_});
}

std::vector<NetworkRecord> Records::networks() {
  std::vector<NetworkRecord> networks;
  database_.query("SELECT document FROM networks", {},
                  [&](const Row& row) { networks.push_back(json::parse<NetworkRecord>(row.text(0))); });
  return networks;
}

void Records::put(const NetworkRecord& network) {
  database_.run("INSERT OR REPLACE INTO networks (id, name, document) VALUES (?, ?, ?)",
                {network.shown.Id, network.shown.Name, json::write(network)});
}

void Records::remove_network(const std::string& id) {
  database_.run("DELETE FROM networks WHERE id = ?", {id});
}

std::vector<MemberRecord> Records::members() {
  std::vector<MemberRecord> members;
  database_.query("SELECT container_id, document FROM network_members", {}, [&](const Row& row) {
    members.push_back(load(row.text(0), json::parse<StoredMember>(row.text(1))));
  });
  return members;
}

void Records::put(const MemberRecord& member) {
  database_.run("INSERT OR REPLACE INTO network_members (container_id, document) VALUES (?, ?)",
                {member.member.container_id, json::write(store(member))});
}

void Records::remove_member(const std::string& container_id) {
  database_.run("DELETE FROM network_members WHERE container_id = ?", {container_id});
}

}  // namespace berth::network
