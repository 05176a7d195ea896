#!/bin/sh
# Builds plugins/echo-channel.wasm. A running gateway loads it at once.
set -eu
cd "$(dirname "$0")"
cargo build --quiet --profile quick --target wasm32-wasip2
cp "${CARGO_TARGET_DIR:-../../target}/wasm32-wasip2/quick/echo_channel.wasm" ../echo-channel.wasm.new
# Renamed, so that the gateway never reads half a file.
mv ../echo-channel.wasm.new ../echo-channel.wasm
