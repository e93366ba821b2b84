# To be sourced. Where Emscripten is; older releases encode relaxed SIMD in a way that no engine accepts.
EMSCRIPTEN_WANTED=3.1.60
EMSCRIPTEN_PREFIX=${TWILL_EMSCRIPTEN:-${XDG_CACHE_HOME:-$HOME/.cache}/twill/emscripten}

# Whether the emcc of directory $1 (with a slash at its end, or '' for PATH) runs and is recent enough.
emcc_is_recent() {
  version=$("${1}emcc" --version 2>/dev/null | sed -n '1s/^emcc[^0-9]*\([0-9.]*\).*/\1/p')
  [ -n "$version" ] && [ "$(printf '%s\n%s\n' "$EMSCRIPTEN_WANTED" "$version" | sort -V | head -n 1)" = "$EMSCRIPTEN_WANTED" ]
}

# Puts a recent Emscripten on PATH, the user's own before ours; fails where there is none.
use_emscripten() {
  emcc_is_recent '' && return 0
  emcc_is_recent "$EMSCRIPTEN_PREFIX/bin/" || return 1
  PATH=$EMSCRIPTEN_PREFIX/bin:$PATH
}
