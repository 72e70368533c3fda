#include "linux/cgroup.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <ctime>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/strings.hpp"

namespace berth::kernel {
namespace {

constexpr std::array<std::string_view, 14> controller_names = {"cpu",        "cpuacct", "cpuset", "memory",  "devices",
                                                               "freezer",    "blkio",   "pids",   "net_cls", "net_prio",
                                                               "perf_event", "hugetlb", "rdma",   "misc"};

/// Writes a control file in one go; returns 0 or the errno.
int write_file_at(const std::string& path, std::string_view value) {
  const UniqueFd fd{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!fd || ::write(fd.get(), value.data(), value.size()) < 0) return errno;
  return 0;
}

std::string parent_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

/// On version 1 a new cpuset has no processors and accepts no process, unless the one above hands its own down.
/// Somebody else may have made that one, and others above it, without giving it any.
void fill_cpuset(const CgroupHierarchy& hierarchy, const std::string& directory) {
  if (directory.size() <= hierarchy.mount_point.size()) return;
  for (const char* file : {"/cpuset.cpus", "/cpuset.mems"}) {
    if (!trim(read_file(directory + file)).empty()) continue;
    fill_cpuset(hierarchy, parent_of(directory));
    write_file_at(directory + file, trim(read_file(parent_of(directory) + file)));
  }
}

bool has_cpuset(const CgroupHierarchy& hierarchy) {
  return std::ranges::find(hierarchy.controllers, "cpuset") != hierarchy.controllers.end();
}

void prepare_parent_v1(const CgroupHierarchy& hierarchy, const std::string& directory) {
  if (!has_cpuset(hierarchy)) return;
  fill_cpuset(hierarchy, directory);
  write_file_at(directory + "/cgroup.clone_children", "1");
}

void make_parents(const CgroupHierarchy& hierarchy, const std::string& directory, bool unified) {
  if (directory.size() <= hierarchy.mount_point.size()) return;
  if (::mkdir(directory.c_str(), 0755) < 0 && errno == ENOENT) {
    make_parents(hierarchy, parent_of(directory), unified);
    ::mkdir(directory.c_str(), 0755);
  }
  if (!unified) prepare_parent_v1(hierarchy, directory);
}

/// Switches controllers on in every directory above `directory`, from the top.
void enable_controllers(const CgroupHierarchy& hierarchy, const std::string& directory) {
  if (directory.size() <= hierarchy.mount_point.size()) return;
  const auto parent = parent_of(directory);
  enable_controllers(hierarchy, parent);
  const auto available = find_file(parent + "/cgroup.controllers");
  if (!available) return;
  // One at a time: a controller that cannot be switched on must not keep back the others.
  for (const auto& controller : split(trim(*available), ' ')) {
    write_file_at(parent + "/cgroup.subtree_control", "+" + controller);
  }
}

void make_directory(const CgroupHierarchy& hierarchy, const std::string& directory, bool unified) {
  if (::mkdir(directory.c_str(), 0755) == 0) return;
  if (errno == ENOENT) {
    make_parents(hierarchy, parent_of(directory), unified);
    if (::mkdir(directory.c_str(), 0755) == 0) return;
  }
  if (errno != EEXIST) throw Error::from_errno(errno, "make cgroup {}", quote(directory));
  // What a crash left over is taken as it is if nobody lives there.
  const auto processes = find_file(directory + "/cgroup.procs");
  if (processes && !trim(*processes).empty()) {
    throw Error{Kind::conflict, "cgroup {} exists and has processes", quote(directory)};
  }
}

/// Calls `visit` with the directory of the cgroup and of each below it, children first.
template <class Visit>
void for_each_below(const std::string& directory, const Visit& visit) {
  if (DIR* stream = ::opendir(directory.c_str())) {
    std::vector<std::string> children;
    while (const dirent* entry = ::readdir(stream)) {
      const std::string_view name = entry->d_name;
      if (entry->d_type == DT_DIR && name != "." && name != "..") children.emplace_back(name);
    }
    ::closedir(stream);
    for (const auto& child : children) for_each_below(directory + "/" + child, visit);
  }
  visit(directory);
}

void add_processes(const std::string& directory, std::vector<int>& pids) {
  const auto text = find_file(directory + "/cgroup.procs");
  if (!text) return;
  for (const auto& line : split(*text, '\n')) {
    if (const auto pid = parse_number<int>(line); pid && *pid > 0) pids.push_back(*pid);
  }
}

/// Removes one directory and those below; false if a process still lives there.
bool remove_directories(const std::string& directory) {
  if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) return true;
  bool gone = true;
  for_each_below(directory,
                 [&](const std::string& below) { gone = (::rmdir(below.c_str()) == 0 || errno == ENOENT) && gone; });
  return gone;
}

void kill_all(const CgroupLayout& layout, const std::string& path) {
  if (layout.unified) {
    if (write_file_at(cgroup_directory(layout.hierarchies.front(), path) + "/cgroup.kill", "1") == 0) return;  // 5.14
  }
  for (const int pid : processes_of(layout, path)) ::kill(pid, SIGKILL);
  // A process killed in a frozen version 1 cgroup stays until it is thawed.
  if (!layout.unified) set_frozen(layout, path, false);
}

}  // namespace

