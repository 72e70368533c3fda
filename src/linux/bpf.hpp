// bpf(2): programs in the kernel, the maps that they look into, and what they are attached to.
//
// A program here is a few dozen instructions, written out by hand: there is no compiler and no libbpf. Everything is a
// descriptor, and what nobody holds any more is gone.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/fd.hpp"

namespace berth::kernel::bpf {

bpf_insn instruction(unsigned code, std::uint8_t destination, std::uint8_t source, int offset, std::int32_t value);

/// A program that looks, perhaps acts, and always answers 1. Every jump leads to its end.
class Code {
 public:
  /// `width`: BPF_H, BPF_W or BPF_DW. Offsets are into what the address register points to.
  Code& load(unsigned width, std::uint8_t to, std::uint8_t address, int offset);
  Code& store(unsigned width, std::uint8_t address, int offset, std::uint8_t from);
  Code& store_number(unsigned width, std::uint8_t address, int offset, std::int32_t number);
  Code& copy(std::uint8_t to, std::uint8_t from);
  Code& set(std::uint8_t to, std::int32_t number);
  Code& set_wide(std::uint8_t to, std::uint64_t number);
  Code& set_map(std::uint8_t to, FdRef map);
  Code& add(std::uint8_t to, std::uint8_t from);
  Code& add_number(std::uint8_t to, std::int32_t number);
  Code& subtract(std::uint8_t to, std::uint8_t from);
  /// 16 bits between the machine's order and the network's.
  Code& swap_port(std::uint8_t port);
  /// Takes registers 1 to 5, gives 0.
  Code& call(bpf_func_id helper);
  Code& leave_if(std::uint8_t value, std::int32_t number);
  Code& leave_unless(std::uint8_t value, std::int32_t number);
  Code& leave_unless_same(std::uint8_t one, std::uint8_t other);

  [[nodiscard]] std::vector<bpf_insn> finish() &&;

 private:
  Code& emit(unsigned code, std::uint8_t to, std::uint8_t from, int offset, std::int32_t value);
  Code& emit_wide(std::uint8_t to, std::uint8_t kind, std::uint64_t number);

  std::vector<bpf_insn> instructions_;
};

/// The call itself. Throws with the kernel's errno; `what`: "load the device filter".
UniqueFd request_fd(bpf_cmd command, bpf_attr request, std::string_view what);

/// `attach_type`: what it will be attached as, where the kernel wants to know before.
UniqueFd load_program(bpf_prog_type type, bpf_attach_type attach_type, std::span<const bpf_insn> program,
                      std::string_view what);

/// Attaches a program to a cgroup for as long as somebody holds the link. Others' programs run as well.
UniqueFd link(FdRef program, FdRef cgroup_directory, bpf_attach_type type);

/// Adds an element, or replaces it.
void set_element(FdRef map, const void* key, const void* value);
/// Does nothing if there is none.
void remove_element(FdRef map, const void* key);

}  // namespace berth::kernel::bpf
