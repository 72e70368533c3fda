#include "network/forwarding.hpp"

#include <string>

#include "base/file.hpp"
#include "base/strings.hpp"
#include "network/sysctl.hpp"

namespace berth::network {
namespace {

constexpr const char* links_v6 = "/proc/sys/net/ipv6/conf";

std::string name_of(bool v6) {
  return v6 ? "ipv6/conf/all/forwarding" : "ipv4/ip_forward";
}

/// 1 means: listen to routers, unless the host is one itself. 2: in any case.
void keep_listening_to_routers() {
  for (const auto& entry : fs::directory_iterator{links_v6}) {
    const auto link = entry.path().filename().string();
    const auto present = find_file(entry.path() / "accept_ra");
    if (link == "all" || link == "default" || !present || trim(*present) != "1") continue;
    try_set_host_sysctl("ipv6/conf/" + link + "/accept_ra", "2", "the link may lose the routes that routers announce");
  }
}

}  // namespace

bool forwarding_is_on(bool v6) {
  const auto present = find_file("/proc/sys/net/" + name_of(v6));
  return !present || trim(*present) != "0";
}

void switch_forwarding_on(bool v6) {
  if (v6) keep_listening_to_routers();
  set_host_sysctl(name_of(v6), "1");
}

}  // namespace berth::network
