#!/bin/sh
# Builds crm.wasm. Needs rustup.
set -eu
cd "$(dirname "$0")"

rustup target list --installed | grep -qx wasm32-wasip2 || rustup target add wasm32-wasip2
cargo build --quiet --locked --release --target wasm32-wasip2
cp "${CARGO_TARGET_DIR:-target}/wasm32-wasip2/release/crm.wasm" crm.wasm.new
mv crm.wasm.new crm.wasm
