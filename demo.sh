#!/usr/bin/env bash
# Copies a real Apache Pegasus metadata tree, and a generated one of 100,000 znodes, between two throwaway ZooKeeper
# servers, and verifies both. Installs what is missing first (scripts/setup.sh) and stops everything at the end.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=scripts/setup.sh
. scripts/setup.sh
setup
cargo build --release --locked -p replicator -p tests --bin zkreplicator --bin demo
# Cargo knows best where it built: CARGO_TARGET_DIR and its configuration both count.
target=$(cargo metadata --no-deps --locked --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
ZKREPLICATOR_BIN="$target/release/zkreplicator" exec "$target/release/demo" "$@"
