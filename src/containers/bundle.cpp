#include "containers/bundle.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"
#include "base/file.hpp"
#include "containers/host_facts.hpp"
#include "containers/internal.hpp"
#include "containers/log_address.hpp"
#include "containers/spec.hpp"

namespace berth::containers {
namespace {

std::vector<std::string> layers_of(images::ImageStore& images, const oci::Digest& id) {
  std::vector<std::string> layers;
  for (auto& directory : images.lower_directories(id)) layers.push_back(directory.native());
  return layers;
}

/// The overlay's root has the owner and mode of its upper directory: they are the image's.
void make_upper(const fs::path& upper, const std::vector<std::string>& layers) {
  if (::mkdir(upper.c_str(), 0755) < 0) {
    if (errno == EEXIST) return;
    throw Error::from_errno(errno, "make directory {}", quote(upper.native()));
  }
  struct stat status {};
  if (layers.empty() || ::stat(layers.front().c_str(), &status) < 0) return;
  if (::chown(upper.c_str(), status.st_uid, status.st_gid) < 0 || ::chmod(upper.c_str(), status.st_mode & 07777) < 0) {
    throw Error::from_errno(errno, "set owner of {}", quote(upper.native()));
  }
}

}  // namespace

void write_bundle(const Record& record, const Paths& where, const NetworkPlace& place, const Settings& settings,
                  images::ImageStore& images, seccomp::FilterCache& filters) {
  const auto& definition = record.definition;
  auto config = definition.config;
  config.Env.insert(config.Env.begin(), place.environment.begin(), place.environment.end());  // the user's own count
  const auto& host_config = definition.host_config;
  std::vector<std::string> args = {definition.path};
  args.insert(args.end(), definition.args.begin(), definition.args.end());
  auto bundle = make_bundle({.id = record.id,
                             .name = record.name,
                             .image_id = definition.image_id.to_string(),
                             .config = config,
                             .host_config = host_config,
                             .args = std::move(args),
                             .directory = where.directory,
                             .network_files = place.files,
                             .layers = layers_of(images, definition.image_id),
                             .init_program = settings.init_program,
                             .devices = find_devices(host_config),
                             .facts = host_facts()},
                            filters);
  try {
    resolve_receiver(bundle.settings.log);
  } catch (Error& error) {
    throw error.in("failed to create task for container: failed to initialize logging driver");
  }
  make_bind_sources(host_config);
  if (place.owns_files) {
    const auto files = make_network_files(config, host_config, read_host_network_files(settings.dns), place.view);
    write_file(where.directory / "hostname", files.hostname);
    write_file(where.directory / "hosts", files.hosts);
    write_file(where.directory / "resolv.conf", files.resolv_conf);
  }
  make_upper(where.directory / "upper", bundle.settings.rootfs.lower);
  make_directories(where.directory / "work", 0700);
  ::unlink((where.directory / shim::exit_file).c_str());
  write_file(where.directory / shim::config_file, json::write(bundle.spec), 0600);
  write_file(where.directory / shim::settings_file, json::write(bundle.settings), 0600);
}

}  // namespace berth::containers
