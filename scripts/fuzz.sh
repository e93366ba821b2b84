#!/bin/sh
# npm run fuzz -- --seconds 60: libFuzzer on the check of programs and on what it accepts (test/native/program_fuzz.cc), on
# every instruction set that this machine has, then the readers of files (test/fuzz), for so long each. Finds are kept in
# build/fuzz/found: what breaks goes to test/native/findings or test/fuzz, mended. `native` or `files` as an argument
# runs the one alone.
set -eu
cd "$(dirname "$0")/.."
. scripts/clang.sh

seconds=60
parts=
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=${2:?fuzz: --seconds needs a number}; shift ;;
    native | files) parts="$parts $1" ;;
    *) echo "fuzz: '$1' is none of --seconds N, native, files" >&2; exit 2 ;;
  esac
  shift
done

# What is found is kept from run to run, and begins with programs of drawn networks.
fuzz_native() {
  clang_with -fsanitize=fuzzer-no-link,address,undefined -fopenmp
  CXX=$CLANG cmake -S . -B build/fuzz/native -DTWILL_SANITIZE=fuzzer-no-link,address,undefined \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O1 -DTWILL_TEST_DIRECTORY="$PWD/build/fuzz/test" \
    -DTWILL_ADDON_DIRECTORY="$PWD/build/fuzz/addon" >build/fuzz/configure.log 2>&1 || { cat build/fuzz/configure.log >&2; exit 1; }
  cmake --build build/fuzz/native --target program_fuzz --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"
  [ -n "$(ls build/fuzz/corpus)" ] || TWILL_FUZZ_CORPUS=$PWD/build/fuzz/corpus npx vitest run --project once test/native/corpus.test.ts
  for isa in $(node -p "require('./build/Release/twill.node').instructionSets.join(' ')"); do
    echo "fuzz: programs on $isa for $seconds seconds"
    OMP_WAIT_POLICY=passive "build/fuzz/test/program_fuzz_$isa" -max_total_time="$seconds" -max_len=65536 -len_control=0 \
      -timeout=120 -report_slow_units=60 -rss_limit_mb=2048 -artifact_prefix=build/fuzz/found/ -print_final_stats=1 -verbosity=0 build/fuzz/corpus
  done
}

mkdir -p build/fuzz/corpus build/fuzz/found
for part in ${parts:-native files}; do
  case $part in
    native) fuzz_native ;;
    files) TWILL_FUZZ_SECONDS=$seconds npx vitest run --project once test/fuzz ;;
  esac
done
