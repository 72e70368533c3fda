// Copies a directory of the image into a fresh tmpfs (mount option "tmpcopyup").
#pragma once

#include "base/fd.hpp"

namespace berth::runtime {

/// Copies what is in `from` (O_PATH allowed) to `to`, with owners, modes, links and devices; never follows a link.
void copy_up(FdRef from, FdRef to);

}  // namespace berth::runtime
