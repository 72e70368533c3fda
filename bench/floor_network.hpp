// The network of a container in the floor program: a veth pair between a bridge and a new network namespace.
#pragma once

#include <sys/types.h>

namespace floor_network {

/// Makes the bridge "floor0" with 172.31.0.1/16 in this network namespace, if it is not there.
void make_bridge();
/// The host's half: a veth pair whose one end is a port of the bridge and whose other end is born in the namespace of
/// `process`, as "eth0".
void connect(pid_t process);
/// The container's half: addresses, both links up, the default route.
void configure();

}  // namespace floor_network
