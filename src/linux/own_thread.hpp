// Steps in another namespace than the process is in.
#pragma once

#include <functional>
#include <string_view>

#include "base/fd.hpp"

namespace berth::kernel {

/// Runs a step on a thread that ends afterwards, so no other code ever finds itself in a namespace that the step has
/// entered or made. Throws what the step throws.
void on_own_thread(const std::function<void()>& step);

/// The same in the network namespace that is open as `netns`. `what`: for an error, "of a container".
void in_network_namespace(FdRef netns, std::string_view what, const std::function<void()>& step);

}  // namespace berth::kernel
