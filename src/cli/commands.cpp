#include "cli/commands.hpp"

namespace berth::cli {
namespace {

constexpr CommandEntry commands[] = {
    {"container attach|attach", container_attach},
    {"container create|create", container_create},
    {"container diff|diff", container_diff},
    {"container exec|exec", container_exec, 2},
    {"container export|export", container_export},
    {"container inspect", container_inspect},
    {"container kill|kill", container_kill},
    {"container logs|logs", container_logs},
    {"container ls|container list|container ps|ps", container_ls, 3},
    {"container pause|pause", container_pause},
    {"container port|port", container_port},
    {"container prune", container_prune},
    {"container rename|rename", container_rename},
    {"container restart|restart", container_restart},
    {"container rm|container remove|rm", container_rm},
    {"container run|run", container_run, 1},
    {"container start|start", container_start},
    {"container stats|stats", container_stats},
    {"container stop|stop", container_stop},
    {"container top|top", container_top},
    {"container unpause|unpause", container_unpause},
    {"container update|update", container_update},
    {"container wait|wait", container_wait},
    {"image history|history", image_history},
    {"image import|import", image_import},
    {"image inspect", image_inspect},
    {"image load|load", image_load},
    {"image ls|image list|images", image_ls, 7},
    {"image prune", image_prune},
    {"image pull|pull", image_pull, 5},
    {"image push|push", image_push, 6},
    {"image rm|image remove|rmi", image_rm},
    {"image save|save", image_save},
    {"image tag|tag", image_tag},
    {"inspect", inspect},
    {"network connect", network_connect},
    {"network create", network_create},
    {"network disconnect", network_disconnect},
    {"network inspect", network_inspect},
    {"network ls|network list", network_ls},
    {"network prune", network_prune},
    {"network rm|network remove", network_rm},
    {"system events|events", system_events},
    {"system info|info", system_info, 12},
    {"version", version, 11},
};

constexpr CommandGroup groups[] = {
    {"container", "Manage containers"},
    {"image", "Manage images"},
    {"network", "Manage networks"},
    {"system", "Manage Berth"},
};

}  // namespace

std::span<const CommandEntry> all_commands() {
  return commands;
}
std::span<const CommandGroup> all_groups() {
  return groups;
}

}  // namespace berth::cli
