# To be sourced. The newest clang++ here that can build what is asked for: Debian has several, each with packages of its
# own for the sanitizers and OpenMP, and none of them by the plain name.

# clang_with <flags>: sets CLANG to one that links a program with these flags, or ends with what to install.
clang_with() {
  for CLANG in clang++ $(seq -f 'clang++-%g' 29 -1 14); do
    command -v "$CLANG" >/dev/null 2>&1 || continue
    links "$@" && return 0
  done
  cat >&2 <<TEXT
$(basename "$0"): needs a clang++ that takes $*. Debian has it as: apt-get install clang-19 libclang-rt-19-dev libomp-19-dev
(another version from 14 on does as well; all three packages must be of the same one)
TEXT
  exit 1
}

links() {
  directory=$(mktemp -d)
  echo 'int main() {}' >"$directory/empty.cc"
  "$CLANG" "$@" "$directory/empty.cc" -o "$directory/empty" >/dev/null 2>&1 && status=0 || status=1
  rm -r "$directory"
  return $status
}
