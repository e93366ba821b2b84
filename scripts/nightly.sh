#!/bin/sh
# npm run test:nightly: what takes hours. The properties and the C++ tests on TWILL_TEST_RUNS cases each (default 3000),
# long lives, the sanitizers' builds on a tenth of them, and every fuzzer for TWILL_FUZZ_SECONDS (default 1800). Prints
# what was run and how long it took; goes on after a failure and fails at the end.
set -u
cd "$(dirname "$0")/.."
runs=${TWILL_TEST_RUNS:-3000}
seconds=${TWILL_FUZZ_SECONDS:-1800}
seed=${TWILL_TEST_SEED:-$(date +%s)}
unset TWILL_FUZZ_SECONDS
export TWILL_TEST_SEED="$seed"
failed=

# part <what> <command...>
part() {
  what=$1
  shift
  began=$(date +%s)
  "$@" && outcome=passed || { outcome=FAILED; failed="$failed, $what"; }
  echo "nightly: $what $outcome after $(($(date +%s) - began)) seconds"
}

echo "nightly: $runs cases a property, $seconds seconds a fuzzer, seed $seed (TWILL_TEST_SEED)"
part properties env TWILL_TEST_RUNS="$runs" npx vitest run --testTimeout 7200000 --project '!firefox' test/property
part programs env TWILL_TEST_RUNS="$runs" npx vitest run --testTimeout 7200000 --project once test/native test/fuzz
part lives env TWILL_TEST_RUNS="$runs" npx vitest run --testTimeout 7200000 --project once test/endurance.test.ts
part sanitizers env TWILL_TEST_RUNS=$((runs / 10)) sh scripts/sanitized.sh
part fuzzers sh scripts/fuzz.sh --seconds "$seconds"
[ -z "$failed" ] || { echo "nightly: failed: ${failed#, }" >&2; exit 1; }
