// The files from which a shim makes a container.
#pragma once

#include "containers/record.hpp"
#include "containers/settings.hpp"
#include "images/images.hpp"
#include "seccomp/filter_cache.hpp"

namespace berth::containers {

struct Paths;

/// Writes config.json, berth.json, hostname, hosts and resolv.conf into the container's directory and makes the
/// overlay's upper directories. What an earlier run left there (exit.json) is removed. Throws `not_found` if the image
/// has gone.
void write_bundle(const Record& record, const Paths& where, const Settings& settings, images::ImageStore& images,
                  seccomp::FilterCache& filters);

}  // namespace berth::containers