const CgroupHierarchy* CgroupLayout::find(std::string_view controller) const {
  if (unified) return hierarchies.data();
  const auto found = std::ranges::find_if(hierarchies, [&](const CgroupHierarchy& hierarchy) {
    return std::ranges::find(hierarchy.controllers, controller) != hierarchy.controllers.end();
  });
  return found == hierarchies.end() ? nullptr : &*found;
}

CgroupLayout parse_cgroup_layout(std::string_view mountinfo, bool with_named) {
  CgroupLayout layout;
  for (const auto& line : split(mountinfo, '\n')) {
    // 31 23 0:28 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu
    const auto separator = line.find(" - ");
    if (separator == std::string::npos) continue;
    const auto mount = split(line.substr(0, separator), ' ');
    const auto source = split(line.substr(separator + 3), ' ');
    if (mount.size() < 5 || source.size() < 3) continue;
    if (source[0] == "cgroup2" && layout.version2_mount.empty()) layout.version2_mount = mount[4];
    if (source[0] != "cgroup") continue;
    CgroupHierarchy hierarchy{.mount_point = mount[4], .controllers = {}};
    for (const auto& option : split(source[2], ',')) {
      const bool known = std::ranges::find(controller_names, option) != controller_names.end();
      if (known || (with_named && option.starts_with("name="))) hierarchy.controllers.push_back(option);
    }
    if (hierarchy.controllers.empty() || layout.find(hierarchy.controllers.front()) != nullptr) continue;
    layout.hierarchies.push_back(std::move(hierarchy));
  }
  if (layout.hierarchies.empty() && !layout.version2_mount.empty()) {
    layout.unified = true;
    layout.hierarchies.push_back({.mount_point = layout.version2_mount, .controllers = {}});
  }
  return layout;
}

