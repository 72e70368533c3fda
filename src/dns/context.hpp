// What all resolvers of a server share: the loop, the settings, the host's servers, ways into namespaces. Only for this
// folder.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "dns/dns.hpp"
#include "dns/loop.hpp"
#include "dns/resolv_conf.hpp"

namespace berth::dns {

/// The servers of the host's resolv.conf, as it is now.
class HostServers {
 public:
  /// `changed` is called when the file says something else than before.
  HostServers(Loop& loop, std::string path, std::function<void()> changed);

  [[nodiscard]] const ResolvConf& conf() const noexcept { return conf_; }

 private:
  /// Of the file, of its directory, and, if it is a link, of the directory that it leads to.
  void watch();
  void read_events();

  std::string path_;
  std::function<void()> changed_;
  std::string text_;
  ResolvConf conf_;
  std::unique_ptr<Watch> events_;
};

/// Opens sockets in the namespace that another socket belongs to.
class Namespaces {
 public:
  Namespaces();

  /// A non-blocking socket of the namespace of `like`, or of the one that this object was made in. Empty on failure,
  /// with errno.
  UniqueFd open_socket(int family, int type, const FdRef* like);

 private:
  UniqueFd own_;
  std::uint64_t own_cookie_ = 0;
};

struct Context {
  explicit Context(Settings what) : settings(std::move(what)) {}

  Settings settings;
  Loop loop;
  Namespaces namespaces;
  std::mt19937 random{std::random_device{}()};  ///< for the order of addresses, which nobody has to guess
  std::size_t in_flight = 0;                    ///< queries upstream, of all
  std::array<std::uint8_t, 65'536> scratch{};   ///< for one read; nobody keeps what is there
};

/// A number that nobody guesses.
std::uint16_t random_id();

}  // namespace berth::dns
