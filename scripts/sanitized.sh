#!/bin/sh
# npm run test:sanitized: the kernels' and the runtime's own tests (test/native) built anew so that a read or write out
# of place (g++ with ASan), arithmetic that C++ does not define (UBSan) and a race of threads (clang with TSan) end them.
# `address` or `thread` as an argument runs the one alone. TWILL_TEST_RUNS draws as many networks as it says.
set -eu
cd "$(dirname "$0")/.."
. scripts/clang.sh

# configure <name> <sanitizers>: a build tree of its own. -O1: g++ takes minutes and a gigabyte for a kernel with more.
configure() {
  cmake -S . -B "build/sanitized/$1" -DTWILL_SANITIZE="$2" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O1 \
    -DTWILL_TEST_DIRECTORY="$PWD/build/sanitized/$1/test" -DTWILL_ADDON_DIRECTORY="$PWD/build/sanitized/$1/addon" \
    >"build/sanitized/$1.log" 2>&1 || { cat "build/sanitized/$1.log" >&2; exit 1; }
}

# check <name>: builds, and runs the tests over the programs that test/native/networks.ts draws.
check() {
  echo "sanitized: $1"
  cmake --build "build/sanitized/$1" --target native_tests --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"
  TWILL_NATIVE_TESTS="$PWD/build/sanitized/$1/test/" npx vitest run --project once test/native
}

mkdir -p build/sanitized
for kind in ${*:-address thread}; do
  case $kind in
    address)
      CXX=g++ configure address address,undefined
      check address
      ;;
    thread)
      # libomp, and not GCC's: its tool Archer tells TSan who waits for whom in OpenMP. TSan sees accesses of up to 16
      # bytes: those of sse2's (or NEON's) kernels all, of wider vectors none.
      clang_with -fsanitize=thread -fopenmp
      archer=$("$CLANG" -print-file-name=libarcher.so)
      CXX=$CLANG configure thread thread
      export OMP_TOOL_LIBRARIES="$archer" TSAN_OPTIONS="ignore_noninstrumented_modules=1 ${TSAN_OPTIONS:-}"
      check thread
      ;;
    *)
      echo "sanitized: '$kind' is neither address nor thread" >&2
      exit 2
      ;;
  esac
done
