#include "network/shortcut.hpp"

#include <fcntl.h>

#include <algorithm>
#include <bit>
#include <iterator>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "linux/cgroup.hpp"
#include "linux/connect_redirect.hpp"

namespace berth::network {
namespace {

const IpAddress loopback = IpAddress::v4(0x7f000001);

std::vector<kernel::PortPrefix> prefixes_of(const Publication& publication) {
  std::vector<kernel::PortPrefix> prefixes;
  for (const auto& block : split_into_blocks(publication.host_first, publication.count)) {
    prefixes.push_back({block.first, block.bits});
  }
  return prefixes;
}

}  // namespace

bool has_shortcut(const Publication& publication) {
  const auto& host = publication.host_address;
  return publication.protocol == Protocol::tcp && publication.host_first != 0 && !publication.container.is_v6() &&
         !host.is_v6() && (host.is_any() || host == loopback);
}

std::vector<PortBlock> split_into_blocks(std::uint16_t first, unsigned count) {
  std::vector<PortBlock> blocks;
  for (unsigned port = first, left = count; left != 0;) {
    // The largest one that begins here, and that is not too large.
    const auto size = std::min(1U << std::countr_zero(port | 0x10000U), std::bit_floor(left));
    blocks.push_back({static_cast<std::uint16_t>(port), 16U - static_cast<unsigned>(std::countr_zero(size))});
    port += size;
    left -= size;
  }
  return blocks;
}

Shortcut::Shortcut() = default;
Shortcut::~Shortcut() = default;
Shortcut::Shortcut(Shortcut&&) noexcept = default;
Shortcut& Shortcut::operator=(Shortcut&&) noexcept = default;

void Shortcut::open() noexcept {
  if (is_open()) return;
  try {
    const auto& hierarchy = kernel::cgroup_layout().version2_mount;
    if (hierarchy.empty()) throw Error{Kind::unsupported, "no cgroup hierarchy of version 2 is mounted"};
    redirect_ = std::make_unique<kernel::ConnectRedirect>(open_file(hierarchy, O_RDONLY | O_DIRECTORY));
  } catch (const Error& error) {
    log::info("no shortcut to published ports, connections to 127.0.0.1 are translated", {{"reason", error.message()}});
  }
}

void Shortcut::lead_to(const std::set<Publication>& publications) noexcept {
  if (!is_open()) return;
  try {
    std::vector<Publication> gone, fresh;
    std::ranges::set_difference(present_, publications, std::back_inserter(gone));
    std::ranges::set_difference(publications, present_, std::back_inserter(fresh));
    for (const auto& publication : gone) remove(publication);
    for (const auto& publication : fresh) add(publication);
    present_ = publications;
  } catch (const Error& error) {
    log::warn("the shortcut to published ports is lost, connections to 127.0.0.1 are translated",
              {{"error", error.message()}});
    redirect_.reset();
    present_.clear();
  }
}

void Shortcut::remove(const Publication& publication) {
  if (!has_shortcut(publication)) return;
  for (const auto& prefix : prefixes_of(publication)) redirect_->remove(prefix);
}

void Shortcut::add(const Publication& publication) {
  if (!has_shortcut(publication)) return;
  for (const auto& prefix : prefixes_of(publication)) {
    redirect_->set(prefix, {publication.container, publication.host_first, publication.container_first});
  }
}

}  // namespace berth::network
