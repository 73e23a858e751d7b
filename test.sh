#!/usr/bin/env bash
# Every test, against real ZooKeeper servers. Installs what is missing first (scripts/setup.sh).
# Arguments go to `cargo test`: ./test.sh -p tests --test it copy
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=scripts/setup.sh
. scripts/setup.sh
setup --browser
exec cargo test --workspace --locked "$@"
