#!/bin/sh
# Formats the C++ sources; with --check only tells which are not formatted, and fails if there are any.
set -eu
cd "$(dirname "$0")/.."
mode=-i
[ "${1:-}" = --check ] && mode='--dry-run --Werror'
git ls-files 'native/*.cc' 'native/*.h' 'native/*.inc' 'wasm/*.cc' 'bench/*.cc' 'test/*.cc' | xargs clang-format-19 $mode
