// What older versions of the Engine API mean by their requests, and expect in answers. Everything else in Berth speaks
// the newest version only.
#pragma once

#include "api/request.hpp"
#include "containers/config.hpp"
#include "containers/inspect.hpp"
#include "network/config.hpp"

namespace berth::api {

/// A body of `create` as a client of that version meant it.
void to_newest(containers::CreateBody& body, ApiVersion version);

/// A body of `update`.
void to_newest(containers::UpdateRequest& body, ApiVersion version);

/// A body of a network's `create`.
void to_newest(network::CreateRequest& body, ApiVersion version);

/// Before 1.28 the list of networks shows their containers, as an inspection does.
bool shows_members_in_lists(ApiVersion version);

/// Filters of the image list: before 1.41 a reference could come as the parameter `filter`.
void add_old_image_filter(Filters& filters, const Request& request);

/// An inspection of a container as that version shows it.
void to_version(containers::Inspect& container, ApiVersion version);

/// The element of an image list, and an image's inspection, as that version shows them.
void to_version(json::Value& image, ApiVersion version);

}  // namespace berth::api
