// A network namespace for the test's thread and those that it starts: nothing of the machine's own is touched.
#pragma once

#include <sched.h>

#include "base/error.hpp"
#include "linux/namespaces.hpp"

namespace berth {

struct OwnNetwork {
  OwnNetwork() {
    if (::unshare(CLONE_NEWNET) < 0) throw Error::from_errno(errno, "make the test's network namespace");
    kernel::set_loopback_up();
  }
};

}  // namespace berth
