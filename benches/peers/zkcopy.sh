#!/usr/bin/env bash
# Times zkcopy and zkreplicator on the same servers and trees, in turn, and prints the ratio.
#
#     benches/peers/zkcopy.sh JAR [options of benches/line.rs: --tree, --znodes, --runs, --out ...]
set -euo pipefail

if [ $# -lt 1 ] || [ ! -f "$1" ]; then
  printf 'usage: %s ZKCOPY_JAR [options of benches/line.rs]; how to get the jar: benches/peers/README.md\n' "$0" >&2
  exit 2
fi
jar=$(realpath "$1")
shift
command -v java >/dev/null || { printf 'java is not installed: zkcopy can not run\n' >&2; exit 2; }

cd "$(dirname "$0")/../.."
cargo build --release --locked -p replicator
exec cargo bench --locked -p benches --bench line -- --runs 3 "$@" --peer-jar "$jar"
