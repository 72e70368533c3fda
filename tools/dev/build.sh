# shellcheck shell=bash disable=SC2154 # sourced by ./dev, which sets top and python
# deps, build, clean: packages and build trees.

#deps: usage: ./dev deps [build|test|bench|lint]...
#deps:
#deps: Installs with apt-get the packages of packaging/packages-<name>.txt that are missing; default: build.
#deps: Does nothing, and needs neither root nor network, when all are there.
dev_deps() {
  local name missing=()
  [ $# -gt 0 ] || set -- build
  for name; do
    [ -f "packaging/packages-$name.txt" ] || die "no package list \"$name\""
    local package
    while read -r package; do
      [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done < <(sed 's/#.*//; s/[[:space:]]//g; /^$/d' "packaging/packages-$name.txt")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  needs_root deps
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

#build: usage: ./dev build [PRESET] [TARGET]...
#build:
#build: Configures and compiles build/<preset>; presets: release (default), debug, asan (address and undefined behaviour).
#build: Without targets: the programs, which end up in build/<preset>/bin.
dev_build() {
  local preset=${1:-release}
  [ $# -eq 0 ] || shift
  [ $# -gt 0 ] || set -- programs
  dev_deps build
  if [ ! -f "build/$preset/build.ninja" ]; then
    cmake --preset "$preset" >/dev/null || return
  fi
  # NINJA_STATUS: one line per step would be the whole log of a machine without a terminal.
  if [ -t 1 ]; then
    ninja -C "build/$preset" "$@"
  else
    ninja -C "build/$preset" --quiet "$@"
  fi
}

#clean: usage: ./dev clean
#clean:
#clean: Removes build/ and the caches of tests and lint. The packages stay.
dev_clean() {
  rm -rf build .cache .pytest_cache
  find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
}