const CgroupLayout& cgroup_layout() {
  static const CgroupLayout layout = [] {
    struct statfs status {};
    if (::statfs("/sys/fs/cgroup", &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC) {
      return CgroupLayout{.unified = true,
                          .hierarchies = {{.mount_point = "/sys/fs/cgroup", .controllers = {}}},
                          .version2_mount = "/sys/fs/cgroup"};
    }
    // systemd kills by its named hierarchy: containers must not be in the cgroup of the daemon's service.
    const bool with_systemd = ::access("/run/systemd/system", F_OK) == 0;
    return parse_cgroup_layout(read_file("/proc/self/mountinfo"), with_systemd);
  }();
  return layout;
}

std::string cgroup_directory(const CgroupHierarchy& hierarchy, std::string_view cgroup) {
  return fmt::format("{}{}", hierarchy.mount_point, cgroup);
}

Cgroup::Cgroup(const CgroupLayout& layout, std::string path) : layout_(&layout), path_(std::move(path)) {
  try {
    for (const auto& hierarchy : layout.hierarchies) {
      const auto directory = cgroup_directory(hierarchy, path_);
      make_directory(hierarchy, directory, layout.unified);
      if (!layout.unified && has_cpuset(hierarchy)) fill_cpuset(hierarchy, directory);
    }
  } catch (const Error& error) {
    if (error.kind() != Kind::conflict) remove_cgroup(layout, path_);
    throw;
  }
}

Cgroup::~Cgroup() {
  if (!path_.empty()) remove_cgroup(*layout_, path_);
}

void Cgroup::write(std::string_view controller, const std::string& file, std::string_view value) const {
  write_cgroup(*layout_, path_, controller, file, value);
}

UniqueFd Cgroup::directory() const {
  if (layout_ == nullptr || !layout_->unified) return {};
  return open_file(cgroup_directory(layout_->hierarchies.front(), path_), O_PATH | O_DIRECTORY);
}

void write_cgroup(const CgroupLayout& layout, const std::string& cgroup, std::string_view controller,
                  const std::string& file, std::string_view value) {
  const auto* hierarchy = layout.find(controller);
  if (hierarchy == nullptr)
    throw Error{Kind::unsupported, "this machine has no cgroup controller {}", quote(controller)};
  const auto directory = cgroup_directory(*hierarchy, cgroup);
  int error = write_file_at(directory + "/" + file, value);
  if (error == ENOENT && layout.unified) {
    enable_controllers(*hierarchy, directory);
    error = write_file_at(directory + "/" + file, value);
  }
  if (error == 0) return;
  throw Error::from_errno(error, "write {} to {}", quote(value), file)
      .as(error == ENOENT   ? Kind::unsupported
          : error == EINVAL ? Kind::invalid
                            : Kind::internal);
}

std::optional<std::string> find_control(const CgroupLayout& layout, const std::string& cgroup,
                                        std::string_view controller, const std::string& file) {
  const auto* hierarchy = layout.find(controller);
  if (hierarchy == nullptr) return std::nullopt;
  try {
    return find_file(cgroup_directory(*hierarchy, cgroup) + "/" + file);
  } catch (const Error&) {
    return std::nullopt;  // some can only be written, and some say EINVAL where the kernel has them switched off
  }
}

void join_cgroup(const CgroupLayout& layout, const std::string& path) {
  for (const auto& hierarchy : layout.hierarchies) {
    const auto file = cgroup_directory(hierarchy, path) + (layout.unified ? "/cgroup.procs" : "/tasks");
    if (const int error = write_file_at(file, "0"); error != 0) throw Error::from_errno(error, "join {}", quote(file));
  }
}

void join_cgroup(const CgroupLayout& layout, const std::string& path, int pid) {
  for (const auto& hierarchy : layout.hierarchies) {
    const auto file = cgroup_directory(hierarchy, path) + "/cgroup.procs";
    if (const int error = write_file_at(file, std::to_string(pid)); error != 0) {
      throw Error::from_errno(error, "join {}", quote(file));
    }
  }
}

std::vector<int> processes_of(const CgroupLayout& layout, const std::string& path) {
  std::vector<int> pids;
  if (layout.hierarchies.empty()) return pids;
  const auto* hierarchy = layout.find("pids");
  if (hierarchy == nullptr) hierarchy = &layout.hierarchies.front();
  for_each_below(cgroup_directory(*hierarchy, path),
                 [&](const std::string& directory) { add_processes(directory, pids); });
  return pids;
}

void set_frozen(const CgroupLayout& layout, const std::string& path, bool frozen) {
  const auto* hierarchy = layout.find("freezer");
  if (hierarchy == nullptr) throw Error{Kind::unsupported, "this machine has no cgroup controller \"freezer\""};
  const auto directory = cgroup_directory(*hierarchy, path);
  const auto file = directory + (layout.unified ? "/cgroup.freeze" : "/freezer.state");
  const std::string wanted = layout.unified ? (frozen ? "1" : "0") : (frozen ? "FROZEN" : "THAWED");
  if (const int error = write_file_at(file, wanted); error != 0) {
    throw Error::from_errno(error, "write {} to {}", wanted, quote(file));
  }
  if (!frozen) return;
  for (int attempt = 0; attempt < 1000; ++attempt) {  // version 1 has no event for it, and may need the write again
    const auto state = layout.unified ? read_file(directory + "/cgroup.events") : read_file(file);
    if (state.contains(layout.unified ? "frozen 1" : "FROZEN")) return;
    if (!layout.unified) write_file_at(file, wanted);
    const timespec pause{.tv_sec = 0, .tv_nsec = 1'000'000};
    ::nanosleep(&pause, nullptr);
  }
  write_file_at(file, layout.unified ? "0" : "THAWED");
  throw Error{Kind::internal, "cgroup {} did not freeze within a second", quote(path)};
}

bool is_frozen(const CgroupLayout& layout, const std::string& path) {
  const auto* hierarchy = layout.find("freezer");
  if (hierarchy == nullptr) return false;
  const auto directory = cgroup_directory(*hierarchy, path);
  const auto state = find_file(directory + (layout.unified ? "/cgroup.freeze" : "/freezer.state"));
  return state && (state->starts_with('1') || state->starts_with("FR"));
}

bool remove_cgroup(const CgroupLayout& layout, const std::string& path) noexcept try {
  if (path.empty() || path == "/") return false;
  bool killed = false;
  for (int attempt = 0; attempt < 200; ++attempt) {
    bool gone = true;
    for (const auto& hierarchy : layout.hierarchies) {
      gone = remove_directories(cgroup_directory(hierarchy, path)) && gone;
    }
    if (gone) return true;
    if (!killed || attempt % 20 == 0) {
      kill_all(layout, path);
      killed = true;
    }
    // Version 1 tells nobody when the last process has left; a killed one needs a moment to.
    const timespec pause{.tv_sec = 0, .tv_nsec = attempt < 20 ? 500'000 : 10'000'000};
    ::nanosleep(&pause, nullptr);
  }
  return false;
} catch (...) {
  return false;
}

int oom_kill_count(const CgroupLayout& layout, const std::string& path) noexcept try {
  const auto* hierarchy = layout.find("memory");
  if (hierarchy == nullptr) return 0;
  const auto events =
      find_file(cgroup_directory(*hierarchy, path) + (layout.unified ? "/memory.events" : "/memory.oom_control"));
  if (!events) return 0;
  for (const auto& line : split(*events, '\n')) {
    if (line.starts_with("oom_kill ")) return parse_number<int>(trim(line.substr(9))).value_or(0);
  }
  return 0;
} catch (...) {
  return 0;
}

}  // namespace berth::kernel
