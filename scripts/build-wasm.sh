#!/bin/sh
# Builds the modules of dist/wasm from the CMakeLists.txt that also builds the addon.
set -eu
cd "$(dirname "$0")/.."
. scripts/emscripten.sh
use_emscripten || {
  echo "build-wasm: no Emscripten of $EMSCRIPTEN_WANTED or later on PATH or in $EMSCRIPTEN_PREFIX: npm run setup installs one" >&2
  exit 1
}
# A build tree remembers its compiler: begin anew where that is another one now.
compiler=$(command -v em++)
if [ "$(cat build/wasm/compiler 2>/dev/null)" != "$compiler" ]; then
  rm -rf build/wasm
  mkdir -p build/wasm
  emcmake cmake -S . -B build/wasm -DCMAKE_BUILD_TYPE=Release >build/wasm/configure.log 2>&1 || {
    cat build/wasm/configure.log >&2
    exit 1
  }
  echo "$compiler" >build/wasm/compiler
fi
cmake --build build/wasm --parallel "$(nproc)"
