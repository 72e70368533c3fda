"""System calls that the default filter must refuse, on every ABI of the machine."""

import platform
import struct

import pytest

import archive

X86 = platform.machine() == "x86_64"
BASE = 0x400000
CODE = BASE + 64 + 56  # after the ELF header and one program header
AF_ALG, AF_VSOCK, SEQPACKET = 38, 40, 5
EPERM, EAFNOSUPPORT, ENOSYS = 1, 97, 38
REFUSED = {EPERM, ENOSYS}
EXIT = b"\xf7\xd8\x89\xc7\xb8\x3c\x00\x00\x00\x0f\x05"  # neg eax; mov edi, eax; mov eax, 60 (exit); syscall


def program(code):
    """A static x86-64 program of these instructions; it exits with the errno of its last call."""
    size = 64 + 56 + len(code)
    header = b"\x7fELF\x02\x01\x01" + b"\0" * 9 + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, CODE, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 7, 0, BASE, BASE, size, size, 0x1000)
    return header + segment + code


def mov(register, value):
    return bytes([0xB8 + ["eax", "ecx", "edx", "ebx"].index(register)]) + struct.pack("<I", value)


def socket_x86_64(family, number=41):
    """mov edi, family; mov esi, type; xor edx, edx; mov eax, number; syscall"""
    return program(b"\xbf" + struct.pack("<I", family) + b"\xbe" + struct.pack("<I", SEQPACKET) + b"\x31\xd2" +
                   mov("eax", number) + b"\x0f\x05" + EXIT)


def socket_x32(family):
    return socket_x86_64(family, 0x40000000 | 41)


def socket_i386(family):
    return program(mov("ebx", family) + mov("ecx", SEQPACKET) + mov("edx", 0) + mov("eax", 359) + b"\xcd\x80" + EXIT)


def socketcall_i386(family):
    """socketcall(SYS_SOCKET, {family, type, 0}): the arguments are in memory, where a filter cannot see them."""
    length = 5 * 3 + 2 + len(EXIT)
    code = mov("ebx", 1) + mov("ecx", CODE + length) + mov("eax", 102) + b"\xcd\x80" + EXIT
    return program(code + struct.pack("<III", family, SEQPACKET, 0))


def exit_code(host, binary, **host_config):
    layer = archive.tar([archive.entry("attack", data=binary, mode=0o755)])
    host.load(archive.Image("calls:1", [layer], {"Cmd": ["/attack"]}).docker_archive())
    return host.run(image="calls:1", host_config=host_config)[0]


@pytest.mark.skipif(not X86, reason="the programs are x86 code")
def test_program_of_this_test_tells_what_the_kernel_answers(host):
    """The programs work: without a filter the kernel itself answers."""
    unconfined = {"SecurityOpt": ["seccomp=unconfined"]}
    assert exit_code(host, socket_x86_64(99), **unconfined) == EAFNOSUPPORT
    assert exit_code(host, socketcall_i386(99), **unconfined) in (EAFNOSUPPORT, ENOSYS, 139)


@pytest.mark.skipif(not X86, reason="the programs are x86 code")
@pytest.mark.parametrize("family", [AF_ALG, AF_VSOCK], ids=["alg", "vsock"])
@pytest.mark.parametrize("abi", [socket_x86_64, socket_x32, socket_i386], ids=["x86_64", "x32", "i386"])
@pytest.mark.differs_from_reference("its filter lets AF_ALG through")
def test_socket_of_a_dangerous_family_is_refused(host, family, abi):
    """CVE-2026-31431 (AF_ALG), CVE-2026-123876: a deny rule for one ABI only is no rule."""
    assert exit_code(host, abi(family)) in REFUSED | {139, 159}


@pytest.mark.skipif(not X86, reason="the programs are x86 code")
@pytest.mark.parametrize("family", [AF_ALG, AF_VSOCK], ids=["alg", "vsock"])
@pytest.mark.differs_from_reference("its filter lets socketcall through")
def test_socket_of_a_dangerous_family_is_refused_through_socketcall(host, family):
    """CVE-2026-31431: int 0x80 socketcall carries the family in memory, so the whole call must be refused."""
    assert exit_code(host, socketcall_i386(family)) in REFUSED | {139, 159}


@pytest.mark.skipif(not X86, reason="the programs are x86 code")
def test_ordinary_sockets_are_allowed(host):
    """The rules above must not take the network away."""
    af_inet, stream = 2, 1
    code = socket_x86_64(af_inet).replace(b"\xbe" + struct.pack("<I", SEQPACKET), b"\xbe" + struct.pack("<I", stream))
    assert exit_code(host, code) == 256 - 3


@pytest.mark.skipif(not X86, reason="the programs are x86 code")
@pytest.mark.parametrize("name, number", [
    ("add_key", 248), ("bpf", 321), ("delete_module", 176), ("init_module", 175), ("io_uring_setup", 425), ("kexec_load", 246),
    ("keyctl", 250), ("mount", 165), ("move_pages", 279), ("open_by_handle_at", 304), ("perf_event_open", 298), ("pivot_root", 155),
    ("quotactl", 179), ("reboot", 169), ("request_key", 249), ("setns", 308), ("swapon", 167), ("umount2", 166),
    ("unshare", 272), ("userfaultfd", 323)])
def test_system_call_is_refused_by_default(host, name, number):
    """The attack surface that Docker's default filter closes."""
    if host.engine.is_reference and name in ("io_uring_setup",):
        pytest.skip("Docker 20.10 allows it")
    # unshare and setns with flags or descriptors that would be valid; the others fail before they could do anything.
    argument = 0x10000000 if name == "unshare" else 0
    code = b"\xbf" + struct.pack("<I", argument) + b"\x31\xf6\x31\xd2" + mov("eax", number) + b"\x0f\x05" + EXIT
    assert exit_code(host, program(code)) in REFUSED


@pytest.mark.skipif(not X86, reason="the programs are x86 code")
def test_user_namespace_cannot_be_made(host):
    """CVE-2022-0185 and its kind begin with a user namespace: clone(CLONE_NEWUSER | SIGCHLD)."""
    code = b"\xbf" + struct.pack("<I", 0x10000011) + b"\x31\xf6\x31\xd2" + mov("eax", 56) + b"\x0f\x05" + EXIT
    assert exit_code(host, program(code)) == EPERM
