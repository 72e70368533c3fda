// berth: the command line.
#include <unistd.h>

#include <string>
#include <vector>

#include "cli/cli.hpp"

int main(int count, char** arguments) {
  const auto code = berth::cli::run({arguments, arguments + count}, berth::cli::Console{});
  ::_exit(code);  // Everything is written; destructors of statics would only cost time.
}
