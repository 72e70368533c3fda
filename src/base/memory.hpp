// Giving memory back.
#pragma once

namespace berth {

/// Returns what is not in use to the kernel: free pages of the heap, and the program's own code, of which start-up and
/// loads use much that an idle process never runs again. Code that is needed comes back from the page cache by itself.
///
/// Takes about a millisecond: for moments when nobody waits.
void release_unused_memory() noexcept;

}  // namespace berth
