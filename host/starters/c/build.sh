#!/bin/sh
# Builds starter-name.wasm. Uses zig of this version from PATH, or installs it into .venv/ with pip. Uses frontgate for
# the bindings and for the last step.
set -eu
cd "$(dirname "$0")"

need() { command -v "$1" >/dev/null || { echo "$0: this needs $2" >&2; exit 1; }; }
frontgate="${FRONTGATE:-frontgate}"
need "$frontgate" "frontgate on the PATH, or its path in FRONTGATE"
version=0.16.0
fits() { [ "$("$@" version 2>/dev/null)" = "$version" ]; }
zig=".venv/bin/python -m ziglang"
if ! fits $zig && fits zig; then
    zig=zig
elif ! fits $zig; then
    need python3 "Python 3, whose pip has zig"
    echo "installing zig $version into .venv" >&2
    python3 -m venv --clear .venv
    .venv/bin/pip install --quiet --disable-pip-version-check "ziglang==$version"
fi

"$frontgate" plugin bindings c gen --wit wit >/dev/null
# Without this size the stack would take 16 MiB in every call.
$zig cc -target wasm32-wasi -mexec-model=reactor -Os -s -Wall -Wl,-z,stack-size=65536 -Igen -Isrc \
    -o gen/core.wasm src/*.c gen/plugin.c gen/plugin_component_type.o
"$frontgate" plugin componentize gen/core.wasm --wit wit -o starter-name.wasm >/dev/null
