#!/bin/sh
# Builds starter-name.wasm. Needs Node 20 or newer, installs the compilers into node_modules/, and uses frontgate for
# the contract's types.
set -eu
cd "$(dirname "$0")"

need() { command -v "$1" >/dev/null || { echo "$0: this needs $2" >&2; exit 1; }; }
frontgate="${FRONTGATE:-frontgate}"
need "$frontgate" "frontgate on the PATH, or its path in FRONTGATE"
tools=node_modules/.bin
if [ -x "$tools/componentize-qjs" ]; then
    PATH="$PWD/$tools:$PATH"
elif ! { command -v componentize-qjs && command -v tsc; } >/dev/null; then
    need npm "Node 20 or newer, with npm"
    npm install --no-audit --no-fund --loglevel=error
    PATH="$PWD/$tools:$PATH"
fi

"$frontgate" plugin bindings typescript gen --wit wit >/dev/null
tsc --project .
# --sync: asynchronous components need a gateway that supports them.
if ! said=$(componentize-qjs --wit wit --world plugin --js gen/js/plugin.js --sync --output starter-name.wasm.new 2>&1)
then
    printf '%s\n' "$said" >&2
    exit 1
fi
mv starter-name.wasm.new starter-name.wasm
