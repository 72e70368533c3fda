#include "base/memory.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>

#include <cstdio>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/strings.hpp"

namespace berth {
namespace {

/// Unmaps the pages of one line of /proc/self/maps if it is code of a file. Never anything else: pages that were
/// written, as those of relocations, would be lost.
void release_code(const std::string& line) {
  unsigned long begin = 0;
  unsigned long end = 0;
  char access[5] = {};
  if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, access) != 3) return;
  if (std::string_view{access} != "r-xp" || !line.contains('/')) return;
  ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);  // NOLINT(performance-no-int-to-ptr)
}

}  // namespace

void release_unused_memory() noexcept {
  try {
    for (const auto& line : split(read_file("/proc/self/maps"), '\n')) release_code(line);
  } catch (const Error&) {
    return;  // Nothing is wrong without it.
  }
  ::malloc_trim(0);
}

}  // namespace berth
