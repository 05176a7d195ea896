#!/bin/sh
# Builds starter-name.wasm. Needs rustup's cargo, and adds the target wasm32-wasip2.
set -eu
cd "$(dirname "$0")"

command -v rustup >/dev/null || { echo "$0: this needs Rust, from https://rustup.rs" >&2; exit 1; }
target=wasm32-wasip2
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
    rustup target add "$target"
fi
cargo build --quiet --release --target "$target"
# The rename is atomic: a gateway that watches this folder never sees a partial file.
cp "${CARGO_TARGET_DIR:-target}/$target/release/starter_name.wasm" starter-name.wasm.new
mv starter-name.wasm.new starter-name.wasm
