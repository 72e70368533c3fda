#include "linux/bpf.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"

namespace berth::kernel::bpf {
namespace {

int request(bpf_cmd command, bpf_attr attributes) {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

std::uint64_t address_of(const void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer);
}

}  // namespace

bpf_insn instruction(unsigned code, std::uint8_t destination, std::uint8_t source, int offset, std::int32_t value) {
  bpf_insn made{};
  made.code = static_cast<std::uint8_t>(code);
  made.dst_reg = static_cast<std::uint8_t>(destination & 0xFU);
  made.src_reg = static_cast<std::uint8_t>(source & 0xFU);
  made.off = static_cast<std::int16_t>(offset);
  made.imm = value;
  return made;
}

Code& Code::emit(unsigned code, std::uint8_t to, std::uint8_t from, int offset, std::int32_t value) {
  instructions_.push_back(instruction(code, to, from, offset, value));
  return *this;
}

Code& Code::emit_wide(std::uint8_t to, std::uint8_t kind, std::uint64_t number) {
  emit(BPF_LD | BPF_DW | BPF_IMM, to, kind, 0, static_cast<std::int32_t>(number));
  return emit(0, 0, 0, 0, static_cast<std::int32_t>(number >> 32U));
}

Code& Code::load(unsigned width, std::uint8_t to, std::uint8_t address, int offset) {
  return emit(BPF_LDX | BPF_MEM | width, to, address, offset, 0);
}
Code& Code::store(unsigned width, std::uint8_t address, int offset, std::uint8_t from) {
  return emit(BPF_STX | BPF_MEM | width, address, from, offset, 0);
}
Code& Code::store_number(unsigned width, std::uint8_t address, int offset, std::int32_t number) {
  return emit(BPF_ST | BPF_MEM | width, address, 0, offset, number);
}
Code& Code::copy(std::uint8_t to, std::uint8_t from) {
  return emit(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}
Code& Code::set(std::uint8_t to, std::int32_t number) {
  return emit(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, number);
}
Code& Code::set_wide(std::uint8_t to, std::uint64_t number) {
  return emit_wide(to, 0, number);
}
Code& Code::set_map(std::uint8_t to, FdRef map) {
  return emit_wide(to, BPF_PSEUDO_MAP_FD, static_cast<std::uint32_t>(map.get()));
}
Code& Code::add(std::uint8_t to, std::uint8_t from) {
  return emit(BPF_ALU64 | BPF_ADD | BPF_X, to, from, 0, 0);
}
Code& Code::add_number(std::uint8_t to, std::int32_t number) {
  return emit(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, number);
}
Code& Code::subtract(std::uint8_t to, std::uint8_t from) {
  return emit(BPF_ALU64 | BPF_SUB | BPF_X, to, from, 0, 0);
}
Code& Code::swap_port(std::uint8_t port) {
  return emit(BPF_ALU | BPF_END | BPF_TO_BE, port, 0, 0, 16);
}
Code& Code::call(bpf_func_id helper) {
  return emit(BPF_JMP | BPF_CALL, 0, 0, 0, static_cast<std::int32_t>(helper));
}
Code& Code::leave_if(std::uint8_t value, std::int32_t number) {
  return emit(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 0, number);
}
Code& Code::leave_unless(std::uint8_t value, std::int32_t number) {
  return emit(BPF_JMP | BPF_JNE | BPF_K, value, 0, 0, number);
}
Code& Code::leave_unless_same(std::uint8_t one, std::uint8_t other) {
  return emit(BPF_JMP | BPF_JNE | BPF_X, one, other, 0, 0);
}

std::vector<bpf_insn> Code::finish() && {
  for (std::size_t at = 0; at < instructions_.size(); ++at) {
    auto& step = instructions_[at];
    const auto operation = BPF_OP(step.code);
    if (BPF_CLASS(step.code) != BPF_JMP || operation == BPF_CALL) continue;
    step.off = static_cast<std::int16_t>(instructions_.size() - at - 1);
  }
  set(BPF_REG_0, 1).emit(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
  return std::move(instructions_);
}

UniqueFd request_fd(bpf_cmd command, bpf_attr attributes, std::string_view what) {
  UniqueFd made{request(command, attributes)};
  if (!made) throw Error::from_errno(errno, "{}", what);
  return made;
}

UniqueFd load_program(bpf_prog_type type, bpf_attach_type attach_type, std::span<const bpf_insn> program,
                      std::string_view what) {
  static constexpr char license[] = "Apache-2.0";
  bpf_attr attributes{};
  attributes.prog_type = type;
  attributes.expected_attach_type = attach_type;
  attributes.insns = address_of(program.data());
  attributes.insn_cnt = static_cast<std::uint32_t>(program.size());
  attributes.license = address_of(license);
  return request_fd(BPF_PROG_LOAD, attributes, what);
}

UniqueFd link(FdRef program, FdRef cgroup_directory, bpf_attach_type type) {
  bpf_attr attributes{};
  attributes.link_create.prog_fd = static_cast<std::uint32_t>(program.get());
  attributes.link_create.target_fd = static_cast<std::uint32_t>(cgroup_directory.get());
  attributes.link_create.attach_type = type;
  return request_fd(BPF_LINK_CREATE, attributes, "attach a program to the cgroup");
}

void set_element(FdRef map, const void* key, const void* value) {
  bpf_attr attributes{};
  attributes.map_fd = static_cast<std::uint32_t>(map.get());
  attributes.key = address_of(key);
  attributes.value = address_of(value);
  attributes.flags = BPF_ANY;
  if (request(BPF_MAP_UPDATE_ELEM, attributes) < 0) throw Error::from_errno(errno, "set an element of a map");
}

void remove_element(FdRef map, const void* key) {
  bpf_attr attributes{};
  attributes.map_fd = static_cast<std::uint32_t>(map.get());
  attributes.key = address_of(key);
  if (request(BPF_MAP_DELETE_ELEM, attributes) == 0 || errno == ENOENT) return;
  throw Error::from_errno(errno, "remove an element of a map");
}

}  // namespace berth::kernel::bpf
