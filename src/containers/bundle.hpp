// The files from which a shim makes a container.
#pragma once

#include "containers/record.hpp"
#include "containers/settings.hpp"
#include "images/images.hpp"
#include "seccomp/filter_cache.hpp"

namespace berth::containers {

struct Paths;
struct NetworkPlace;

/// Writes config.json and berth.json into the container's directory, makes the overlay's upper directories, and writes
/// hostname, hosts and resolv.conf unless they are another container's. What an earlier run left there (exit.json) is
/// removed. Throws `not_found` if the image has gone.
void write_bundle(const Record& record, const Paths& where, const NetworkPlace& place, const Settings& settings,
                  images::ImageStore& images, seccomp::FilterCache& filters);

}  // namespace berth::containers
