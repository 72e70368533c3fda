#include "api/routes.hpp"

namespace berth::api {

const Router& engine_api() {
  static const Router router{{}};
  return router;
}

}  // namespace berth::api
