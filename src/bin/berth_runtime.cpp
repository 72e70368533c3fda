// berth-runtime: Berth's runtime behind the OCI runtime command line, for other engines and for test suites.
#include <string>
#include <vector>

#include "linux/process.hpp"
#include "runtime/cli/command_line.hpp"

int main(int argc, char** argv) {
  berth::kernel::protect_own_program(argv);
  return berth::runtime::cli::run_command_line({argv + 1, argv + argc});
}
