#include "hello/hello.hpp"

// BERTH_HELLO_ARCHIVE is the path of the archive, given by CMakeLists.txt.
asm(".pushsection .rodata\n"
    ".balign 16\n"
    "berth_hello_begin:\n"
    ".incbin \"" BERTH_HELLO_ARCHIVE
    "\"\n"
    "berth_hello_end:\n"
    ".popsection\n");

extern "C" {
extern const std::byte berth_hello_begin;
extern const std::byte berth_hello_end;
}

namespace berth {

std::span<const std::byte> hello_archive() noexcept {
  return {&berth_hello_begin, &berth_hello_end};
}

}  // namespace berth
