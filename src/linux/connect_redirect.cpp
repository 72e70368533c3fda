#include "linux/connect_redirect.hpp"

#include <arpa/inet.h>
#include <linux/btf.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#include "base/error.hpp"
#include "linux/bpf.hpp"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

namespace berth::kernel {
namespace {

// What is in the maps. All in network order but the first ports.

struct Key {
  std::uint32_t bits;
  std::uint16_t port;
  std::uint16_t end_of_key;  ///< not a part of it
};
constexpr std::uint32_t key_size = offsetof(Key, end_of_key);

struct Target {
  std::array<std::uint8_t, 4> address;
  std::uint16_t first_outside, first_inside;
};

/// Beside a socket.
struct Meant {
  std::uint32_t address;     ///< where it was sent to
  std::uint16_t port;        ///< the same
  std::uint16_t meant_port;  ///< of 127.0.0.1
};

constexpr std::uint8_t result = BPF_REG_0, first = BPF_REG_1, second = BPF_REG_2, third = BPF_REG_3, fourth = BPF_REG_4,
                       context = BPF_REG_6, socket = BPF_REG_7, port = BPF_REG_8, found = BPF_REG_9, stack = BPF_REG_10;

UniqueFd make_targets() {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_LPM_TRIE;
  attributes.key_size = key_size;
  attributes.value_size = sizeof(Target);
  attributes.max_entries = 1U << 16U;
  attributes.map_flags = BPF_F_NO_PREALLOC;
  return bpf::request_fd(BPF_MAP_CREATE, attributes, "make the map of ports");
}

/// Storage beside sockets wants its types declared, as a compiler would: a key of 32 bits, a value of 64.
UniqueFd make_socket_storage() {
  static constexpr std::string_view names{"\0key\0meant", 11};
  constexpr auto of_number = std::uint32_t{BTF_KIND_INT} << 24U;
  struct Types {
    btf_header header;
    std::array<std::uint32_t, 8> types;
    std::array<char, names.size()> text;
  };
  Types types{.header = {.magic = BTF_MAGIC,
                         .version = BTF_VERSION,
                         .flags = 0,
                         .hdr_len = sizeof(btf_header),
                         .type_off = 0,
                         .type_len = sizeof types.types,
                         .str_off = sizeof types.types,
                         .str_len = names.size()},
              .types = {1, of_number, 4, 32, 5, of_number, sizeof(Meant), 64},
              .text = {}};
  std::memcpy(types.text.data(), names.data(), names.size());
  bpf_attr load{};
  load.btf = reinterpret_cast<std::uintptr_t>(&types);
  load.btf_size = offsetof(Types, text) + names.size();
  const auto loaded = bpf::request_fd(BPF_BTF_LOAD, load, "declare types of socket storage");
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_SK_STORAGE;
  attributes.key_size = 4;
  attributes.value_size = sizeof(Meant);
  attributes.map_flags = BPF_F_NO_PREALLOC;
  attributes.btf_fd = static_cast<std::uint32_t>(loaded.get());
  attributes.btf_key_type_id = 1;
  attributes.btf_value_type_id = 2;
  return bpf::request_fd(BPF_MAP_CREATE, attributes, "make socket storage");
}

/// What the kernel calls the calling thread's network namespace.
std::uint64_t network_namespace_cookie() {
  const UniqueFd any{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (!any || ::getsockopt(any.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0) {
    throw Error::from_errno(errno, "ask for the network namespace's cookie");
  }
  return cookie;
}

constexpr std::int32_t loopback_address() {
  return static_cast<std::int32_t>(std::endian::native == std::endian::little ? 0x0100007fU : 0x7f000001U);
}

/// found = what is kept beside the socket; leaves if there is nothing, or no room for it.
void find_meant(bpf::Code& code, FdRef meant, bool create) {
  code.set_map(first, meant).copy(second, socket).set(third, 0).set(fourth, create ? BPF_SK_STORAGE_GET_F_CREATE : 0);
  code.call(BPF_FUNC_sk_storage_get).leave_if(result, 0).copy(found, result);
}

/// At connect(): other sockets leave early, those of other destinations first.
std::vector<bpf_insn> connect_program(FdRef targets, FdRef meant, std::uint64_t cookie) {
  constexpr int key = -8;
  bpf::Code code;
  code.copy(context, first);
  code.load(BPF_W, second, context, offsetof(bpf_sock_addr, user_ip4)).leave_unless(second, loopback_address());
  code.load(BPF_W, second, context, offsetof(bpf_sock_addr, protocol)).leave_unless(second, IPPROTO_TCP);
  code.load(BPF_DW, socket, context, offsetof(bpf_sock_addr, sk));
  code.load(BPF_W, second, socket, offsetof(bpf_sock, src_ip4)).leave_unless(second, 0);
  code.load(BPF_W, second, socket, offsetof(bpf_sock, bound_dev_if)).leave_unless(second, 0);

  code.load(BPF_W, port, context, offsetof(bpf_sock_addr, user_port));
  code.store_number(BPF_W, stack, key, 16).store(BPF_H, stack, key + 4, port);
  code.set_map(first, targets).copy(second, stack).add_number(second, key);
  code.call(BPF_FUNC_map_lookup_elem).leave_if(result, 0).copy(found, result);

  code.copy(first, context).call(BPF_FUNC_get_netns_cookie).set_wide(second, cookie);
  code.leave_unless_same(result, second);

  // The address and the port go to the stack: there is one more look-up to come.
  constexpr int address = -16, inside = -12;
  code.load(BPF_W, first, found, offsetof(Target, address)).store(BPF_W, stack, address, first);
  code.copy(first, port).swap_port(first);
  code.load(BPF_H, second, found, offsetof(Target, first_outside)).subtract(first, second);
  code.load(BPF_H, second, found, offsetof(Target, first_inside)).add(first, second);
  code.swap_port(first).store(BPF_W, stack, inside, first);

  find_meant(code, meant, true);
  code.load(BPF_W, first, stack, address);
  code.load(BPF_W, second, stack, inside);
  code.store(BPF_W, found, offsetof(Meant, address), first).store(BPF_H, found, offsetof(Meant, port), second);
  code.store(BPF_H, found, offsetof(Meant, meant_port), port);
  code.store(BPF_W, context, offsetof(bpf_sock_addr, user_ip4), first);
  code.store(BPF_W, context, offsetof(bpf_sock_addr, user_port), second);
  return std::move(code).finish();
}

/// At getpeername() and getsockname(). What is kept may be of an attempt that failed: the socket may have gone
/// elsewhere since.
std::vector<bpf_insn> name_program(FdRef meant, bool of_peer) {
  bpf::Code code;
  code.copy(context, first).load(BPF_DW, socket, context, offsetof(bpf_sock_addr, sk));
  find_meant(code, meant, false);
  code.load(BPF_W, first, socket, offsetof(bpf_sock, dst_ip4));
  code.load(BPF_W, second, found, offsetof(Meant, address)).leave_unless_same(first, second);
  code.load(BPF_H, first, socket, offsetof(bpf_sock, dst_port));
  code.load(BPF_H, second, found, offsetof(Meant, port)).leave_unless_same(first, second);
  code.set(first, loopback_address()).store(BPF_W, context, offsetof(bpf_sock_addr, user_ip4), first);
  if (of_peer) {
    code.load(BPF_H, first, found, offsetof(Meant, meant_port));
    code.store(BPF_W, context, offsetof(bpf_sock_addr, user_port), first);
  }
  return std::move(code).finish();
}

UniqueFd run_at(bpf_attach_type place, FdRef cgroup, const std::vector<bpf_insn>& program) {
  return bpf::link(bpf::load_program(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, place, program, "load a program for connections"),
                   cgroup, place);
}

Key key_of(const PortPrefix& ports) {
  return {.bits = ports.bits, .port = htons(ports.port), .end_of_key = 0};
}

}  // namespace

// The names first: nobody is to be redirected whose peer would have another name.
ConnectRedirect::ConnectRedirect(FdRef cgroup_directory)
    : targets_(make_targets()),
      meant_(make_socket_storage()),
      peer_name_(run_at(BPF_CGROUP_INET4_GETPEERNAME, cgroup_directory, name_program(meant_, true))),
      own_name_(run_at(BPF_CGROUP_INET4_GETSOCKNAME, cgroup_directory, name_program(meant_, false))),
      connect_(run_at(BPF_CGROUP_INET4_CONNECT, cgroup_directory,
                      connect_program(targets_, meant_, network_namespace_cookie()))) {}

void ConnectRedirect::set(const PortPrefix& ports, const RedirectTarget& target) {
  const auto key = key_of(ports);
  Target value{.address = {}, .first_outside = target.first_outside, .first_inside = target.first_inside};
  std::ranges::copy(target.address.bytes().first(value.address.size()), value.address.begin());
  bpf::set_element(targets_, &key, &value);
}

void ConnectRedirect::remove(const PortPrefix& ports) {
  const auto key = key_of(ports);
  bpf::remove_element(targets_, &key);
}

}  // namespace berth::kernel
