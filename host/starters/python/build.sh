#!/bin/sh
# Makes starter-name.wasm. Uses the componentize-py on PATH, or puts one into .venv/ (with Python's pip).
set -eu
cd "$(dirname "$0")"

if [ -e .venv/done ]; then
    componentize=.venv/bin/componentize-py
elif command -v componentize-py >/dev/null; then
    componentize=componentize-py
else
    python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check componentize-py==0.25.1
    touch .venv/done
    componentize=.venv/bin/componentize-py
fi

# For editors and type checkers; the plugin itself does not need them.
[ -d gen ] || "$componentize" -d wit -w plugin bindings gen
if ! said=$("$componentize" -d wit -w plugin componentize -p src app -o starter-name.wasm.new 2>&1); then
    printf '%s\n' "$said" >&2
    exit 1
fi
mv starter-name.wasm.new starter-name.wasm
