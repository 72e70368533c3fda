// berthd: the daemon.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <malloc.h>
#include <cstdio>
#include <thread>

#include "api/routes.hpp"
#include "api/server.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "engine/engine.hpp"

namespace {

using namespace berth;

/// The file with our pid, removed at the end.
class Pidfile {
 public:
  explicit Pidfile(fs::path path) : path_(std::move(path)) {
    make_directories(path_.parent_path());
    write_file(path_, std::to_string(::getpid()));
  }
  Pidfile(const Pidfile&) = delete;
  Pidfile& operator=(const Pidfile&) = delete;
  ~Pidfile() { ::unlink(path_.c_str()); }

 private:
  fs::path path_;
};

/// Signals are taken by one thread with sigwait: all others, started later, inherit the mask.
sigset_t block_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGQUIT, SIGHUP}) ::sigaddset(&set, number);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return set;
}

/// SIGTERM and SIGINT end the daemon, a second one at once; containers go on. SIGHUP changes nothing yet.
void stop_on_signal(sigset_t set, api::Server& server) {
  std::thread{[set, &server] {
    for (bool stopping = false;;) {
      int number = 0;
      if (::sigwait(&set, &number) != 0 || number == SIGHUP) continue;
      if (stopping) ::_exit(1);
      stopping = true;
      log::info("stopping", {{"signal", number}});
      server.stop();
    }
  }}.detach();
}

int run(int argc, char** argv) {
  auto settings = engine::parse_settings(argc, argv);
  log::set_level(log::parse_level(settings.log_level));
  const auto signals = block_signals();
  const auto hosts = settings.hosts;
  const auto pidfile_path = settings.pidfile;
  engine::Engine engine{std::move(settings)};
  api::Server server{[&engine](api::Request& request) { return api::engine_api().answer(request, engine); }};
  for (const auto& host : hosts) server.listen(host);
  const Pidfile pidfile{pidfile_path};
  stop_on_signal(signals, server);
  engine.containers().resume();
  log::info("berthd is ready", {{"version", engine::berth_version}, {"api", engine::api_version}});
  const bool all_ended = server.run();
  log::info("berthd stops, containers go on");
  if (!all_ended) {
    // A request still works with the engine: it is not taken down under its feet. The database is safe at any moment.
    ::unlink(pidfile_path.c_str());
    ::_exit(0);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  // Few arenas: the memory of a thread that ended is used by the next one instead of lying idle.
  ::mallopt(M_ARENA_MAX, 2);
  // Large blocks go back to the kernel when they are freed; by default the limit rises with the largest one ever freed.
  ::mallopt(M_MMAP_THRESHOLD, 256 << 10);
  try {
    return run(argc, argv);
  } catch (...) {
    std::fprintf(stderr, "berthd: %s\n", current_error().what());
    return 1;
  }
}
