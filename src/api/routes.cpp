#include "api/routes.hpp"

#include "api/resources.hpp"

namespace berth::api {

const Router& engine_api() {
  static const Router router{{system_routes(), container_routes(), container_stream_routes(), exec_routes(),
                              image_routes(), network_routes(), routes_to_come()}};
  return router;
}

}  // namespace berth::api
