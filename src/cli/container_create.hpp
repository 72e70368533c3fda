// Creating a container, for create and run.
#pragma once

#include <string>

#include "cli/container_flags.hpp"
#include "cli/session.hpp"

namespace berth::cli {

/// Throws `invalid` unless it is always, missing or never.
void check_pull_option(const std::string& pull);

/// Writes which streams are attached into the request's body.
void set_attached_streams(ContainerRequest& request);

/// Creates it, pulling the image as --pull says, writes the cidfile and shows warnings. Returns the ID.
std::string create_container(Session& session, const ContainerFlags& flags, ContainerRequest& request);

}  // namespace berth::cli
