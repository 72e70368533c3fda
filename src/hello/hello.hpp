// hello: the image that the daemon carries inside itself, so that a first container needs no network.
//
// The image is built with the project: hello.c becomes a static program of about a kilobyte, make_archive puts it into
// a docker-archive, and the archive is linked into this library.
//
// Uses: nothing.   Used by: engine.   Threads: any.
#pragma once

#include <cstddef>
#include <span>

namespace berth {

/// A docker-archive (what `docker save` writes, uncompressed) with the one image `hello:latest`. The same bytes for the
/// same compiler and architecture.
std::span<const std::byte> hello_archive() noexcept;

}  // namespace berth
