#!/usr/bin/env bash
# Runs the fault programs for longer than the tests do: contrib/hostile-day.sh DURATION [WORD…]
#
# Each program that can go on does so for DURATION (30s, 10m, 1h), one after the other; each of the others runs once. With words,
# only those that have one of them in their name: `contrib/hostile-day.sh 1h soak`. What cannot be done here is SKIPPED and says
# why; what was done is in the lines that begin with FIGURES. The exit status is 0 if everything has held.
#
# contrib/fuzz.sh does the same for the parsers, with coverage as its guide.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || { sed -n '2,/^set/{s/^# \{0,1\}//p}' "$0" >&2; exit 2; }
export P2P_FAULTS_FOR=$1
shift

# the program as it is installed, not as it is built for tests
cargo test --locked --release --no-fail-fast --test faults --test fuzz -- --test-threads=1 "$@"
