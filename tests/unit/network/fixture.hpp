// A network of the test's own: a namespace as the host, a database, and what the kernel has afterwards.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <optional>

#include "../support/own_network.hpp"
#include "base/file.hpp"
#include "network/network.hpp"

namespace berth::network {

class NetworkTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
    own_network_.emplace();
    host_ = std::make_unique<netlink::Socket>();
    start();
  }

  /// As a daemon that starts, or that starts again after kill -9.
  void start(Settings settings = {.ready_sandboxes = 0, .ready_bare_sandboxes = 0}) {
    networks_.reset();
    database_ = std::make_unique<metadata::Database>(directory_.path() / "meta.db");
    networks_ = std::make_unique<Networks>(
        std::move(settings),
        Collaborators{*database_, [this](const NetworkEvent& event) { events_.push_back(event.action); }});
    networks_->recover();
  }

  Member member(const std::string& id = "c1") { return {id, "name-of-" + id, id, ""}; }

  /// A container that starts on these networks.
  Connections join(Sandbox& sandbox, const std::vector<EndpointRequest>& endpoints, const std::string& id = "c1") {
    return networks_->join(sandbox, {member(id), endpoints, {}, {}});
  }
  Connections join(Sandbox& sandbox, const std::string& network, const std::string& id = "c1") {
    return join(sandbox, std::vector<EndpointRequest>{{network, {}}}, id);
  }

  std::string create(CreateRequest request) { return networks_->create(request).Id; }
  std::string create(const std::string& name, const std::string& subnet) {
    CreateRequest request{.Name = name};
    request.IPAM.emplace().Config.emplace().push_back({.Subnet = subnet});
    return create(request);
  }

  /// Names of the links of a namespace, without lo.
  static std::vector<std::string> links(netlink::Socket& socket) {
    std::vector<std::string> names;
    for (const auto& link : socket.links()) {
      if (link.name != "lo") names.push_back(link.name);
    }
    return names;
  }

  static std::vector<std::string> addresses(netlink::Socket& socket, const std::string& link) {
    const auto index = socket.get_link(link).index;
    std::vector<std::string> texts;
    for (const auto& address : socket.addresses()) {
      if (address.link == index) texts.push_back(to_string(address.address));
    }
    return texts;
  }

  static std::vector<std::string> default_gateways(netlink::Socket& socket) {
    std::vector<std::string> gateways;
    for (const auto& route : socket.routes()) {
      if (route.destination.length == 0 && route.gateway) gateways.push_back(to_string(*route.gateway));
    }
    return gateways;
  }

  std::optional<OwnNetwork> own_network_;
  TempDir directory_{"/tmp", "network-test-"};
  std::unique_ptr<netlink::Socket> host_;
  std::unique_ptr<metadata::Database> database_;
  std::vector<std::string> events_;
  std::unique_ptr<Networks> networks_;
};

/// The message of what is thrown, after its kind: "forbidden: Address already in use".
template <class Step>
std::string failure_of(Step&& step) {
  try {
    step();
  } catch (const Error& error) {
    return std::string{to_string(error.kind())} + ": " + error.message();
  }
  return "nothing thrown";
}

}  // namespace berth::network
