#include "network/sandbox.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"
#include "base/file.hpp"
#include "linux/namespaces.hpp"
#include "linux/own_thread.hpp"

namespace berth::network {
namespace {

constexpr const char* first_link = "eth0";

/// A file of /proc/sys/net of the calling thread's namespace; empty where the kernel has none.
UniqueFd open_sysctl(const std::string& name) {
  UniqueFd file{::open(("/proc/sys/net/" + name).c_str(), O_WRONLY | O_CLOEXEC)};
  if (!file && errno != ENOENT && errno != EROFS) throw Error::from_errno(errno, "open sysctl {}", quote(name));
  return file;
}

void write_sysctl(FdRef file, std::string_view value, std::string_view name) {
  if (!file) return;
  while (::pwrite(file.get(), value.data(), value.size(), 0) < 0) {
    if (errno != EINTR) throw Error::from_errno(errno, "write {} to sysctl {}", quote(value), quote(name));
  }
}

constexpr const char* ipv6_of_new_links = "ipv6/conf/default/disable_ipv6";

struct Parts {
  UniqueFd netns;
  netlink::Socket socket{UniqueFd{}};
  UniqueFd ipv6;
};

/// In the calling thread's namespace.
Parts open_parts() {
  return {open_file("/proc/thread-self/ns/net", O_RDONLY), netlink::Socket{}, open_sysctl(ipv6_of_new_links)};
}

Parts make_parts() {
  if (::unshare(CLONE_NEWNET) < 0) throw Error::from_errno(errno, "make network namespace");
  kernel::set_loopback_up();
  auto parts = open_parts();
  write_sysctl(parts.ipv6, "1", ipv6_of_new_links);
  return parts;
}

}  // namespace

Sandbox Sandbox::make() {
  Parts parts;
  kernel::on_own_thread([&] { parts = make_parts(); });
  return {std::move(parts.netns), std::move(parts.socket), std::move(parts.ipv6)};
}

Sandbox Sandbox::make(netlink::Socket& host, const std::string& host_name, std::uint32_t bridge, std::uint32_t mtu,
                      std::string_view alias) {
  Parts parts;
  ReadyLink link{.host_name = host_name, .name = first_link, .bridge = bridge, .mtu = mtu};
  kernel::on_own_thread([&] {
    parts = make_parts();
    host.apply(
        netlink::Request{}
            .add_veth({.name = host_name, .master = bridge, .mtu = mtu}, {.name = first_link, .mtu = mtu}, parts.netns)
            .set_alias(host_name, alias)
            .omit_link_local_address(host_name));
    link.host_index = host.get_link(host_name).index;
    link.index = parts.socket.get_link(first_link).index;
    netlink::Request request;
    if (bridge != 0) request.set_hairpin(link.host_index, true);
    host.apply(request.change_link(link.host_index, {.up = true}));
    parts.socket.apply(netlink::Request{}.change_link(link.index, {.up = true}));
    link.ipv6 = open_sysctl(fmt::format("ipv6/conf/{}/disable_ipv6", first_link));
  });
  Sandbox sandbox{std::move(parts.netns), std::move(parts.socket), std::move(parts.ipv6)};
  sandbox.ready_link = std::move(link);
  return sandbox;
}

void enable_ipv6(const ReadyLink& link) {
  write_sysctl(link.ipv6, "0", "disable_ipv6");
}

Sandbox Sandbox::of(pid_t process) {
  const auto path = fmt::format("/proc/{}/ns/net", process);
  UniqueFd netns{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!netns && (errno == ENOENT || errno == ESRCH)) throw Error{Kind::not_found, "process {} is gone", process};
  if (!netns) throw Error::from_errno(errno, "open {}", path);
  Parts parts;
  kernel::in_network_namespace(netns, "of a container", [&] { parts = open_parts(); });
  Sandbox sandbox{std::move(netns), std::move(parts.socket), std::move(parts.ipv6)};
  sandbox.has_ipv6_of_new_links_ = true;
  return sandbox;
}

void Sandbox::set_ipv6_of_new_links(bool on) {
  if (on == has_ipv6_of_new_links_) return;
  write_sysctl(ipv6_of_new_links_, on ? "0" : "1", ipv6_of_new_links);
  has_ipv6_of_new_links_ = on;
}

void Sandbox::write_sysctls(const std::map<std::string, std::string>& values) const {
  kernel::in_network_namespace(netns_, "of a container", [&] {
    for (const auto& [name, value] : values) {
      const auto file = open_sysctl(name);
      if (!file) throw Error{Kind::invalid, "there is no sysctl {}", quote(name)};
      write_sysctl(file, value, name);
    }
  });
}

}  // namespace berth::network
