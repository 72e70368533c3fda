# shellcheck shell=bash disable=SC2154 # sourced by ./dev, which sets top and python
# up, down: a daemon to try Berth with.

# What `up` leaves for `down` in each directory that was not there before.
up_mark=.made-by-dev-up

berth() { "$top/build/release/bin/berth" "$@"; }

daemon_pid() {  # prints the pid of a berthd that runs in this exec root, or fails
  local pid
  pid=$(cat "$exec_root/berthd.pid" 2>/dev/null) || return 1
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = berthd ] && printf '%s\n' "$pid"
}

parse_roots() {  # --data-root DIR --exec-root DIR, for up and down alike
  data_root=/var/lib/berth
  exec_root=/run/berth
  keep_data=false
  while [ $# -gt 0 ]; do
    case $1 in
      --data-root) data_root=${2:?} && shift 2 ;;
      --exec-root) exec_root=${2:?} && shift 2 ;;
      --keep-data) keep_data=true && shift ;;
      *) die "no option \"$1\"" ;;
    esac
  done
  export DOCKER_HOST=unix://$exec_root/berth.sock
}

wait_for_daemon() {  # until it answers, or has gone
  local pid=$1 log=$2 tries
  for tries in $(seq 100); do
    berth version >/dev/null 2>&1 && return 0
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.05
  done
  tail -n 20 "$log" >&2
  die "berthd does not answer after $tries tries; its log is $log"
}

#up: usage: sudo ./dev up [--data-root DIR] [--exec-root DIR]
#up:
#up: Installs what is missing, builds, starts berthd in the background, runs the embedded image "hello" and says what to
#up: type next. Defaults: /var/lib/berth and /run/berth; the log is berthd.log in the exec root.
#up: Does not start a second daemon if one runs there.
dev_up() {
  parse_roots "$@"
  needs_root up
  dev_deps build
  say "building"
  dev_build release
  if daemon_pid >/dev/null; then
    say "berthd runs already, with process ID $(daemon_pid)"
  else
    start_daemon
  fi
  say "berth run --rm hello"
  berth run --rm hello
  cat <<EOF
== to go on
  export DOCKER_HOST=$DOCKER_HOST
  export PATH=$top/build/release/bin:\$PATH
  berth images                       # or docker images: the docker command line works as it is
  sudo ./dev down                    # stops everything again
EOF
}

make_root() {  # DIR MODE: made, and marked as ours to remove, unless it is there
  [ ! -d "$1" ] || return 0
  install -d -m "$2" "$1"
  : >"$1/$up_mark"
}

start_daemon() {
  make_root "$data_root" 0710
  make_root "$exec_root" 0711 # the group of the socket passes through
  local log=$exec_root/berthd.log
  say "starting berthd"
  setsid build/release/bin/berthd -H "$DOCKER_HOST" --data-root "$data_root" --exec-root "$exec_root" \
    </dev/null >>"$log" 2>&1 &
  wait_for_daemon $! "$log"
}

#down: usage: sudo ./dev down [--keep-data] [--data-root DIR] [--exec-root DIR]
#down:
#down: Removes all containers of the daemon that `up` started, stops it, and removes the data root and the exec root if `up`
#down: made them. --keep-data leaves containers, images and both directories where they are, and only stops the daemon.
dev_down() {
  parse_roots "$@"
  needs_root down
  local pid
  # A daemon that was killed has left containers with their shims: another one knows how to remove them.
  if ! daemon_pid >/dev/null && compgen -G "$exec_root/c/*/shim.sock" >/dev/null; then
    start_daemon
  fi
  if pid=$(daemon_pid); then
    $keep_data || remove_containers
    kill -TERM "$pid"
    timeout 30 tail --pid="$pid" -f /dev/null || die "berthd (process ID $pid) has not stopped after 30 s"
    say "berthd stopped"
  else
    say "no berthd runs in $exec_root"
  fi
  $keep_data || remove_what_up_made
}

remove_containers() {
  local ids
  ids=$(berth ps --all --quiet)
  # shellcheck disable=SC2086 # one word per container
  [ -z "$ids" ] || berth rm --force $ids >/dev/null
}

remove_what_up_made() {
  local directory
  for directory in "$data_root" "$exec_root"; do
    [ ! -f "$directory/$up_mark" ] || rm -rf --one-file-system "$directory"
  done
  # The parent of our containers' cgroups, in each hierarchy; one that still has a container's cgroup in it stays.
  for directory in /sys/fs/cgroup/berth /sys/fs/cgroup/*/berth; do
    [ ! -d "$directory" ] || rmdir --ignore-fail-on-non-empty "$directory"
  done
}
