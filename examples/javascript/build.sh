#!/bin/sh
# Builds crm.wasm. Needs Node.js.
set -eu
cd "$(dirname "$0")"

if [ -x node_modules/.bin/componentize-qjs ] || ! command -v componentize-qjs >/dev/null; then
    # `npm ci` fails on platform packages that componentize-qjs lists but never published.
    [ -x node_modules/.bin/componentize-qjs ] ||
        npm install --no-save --no-audit --no-fund --ignore-scripts --loglevel=error
    PATH="$PWD/node_modules/.bin:$PATH"
fi
componentize-qjs --wit wit --world crm-plugin --js src/crm.js --module-root src --sync -o crm.wasm.new >/dev/null
mv crm.wasm.new crm.wasm
