// The rest of the Engine API 1.51: known, and not available yet. Each row goes when its function comes.
#include "api/resources.hpp"

namespace berth::api {
namespace {

constexpr std::string_view volumes = "volumes are not supported by Berth yet; bind mounts are";
constexpr std::string_view archives = "copying files into and out of a container is not supported by Berth yet";
constexpr std::string_view builds = "building images is not supported by Berth yet";
constexpr std::string_view saves = "saving images is not supported by Berth yet";
constexpr std::string_view registries = "working with registries is not supported by Berth yet";
constexpr std::string_view plugins = "plugins are not supported by Berth yet";
constexpr std::string_view swarm = "Swarm is not supported by Berth";

const Route routes[] = {
    {Method::get, "/containers/{id}/changes", nullptr,
     "listing a container's changed files is not supported by Berth yet"},
    {Method::get, "/containers/{id}/export", nullptr, "exporting a container's files is not supported by Berth yet"},
    {Method::get, "/containers/{id}/attach/ws", nullptr, "attaching over a web socket is not supported by Berth yet"},
    {Method::head, "/containers/{id}/archive", nullptr, archives},
    {Method::get, "/containers/{id}/archive", nullptr, archives},
    {Method::put, "/containers/{id}/archive", nullptr, archives},
    {Method::post, "/commit", nullptr, "making an image from a container is not supported by Berth yet"},

    {Method::post, "/build", nullptr, builds},
    {Method::post, "/build/prune", nullptr, builds},
    {Method::post, "/session", nullptr, builds},
    {Method::post, "/images/{name}/push", nullptr, registries},
    {Method::get, "/images/search", nullptr, registries},
    {Method::get, "/distribution/{name}/json", nullptr, registries},
    {Method::post, "/auth", nullptr, registries},
    {Method::get, "/images/{name}/get", nullptr, saves},
    {Method::get, "/images/get", nullptr, saves},
    {Method::get, "/system/df", nullptr, "disk usage is not supported by Berth yet"},

    {Method::get, "/volumes", nullptr, volumes},
    {Method::post, "/volumes/create", nullptr, volumes},
    {Method::post, "/volumes/prune", nullptr, volumes},
    {Method::get, "/volumes/{name}", nullptr, volumes},
    {Method::put, "/volumes/{name}", nullptr, volumes},
    {Method::delete_, "/volumes/{name}", nullptr, volumes},

    {Method::get, "/plugins", nullptr, plugins},
    {Method::get, "/plugins/privileges", nullptr, plugins},
    {Method::post, "/plugins/pull", nullptr, plugins},
    {Method::post, "/plugins/create", nullptr, plugins},
    {Method::get, "/plugins/{name}/json", nullptr, plugins},
    {Method::delete_, "/plugins/{name}", nullptr, plugins},
    {Method::post, "/plugins/{name}/enable", nullptr, plugins},
    {Method::post, "/plugins/{name}/disable", nullptr, plugins},
    {Method::post, "/plugins/{name}/upgrade", nullptr, plugins},
    {Method::post, "/plugins/{name}/push", nullptr, plugins},
    {Method::post, "/plugins/{name}/set", nullptr, plugins},

    {Method::get, "/swarm", nullptr, swarm},
    {Method::post, "/swarm/init", nullptr, swarm},
    {Method::post, "/swarm/join", nullptr, swarm},
    {Method::post, "/swarm/leave", nullptr, swarm},
    {Method::post, "/swarm/update", nullptr, swarm},
    {Method::get, "/swarm/unlockkey", nullptr, swarm},
    {Method::post, "/swarm/unlock", nullptr, swarm},
    {Method::get, "/nodes", nullptr, swarm},
    {Method::get, "/nodes/{id}", nullptr, swarm},
    {Method::delete_, "/nodes/{id}", nullptr, swarm},
    {Method::post, "/nodes/{id}/update", nullptr, swarm},
    {Method::get, "/services", nullptr, swarm},
    {Method::post, "/services/create", nullptr, swarm},
    {Method::get, "/services/{id}", nullptr, swarm},
    {Method::delete_, "/services/{id}", nullptr, swarm},
    {Method::post, "/services/{id}/update", nullptr, swarm},
    {Method::get, "/services/{id}/logs", nullptr, swarm},
    {Method::get, "/tasks", nullptr, swarm},
    {Method::get, "/tasks/{id}", nullptr, swarm},
    {Method::get, "/tasks/{id}/logs", nullptr, swarm},
    {Method::get, "/secrets", nullptr, swarm},
    {Method::post, "/secrets/create", nullptr, swarm},
    {Method::get, "/secrets/{id}", nullptr, swarm},
    {Method::delete_, "/secrets/{id}", nullptr, swarm},
    {Method::post, "/secrets/{id}/update", nullptr, swarm},
    {Method::get, "/configs", nullptr, swarm},
    {Method::post, "/configs/create", nullptr, swarm},
    {Method::get, "/configs/{id}", nullptr, swarm},
    {Method::delete_, "/configs/{id}", nullptr, swarm},
    {Method::post, "/configs/{id}/update", nullptr, swarm},
};

}  // namespace

std::span<const Route> routes_to_come() {
  return routes;
}

}  // namespace berth::api
