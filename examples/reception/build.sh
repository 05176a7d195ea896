#!/bin/sh
# Builds reception.wasm. Needs Python 3.10 or newer.
set -eu
cd "$(dirname "$0")"

if command -v componentize-py >/dev/null; then
    componentize=componentize-py
else
    componentize=.venv/bin/componentize-py
    [ -x "$componentize" ] || { python3 -m venv .venv && .venv/bin/pip install --quiet componentize-py==0.25.1; }
fi
"$componentize" --quiet -d wit -w reception componentize -p src app -o reception.wasm.new
mv reception.wasm.new reception.wasm
