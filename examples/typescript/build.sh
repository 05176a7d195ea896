#!/bin/sh
# Checks the types and builds crm.wasm. Needs Node.js and `frontgate`.
set -eu
cd "$(dirname "$0")"

# Prefer the pinned versions over other installed ones.
if [ -x node_modules/.bin/tsc ] || ! command -v tsc >/dev/null || ! command -v componentize-qjs >/dev/null; then
    # `npm ci` fails on platform packages that componentize-qjs lists but never published.
    [ -x node_modules/.bin/tsc ] ||
        npm install --no-save --no-audit --no-fund --ignore-scripts --loglevel=error
    PATH="$PWD/node_modules/.bin:$PATH"
fi
"${FRONTGATE:-frontgate}" plugin bindings typescript gen --wit wit --world crm-plugin >/dev/null
rm -rf build
tsc --project .
componentize-qjs --wit wit --world crm-plugin --js build/crm.js --module-root build --sync -o crm.wasm.new >/dev/null
mv crm.wasm.new crm.wasm
