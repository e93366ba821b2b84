#!/bin/sh
# Installs a modern Emscripten into a directory of its own on Debian 12, whose packaged one (3.1.6) is too old.
#
# The next stable release packages 3.1.69. Its files are unpacked beside the system, nothing of it is installed: the
# compilers are this release's clang-19 and lld-19, and binaryen, linked against a newer libc, runs through that libc's
# own loader. apt fetches and verifies everything, with lists and state of its own in a scratch directory.
set -eu
cd "$(dirname "$0")/.."
. scripts/emscripten.sh

SUITE=trixie
PACKAGES='emscripten binaryen libc6 libstdc++6 libgcc-s1'

say() { echo "install-emscripten: $*"; }
die() { echo "install-emscripten: $*" >&2; exit 1; }

have_debian() { [ -r /etc/os-release ] && grep -q '^ID=debian' /etc/os-release && command -v apt-get >/dev/null; }
have_debian || die "knows Debian only; put Emscripten $EMSCRIPTEN_WANTED or later (https://emscripten.org) on PATH instead"
for tool in clang-19 wasm-ld-19 llvm-ar-19 python3 node; do
  command -v "$tool" >/dev/null || die "$tool is missing: npm run setup installs it"
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

# --- fetch: from the mirror that this machine's apt uses
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Identifier: Packages' |
  awk -v release="$codename" '$1 == release && $2 == "main" { print $3; exit }')
[ -n "$mirror" ] || die "apt has no lists for $codename main: run apt-get update"

mkdir -p "$scratch/apt/lists/partial" "$scratch/apt/archives/partial" "$scratch/debs" "$scratch/root"
: >"$scratch/apt/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $SUITE main" >"$scratch/apt/sources.list"
cat >"$scratch/apt/apt.conf" <<CONF
Dir::Etc::SourceList "$scratch/apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "$scratch/apt";
Dir::State::Lists "$scratch/apt/lists";
Dir::State::Status "$scratch/apt/status";
Dir::Cache "$scratch/apt";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
say "fetching from Debian $SUITE"
export APT_CONFIG="$scratch/apt/apt.conf"
apt-get update -qq
(cd "$scratch/debs" && apt-get download -qq $PACKAGES)
unset APT_CONFIG

# --- unpack what a build of bare modules needs
sysroot_libs=./usr/share/emscripten/cache/sysroot/lib/wasm32-emscripten
unpack() {
  package=$1
  shift
  dpkg-deb --fsys-tarfile "$scratch/debs/${package}"_*.deb | tar -x -C "$scratch/root" "$@"
}
unpack emscripten --exclude="$sysroot_libs/lto*" --exclude="$sysroot_libs/pic" --exclude="$sysroot_libs/libGL-*emu*" \
  --exclude="$sysroot_libs/libGL*ofb*" --exclude="$sysroot_libs/*san*" --exclude="$sysroot_libs/*-ww*" --exclude=./usr/bin \
  --exclude=./usr/share/emscripten/test --exclude=./usr/share/doc --exclude=./usr/share/man
unpack binaryen --exclude=./usr/share
# A library moved between /lib and /usr/lib in this suite; take it from where it is.
for package in libc6 libstdc++6 libgcc-s1; do
  unpack "$package" --wildcards '*/ld-linux-*.so.*' '*/libc.so.6' '*/libm.so.6' '*/libstdc++.so.6*' '*/libgcc_s.so.1' \
    2>/dev/null || :
done

# --- wire it together at its final place
prefix=$EMSCRIPTEN_PREFIX
libraries=$(cd "$scratch/root" && dirname usr/lib/*/libbinaryen.so)
loader=$(cd "$scratch/root" && ls "$libraries"/ld-linux-*.so.* | head -n 1)
mkdir -p "$scratch/root/binaryen/bin" "$scratch/root/bin"
launcher() { # file, command: a script that runs the command with the script's arguments
  printf '#!/bin/sh\nexec %s "$@"\n' "$2" >"$1"
  chmod 755 "$1"
}
for tool in "$scratch"/root/usr/bin/wasm*; do
  name=${tool##*/}
  launcher "$scratch/root/binaryen/bin/$name" \
    "\"$prefix/$loader\" --library-path \"$prefix/$libraries\" --argv0 \"\$0\" \"$prefix/usr/bin/$name\""
done
home=usr/share/emscripten
for tool in emcc em++ emar emranlib emnm emcmake emmake; do
  launcher "$scratch/root/bin/$tool" "\"$prefix/$home/$tool\""
done
cat >"$scratch/root/$home/.emscripten" <<CONF
LLVM_ROOT = '/usr/bin'
LLVM_ADD_VERSION = '19'
CLANG_ADD_VERSION = '19'
BINARYEN_ROOT = '$prefix/binaryen'
NODE_JS = '$(command -v node)'
FROZEN_CACHE = True
CONF

rm -rf "$prefix"
mkdir -p "$(dirname "$prefix")"
mv "$scratch/root" "$prefix"
emcc_is_recent "$prefix/bin/" || die "what was installed in $prefix does not run"
say "Emscripten $version is in $prefix ($(du -sh "$prefix" | cut -f 1))"
