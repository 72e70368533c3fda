#include "network/names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::network {
namespace {

using testing::ElementsAre;
using testing::Optional;
using testing::UnorderedElementsAre;

Endpoint endpoint(const std::string& network, std::vector<std::string> names, const std::string& v4,
                  const std::string& v6 = {}) {
  Endpoint made;
  made.network_id = "id-of-" + network;
  made.network_name = network;
  made.dns_names = std::move(names);
  if (!v4.empty()) made.v4 = parse_cidr(v4);
  if (!v6.empty()) made.v6 = parse_cidr(v6);
  return made;
}

/// Addresses as text; "nobody" if nobody has the name.
std::vector<std::string> asked(const Names& names, const std::string& container, std::string_view name,
                               bool v6 = false) {
  const auto found = names.zone_of(container)->find_addresses(name, v6);
  if (!found) return {"nobody"};
  std::vector<std::string> texts;
  for (const auto& address : *found) texts.push_back(to_string(address));
  return texts;
}

class NetworkNames : public testing::Test {
 protected:
  NetworkNames() {
    names_.set("c1", std::vector{endpoint("front", {"Web", "c1", "www"}, "10.1.0.2/16"),
                                 endpoint("back.end", {"Web", "c1"}, "10.2.0.2/16", "fd00::2/64")});
    names_.set("c2", std::vector{endpoint("front", {"shop", "c2", "www"}, "10.1.0.3/16")});
    names_.set("c3", std::vector{endpoint("back.end", {"db", "c3"}, "10.2.0.3/16", "fd00::3/64")});
    names_.set("c4", std::vector{endpoint("bridge", {}, "172.17.0.2/16")});
  }

  Names names_;
};

TEST_F(NetworkNames, AreKnownToThoseOnTheSameNetwork) {
  EXPECT_THAT(asked(names_, "c2", "web"), ElementsAre("10.1.0.2"));
  EXPECT_THAT(asked(names_, "c2", "c1"), ElementsAre("10.1.0.2"));
  EXPECT_THAT(asked(names_, "c3", "web"), ElementsAre("10.2.0.2"));
  EXPECT_THAT(asked(names_, "c2", "db"), ElementsAre("nobody"));
  EXPECT_THAT(asked(names_, "c3", "shop"), ElementsAre("nobody"));
  EXPECT_THAT(asked(names_, "c4", "web"), ElementsAre("nobody"));
  EXPECT_THAT(asked(names_, "nobody", "web"), ElementsAre("nobody"));
}

TEST_F(NetworkNames, AreKnownWithTheNameOfTheNetworkBehindThem) {
  EXPECT_THAT(asked(names_, "c1", "web.front"), ElementsAre("10.1.0.2"));
  EXPECT_THAT(asked(names_, "c1", "web.back.end"), ElementsAre("10.2.0.2"));
  EXPECT_THAT(asked(names_, "c2", "web.back.end"), ElementsAre("nobody"));
  EXPECT_THAT(asked(names_, "c1", "web.other"), ElementsAre("nobody"));
  EXPECT_THAT(asked(names_, "c1", ".front"), ElementsAre("nobody"));
}

TEST_F(NetworkNames, MayHaveDotsThemselves) {
  names_.set("c2", std::vector{endpoint("front", {"a.b"}, "10.1.0.3/16")});
  EXPECT_THAT(asked(names_, "c1", "a.b"), ElementsAre("10.1.0.3"));
  EXPECT_THAT(asked(names_, "c1", "a.b.front"), ElementsAre("10.1.0.3"));
}

TEST_F(NetworkNames, OfSeveralContainersHaveAllTheirAddresses) {
  EXPECT_THAT(asked(names_, "c1", "www"), UnorderedElementsAre("10.1.0.2", "10.1.0.3"));
}

TEST_F(NetworkNames, WithoutAnAddressOfAFamilyAreKnownAllTheSame) {
  EXPECT_THAT(asked(names_, "c2", "web", true), ElementsAre());
  EXPECT_THAT(asked(names_, "c3", "web", true), ElementsAre("fd00::2"));
  // The first of its networks that has one counts.
  EXPECT_THAT(asked(names_, "c1", "web", true), ElementsAre("fd00::2"));
}

TEST_F(NetworkNames, OfAddressesAreThoseOfTheContainerAndTheNetwork) {
  const auto zone = names_.zone_of("c1");
  EXPECT_THAT(zone->find_name(parse_ip("10.1.0.3")), Optional(std::string{"shop.front"}));
  EXPECT_THAT(zone->find_name(parse_ip("fd00::3")), Optional(std::string{"db.back.end"}));
  EXPECT_EQ(zone->find_name(parse_ip("10.9.0.9")), std::nullopt);
  EXPECT_EQ(names_.zone_of("c2")->find_name(parse_ip("10.2.0.3")), std::nullopt);
}

TEST_F(NetworkNames, OfALinkAreKnownToItsOwnerAndGoFirst) {
  auto own = endpoint("front", {"shop"}, "10.1.0.3/16");
  own.config.Links = {{"Web:Backend", "web:shop", "gone:lost"}};
  names_.set("c2", std::vector{own});
  EXPECT_THAT(asked(names_, "c2", "backend"), ElementsAre("10.1.0.2"));
  EXPECT_THAT(asked(names_, "c2", "backend.front"), ElementsAre("10.1.0.2"));
  EXPECT_THAT(asked(names_, "c2", "shop"), ElementsAre("10.1.0.2"));
  EXPECT_THAT(asked(names_, "c2", "lost"), ElementsAre("nobody"));
  EXPECT_THAT(asked(names_, "c1", "backend"), ElementsAre("nobody"));
}

TEST_F(NetworkNames, EndWithTheirContainer) {
  const auto zone = names_.zone_of("c1");
  names_.remove("c2");
  EXPECT_THAT(asked(names_, "c1", "www"), ElementsAre("10.1.0.2"));
  EXPECT_THAT(asked(names_, "c1", "shop"), ElementsAre("nobody"));
  EXPECT_EQ(zone->find_name(parse_ip("10.1.0.3")), std::nullopt);
  names_.remove("c1");
  EXPECT_EQ(zone->find_addresses("web", false), std::nullopt);
  names_.remove("c1");
}

TEST_F(NetworkNames, OfARenamedContainerAreTheNewOnes) {
  names_.set("c2", std::vector{endpoint("front", {"store"}, "10.1.0.3/16")});
  EXPECT_THAT(asked(names_, "c1", "store"), ElementsAre("10.1.0.3"));
  EXPECT_THAT(asked(names_, "c1", "shop"), ElementsAre("nobody"));
  EXPECT_THAT(asked(names_, "c1", "www"), ElementsAre("10.1.0.2"));
}

}  // namespace
}  // namespace berth::network
