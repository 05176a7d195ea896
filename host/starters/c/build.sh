#!/bin/sh
# Makes starter-name.wasm. Uses the zig on PATH, or puts one into .venv/ (with Python's pip), and frontgate for the
# bindings and for the last step.
set -eu
cd "$(dirname "$0")"

frontgate="${FRONTGATE:-frontgate}"
if [ -e .venv/done ]; then
    zig=".venv/bin/python -m ziglang"
elif command -v zig >/dev/null; then
    zig=zig
else
    python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check ziglang==0.16.0
    touch .venv/done
    zig=".venv/bin/python -m ziglang"
fi

"$frontgate" plugin bindings c gen --wit wit >/dev/null
# Without a size of its own, the stack would take 16 MiB at every call.
$zig cc -target wasm32-wasi -mexec-model=reactor -Os -s -Wall -Wl,-z,stack-size=65536 -Igen -Isrc \
    -o gen/core.wasm src/*.c gen/plugin.c gen/plugin_component_type.o
"$frontgate" plugin componentize gen/core.wasm --wit wit -o starter-name.wasm >/dev/null
