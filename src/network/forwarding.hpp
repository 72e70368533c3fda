// Whether the host passes packets on from one link to another.
#pragma once

namespace berth::network {

/// Of the calling thread's network namespace.
bool forwarding_is_on(bool v6);

/// For IPv6 this would make links ignore what routers tell them, and the host would lose its default route: those that
/// listened to routers go on doing so.
void switch_forwarding_on(bool v6);

}  // namespace berth::network
