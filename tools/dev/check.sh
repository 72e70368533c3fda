# shellcheck shell=bash disable=SC2154 # sourced by ./dev, which sets top and python
# test, bench, lint, format: what judges a change.

#test: usage: sudo ./dev test [--unit] [--asan] [--e2e] [-- PYTEST-ARGUMENTS]
#test:
#test: Installs what tests need, builds, and runs: unit tests of the release build (--unit), the same under address and
#test: undefined-behaviour sanitizers (--asan), and the end-to-end tests (--e2e), which need root. Default: all three.
#test: What follows -- goes to pytest, e.g. `./dev test --e2e -- -k logs -x`.
#test: Runs all parts that were asked for, even if one fails; exits non-zero if any did.
dev_test() {
  local parts=() failed=()
  while [ $# -gt 0 ]; do
    case $1 in
      --unit | --asan | --e2e) parts+=("${1#--}") && shift ;;
      --) shift && break ;;
      *) die "no option \"$1\"" ;;
    esac
  done
  [ ${#parts[@]} -gt 0 ] || parts=(unit asan e2e)
  [[ " ${parts[*]} " != *" e2e "* ]] || needs_root test
  dev_deps build test
  local part started
  for part in "${parts[@]}"; do
    say "$part"
    started=$SECONDS
    "test_$part" "$@" || failed+=("$part")
    say "$part: $((SECONDS - started)) s"
  done
  [ ${#failed[@]} -eq 0 ] || die "failed: ${failed[*]}"
  say "passed: ${parts[*]}"
}

# `|| return` and no reliance on set -e: it is off inside a command whose result is looked at.
test_unit() { unit_tests release; }
test_asan() { unit_tests asan; }

unit_tests() {
  dev_build "$1" unit_tests || return
  ctest --test-dir "build/$1" --output-on-failure --no-tests=error --parallel "$(nproc)" --progress
}

test_e2e() {
  dev_build release || return
  "$python" -m pytest tests/e2e "$@"
}

#bench: usage: sudo ./dev bench [--quick] [-n NUMBER] [--json FILE] [run|memory|cli|lifecycle]... , or sudo ./dev bench leaks|network
#bench:
#bench: Measures Berth beside the floor program and whatever of docker, podman, runc and crun is installed (`./dev deps bench`
#bench: installs them all), interleaved in one run; prints medians and ratios, and writes build/bench.json.
dev_bench() {
  needs_root bench
  dev_build release programs bench_programs
  exec "$python" bench/run --bin build/release/bin --json build/bench.json "$@"
}

#lint: usage: ./dev lint [--changed] [includes|headers|format|tidy|length]...
#lint:
#lint: Default: all of them. --changed looks only at files that differ from the main branch's last commit.
#lint:   includes  each #include "module/..." is allowed by the module's line berth_module(...)
#lint:   headers   each header compiles by itself
#lint:   format    clang-format would change nothing
#lint:   tidy      clang-tidy on the changed files (all with --all)
#lint:   length    files of more than 500 lines
dev_lint() {
  dev_deps build lint
  [ -f build/debug/compile_commands.json ] || cmake --preset debug >/dev/null
  "$python" tools/lint "$@"
}

#format: usage: ./dev format [FILE]...
#format:
#format: clang-format on these files; default: all C and C++ files of the repository.
dev_format() {
  dev_deps lint
  [ $# -gt 0 ] || mapfile -t -d '' files < <(git ls-files -z '*.c' '*.cpp' '*.hpp')
  [ $# -eq 0 ] || files=("$@")
  clang-format -i "${files[@]}"
}
