// The log of a container written to a client that attaches with `logs=1`.
#pragma once

#include "containers/containers.hpp"

namespace berth::containers {

/// Writes what was logged so far to the client, framed as the attachment asks. A client that has gone is no error.
void replay_log(const LogSource& source, const shim::Attachment& attachment);

}  // namespace berth::containers
