// The rows of networks and endpoints. Only network/ reads and writes them.
#pragma once

#include <string>
#include <vector>

#include "base/time.hpp"
#include "metadata/database.hpp"
#include "network/config.hpp"
#include "network/endpoint.hpp"
#include "network/publication.hpp"
#include "network/sandbox_dns.hpp"

namespace berth::network {

/// A network as it is kept. In `shown`, IPAM.Config has every subnet with its gateway, also those that were chosen by
/// us, and Containers is empty.
struct NetworkRecord {
  Inspect shown;
  std::string link;        ///< on the host: the bridge, or the parent; empty if it has none
  bool made_link = false;  ///< by us, so that we remove it
  /// The user named the subnets: only then may he ask for addresses.
  bool given_v4 = false, given_v6 = false;
};
BOOST_DESCRIBE_STRUCT(NetworkRecord, (), (shown, link, made_link, given_v4, given_v6))

/// What a container has, with all that is needed to give it back or to move it.
struct MemberRecord {
  Member member;
  std::string sandbox_id;
  DnsConfig dns;
  ResolverPorts resolver;  ///< where its sandbox's resolver answers; 0 if it has none
  std::vector<Endpoint> endpoints;
  std::vector<Publication> publications;
  std::vector<PortRequest> port_requests;
};

class Records {
 public:
  explicit Records(metadata::Database& database);

  /// Tells our links and addresses from those of other engines on this host; made once.
  [[nodiscard]] const std::string& owner() const { return owner_; }

  std::vector<NetworkRecord> networks();
  void put(const NetworkRecord& network);
  void remove_network(const std::string& id);

  std::vector<MemberRecord> members();
  void put(const MemberRecord& member);
  void remove_member(const std::string& container_id);

 private:
  metadata::Database& database_;
  std::string owner_;
};

}  // namespace berth::network
