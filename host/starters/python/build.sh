#!/bin/sh
# Builds starter-name.wasm. Uses componentize-py of this version from PATH, or installs it into .venv/ with pip.
set -eu
cd "$(dirname "$0")"

version=0.25.1
fits() { [ "$("$1" --version 2>/dev/null)" = "componentize-py $version" ]; }
componentize=.venv/bin/componentize-py
if ! fits "$componentize" && fits componentize-py; then
    componentize=componentize-py
elif ! fits "$componentize"; then
    command -v python3 >/dev/null || { echo "$0: this needs Python 3.8 or newer, with venv" >&2; exit 1; }
    echo "installing componentize-py $version into .venv" >&2
    python3 -m venv --clear .venv
    .venv/bin/pip install --quiet --disable-pip-version-check "componentize-py==$version"
fi

# Hides the runtime's stack frames, which would bury Python's error message.
unset RUST_BACKTRACE
# For editors and type checkers. The build does not need them.
[ -d gen ] || "$componentize" -d wit -w plugin bindings gen
if ! said=$("$componentize" -d wit -w plugin componentize -p src app -o starter-name.wasm.new 2>&1); then
    printf '%s\n' "$said" >&2
    exit 1
fi
mv starter-name.wasm.new starter-name.wasm
