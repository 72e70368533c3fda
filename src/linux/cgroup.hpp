// Control groups, version 1 (with or without an empty version 2 beside it) and version 2.
//
// A cgroup is named by one path, "/berth/<id>", that is the same in every hierarchy. Directories are made by the
// parent, processes put themselves in: on version 1 by writing "0" to `tasks`, which skips a lock of the whole system
// that `cgroup.procs` takes; on version 2 clone3 starts them inside.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"

namespace berth::kernel {

struct CgroupHierarchy {
  std::string mount_point;               ///< "/sys/fs/cgroup/cpu,cpuacct"
  std::vector<std::string> controllers;  ///< "cpu", "cpuacct"; "name=systemd"; empty for version 2
};

/// The hierarchies that containers take part in.
struct CgroupLayout {
  bool unified = false;  ///< version 2, and `hierarchies` has one element
  std::vector<CgroupHierarchy> hierarchies;
  /// Where version 2 is mounted, also one beside version 1 that has no controllers; empty if it is not.
  std::string version2_mount;

  /// The hierarchy of a controller; the only one on version 2; null where the kernel or the host has none.
  [[nodiscard]] const CgroupHierarchy* find(std::string_view controller) const;
};

/// Reads what /proc/self/mountinfo says. A named hierarchy counts only `with_named`, as systemd needs it; a version 2
/// hierarchy beside version 1 has no controllers and does not count.
CgroupLayout parse_cgroup_layout(std::string_view mountinfo, bool with_named);

/// This machine's, looked up once.
const CgroupLayout& cgroup_layout();

/// The directory of a cgroup in a hierarchy.
std::string cgroup_directory(const CgroupHierarchy& hierarchy, std::string_view cgroup);

/// A cgroup in all hierarchies, removed by its owner unless released.
class Cgroup {
 public:
  Cgroup() = default;
  /// Makes the directories, and those above. Throws `conflict` if it exists and has processes.
  Cgroup(const CgroupLayout& layout, std::string path);
  Cgroup(Cgroup&& other) noexcept : layout_(other.layout_), path_(std::exchange(other.path_, {})) {}
  Cgroup& operator=(Cgroup&& other) noexcept {
    std::swap(layout_, other.layout_);
    std::swap(path_, other.path_);
    return *this;
  }
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;
  ~Cgroup();

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  std::string release() noexcept { return std::exchange(path_, {}); }

  /// Writes a control file, "memory.max"; on version 2 the controller is switched on first where it is off.
  /// Throws `unsupported` if the machine has no such controller or file.
  void write(std::string_view controller, const std::string& file, std::string_view value) const;

  /// Version 2: the directory, for clone3. Empty on version 1, and without a cgroup.
  [[nodiscard]] UniqueFd directory() const;

 private:
  const CgroupLayout* layout_ = nullptr;
  std::string path_;
};

/// Writes a control file of a cgroup that somebody else owns, as Cgroup::write does.
void write_cgroup(const CgroupLayout& layout, const std::string& cgroup, std::string_view controller,
                  const std::string& file, std::string_view value);

/// What a control file says; nothing if the machine has no such controller or file, or it cannot be read.
std::optional<std::string> find_control(const CgroupLayout& layout, const std::string& cgroup,
                                        std::string_view controller, const std::string& file);

/// Puts the calling process, which has one thread, into the cgroup.
void join_cgroup(const CgroupLayout& layout, const std::string& path);

/// Puts another process into the cgroup: for exec, whose process is started outside.
void join_cgroup(const CgroupLayout& layout, const std::string& path, int pid);

/// The processes of a cgroup and of those below it.
std::vector<int> processes_of(const CgroupLayout& layout, const std::string& path);

/// Stops or resumes all processes of the cgroup; returns when they have stopped.
void set_frozen(const CgroupLayout& layout, const std::string& path, bool frozen);

bool is_frozen(const CgroupLayout& layout, const std::string& path);

/// Kills what is in the cgroup and below it, and removes it. Returns false if something stayed.
bool remove_cgroup(const CgroupLayout& layout, const std::string& path) noexcept;

/// How often the kernel killed a process of the cgroup for lack of memory; 0 if the cgroup has gone.
int oom_kill_count(const CgroupLayout& layout, const std::string& path) noexcept;

}  // namespace berth::kernel
