// The root of a container from the layers of its image and its own upper directory.
#pragma once

#include "linux/mount.hpp"
#include "runtime/runtime.hpp"

namespace berth::runtime {

/// A detached mount of the layers. Throws `unsupported` if there are more than this kernel takes.
kernel::Mount mount_overlay(const Overlay& overlay);

/// Before Linux 6.8 the layers are one option, which only mount(2) takes in more than 255 characters: up to one page.
/// Their paths go by descriptor, which keeps each below 20 characters. For a moment `upper` is mounted over in the
/// calling thread's mount namespace. `mount_overlay` does this where it must.
kernel::Mount mount_overlay_in_one_option(const Overlay& overlay);

}  // namespace berth::runtime
