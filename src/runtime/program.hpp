// From the furnished root to the container's program: user, privileges, look-up, exec. Process 1, and what exec starts.
#pragma once

#include <linux/filter.h>

#include <string>
#include <vector>

#include "base/fd.hpp"
#include "runtime/plan.hpp"

namespace berth::runtime {

/// Where a program's name leads in the container. Throws ExecError worded as Docker's (Go's exec.LookPath):
/// `exec: "foo": executable file not found in $PATH`.
std::string find_program(const std::string& name, const std::vector<std::string>& env);

/// Fills in user, groups and HOME from the account files below `root`.
void resolve_process_user(ProcessPlan& process, FdRef root);

/// An array of sock_filter as the file holds it. Throws `corrupt` if it is none.
std::vector<sock_filter> read_seccomp_filter(const std::string& path);

/// Session, standard streams, limits, directory, user and capabilities, as far as they can go before the filter is
/// loaded.
class Program {
 public:
  Program(const ProcessPlan& process, std::vector<sock_filter> filter, unsigned filter_flags)
      : process_(process), filter_(std::move(filter)), filter_flags_(filter_flags) {}

  /// Everything but the filter and the last capabilities; looks the program up as the container's user.
  void prepare();
  /// Loads the filter and executes. Throws ExecError if the kernel refuses.
  [[noreturn]] void execute();

 private:
  void drop_user();
  void change_directory() const;
  void set_capabilities(kernel::CapabilitySet extra) const;
  [[nodiscard]] bool filter_needs_privilege() const { return !filter_.empty() && !process_.no_new_privs; }

  const ProcessPlan& process_;
  std::vector<sock_filter> filter_;
  unsigned filter_flags_;
  std::string path_;
};

/// oom_score_adj of the calling process; what may not be lowered stays.
void set_oom_score_adj(int value);

/// Writes the AppArmor profile that the next exec puts the process under; "unconfined" and empty are none.
void set_apparmor_profile(const std::string& profile);

}  // namespace berth::runtime
