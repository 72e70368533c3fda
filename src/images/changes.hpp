// The Dockerfile instructions that `docker import --change` and `docker commit --change` take.
#pragma once

#include <string>
#include <vector>

#include "oci/image_config.hpp"

namespace berth::images {

/// Applies CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME and WORKDIR, in order.
/// Throws `invalid` on another instruction ("run is not a valid change command") or wrong arguments.
oci::RunConfig apply_changes(oci::RunConfig config, const std::vector<std::string>& changes);

}  // namespace berth::images
