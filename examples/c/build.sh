#!/bin/sh
# Builds crm.wasm. Needs `frontgate`, and Python for the compiler unless `zig` is there.
set -eu
cd "$(dirname "$0")"

if command -v zig >/dev/null; then
    zig=zig
else
    [ -x .tools/bin/python-zig ] || { python3 -m venv .tools && .tools/bin/pip install --quiet ziglang==0.16.0; }
    zig=.tools/bin/python-zig
fi

frontgate="${FRONTGATE:-frontgate}"
"$frontgate" plugin bindings c gen --wit wit --world crm-plugin >/dev/null
"$zig" cc -target wasm32-wasi -mexec-model=reactor -std=c17 -Wall -Wextra -Os -s -Wl,-z,stack-size=65536 \
    -Igen -o gen/core.wasm src/*.c gen/crm_plugin.c gen/crm_plugin_component_type.o
"$frontgate" plugin componentize gen/core.wasm --wit wit --world crm-plugin -o crm.wasm.new >/dev/null
mv crm.wasm.new crm.wasm
