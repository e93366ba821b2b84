#!/bin/sh
# npm run setup: brings a machine with Node and nothing else to where everything builds and every test runs, then
# builds. What is there already is left alone, so that a second run takes seconds.
set -eu
cd "$(dirname "$0")/.."
. scripts/emscripten.sh

say() { echo "setup: $*"; }
die() { echo "setup: $*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Debian packages that provide what is missing.
missing_packages() {
  have g++ || echo g++
  have make || echo make
  have cmake || echo cmake
  have clang-format-19 || echo clang-format-19
  have flock || echo util-linux
  have zsh || echo zsh # completes the command line in a test, as fish does
  have fish || echo fish
  [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
  [ -e /usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz ] || echo dataset-fashion-mnist
  [ -x "${CHROMIUM:-/usr/bin/chromium}" ] || echo chromium
  # What npm run test:firefox and npm run test:install need beyond npm test.
  if [ "${TWILL_SETUP:-}" = firefox ]; then
    [ -x "${FIREFOX:-/usr/bin/firefox-esr}" ] || echo firefox-esr
  fi
  if [ "${TWILL_SETUP:-}" = install ]; then
    have qemu-aarch64 || echo qemu-user
    have aarch64-linux-gnu-g++ || echo g++-aarch64-linux-gnu
  fi
  if ! use_emscripten; then
    have python3 || echo python3
    have clang-19 || echo clang-19
    have wasm-ld-19 || echo lld-19
    have llvm-ar-19 || echo llvm-19
  fi
}

install_packages() {
  packages=$(missing_packages | tr '\n' ' ')
  [ -n "$packages" ] || return 0
  have apt-get || die "this machine has no apt-get; install by hand what these Debian packages hold: $packages"
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || die "needs root once, for: apt-get install --no-install-recommends $packages"
    as_root=sudo
  fi
  say "installing $packages"
  # apt waits for another one's lock on packages by itself, but not for one on the lists.
  for pause in 5 10 20 40 0; do
    $as_root apt-get update -qq </dev/null && break
    [ "$pause" -gt 0 ] || die "apt-get update failed"
    sleep "$pause"
  done
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq \
    --no-install-recommends $packages </dev/null >/dev/null
}

# npm writes node_modules/.package-lock.json last. Scripts stay out: the build below does what they would.
install_node_modules() {
  [ node_modules/.package-lock.json -nt package-lock.json ] && return 0
  say "installing node_modules"
  npm ci --ignore-scripts --no-audit --no-fund </dev/null
}

# One setup at a time: npm ci and the builds replace what another one would be reading.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/twill
mkdir -p "$cache"
if have flock && [ "${TWILL_SETUP_LOCKED:-}" != 1 ]; then
  TWILL_SETUP_LOCKED=1 exec flock "$cache/setup.lock" sh scripts/setup.sh
fi

have node || die "needs Node 20 or later"
node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' || die "needs Node 20 or later, not $(node --version)"
install_packages
use_emscripten || sh scripts/install-emscripten.sh
install_node_modules
CMAKE_BUILD_PARALLEL_LEVEL=$(nproc) npm run build
