#!/bin/sh
# Runs every target of fuzz/ with coverage as its guide, one after the other, each for so many seconds:
#
#   contrib/fuzz.sh [SECONDS]
#
# Ends with another status than 0 at a finding, whose input is then in fuzz/artifacts. New inputs are kept apart from the
# corpus, in target/fuzz-corpus, so that the next run goes on from them.
set -eu

seconds=${1:-60}
cd "$(dirname "$0")/.."

# what one input may take in memory, and all of a program
malloc_mb=128
rss_mb=1024

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "SKIPPED: fuzzing with coverage: there is no nightly compiler (rustup toolchain install nightly)" >&2
    exit 0
fi
if ! cargo +nightly fuzz --version >/dev/null 2>&1; then
    echo "SKIPPED: fuzzing with coverage: there is no cargo-fuzz (cargo install cargo-fuzz)" >&2
    exit 0
fi

cargo +nightly fuzz build --fuzz-dir fuzz
status=0
for target in $(cargo +nightly fuzz list --fuzz-dir fuzz); do
    found=${CARGO_TARGET_DIR:-target}/fuzz-corpus/$target
    mkdir -p "$found"
    log=$found.log
    if cargo +nightly fuzz run --fuzz-dir fuzz "$target" "$found" "fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -timeout=20 -max_len=8192 -malloc_limit_mb=$malloc_mb -rss_limit_mb=$rss_mb \
        -print_final_stats=1 >"$log" 2>&1
    then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
        echo "FIGURES: $target: $runs executions, $edges edges, nothing found"
    else
        status=1
        tail -n 60 "$log" >&2
        echo "error: a finding of $target, see $log and fuzz/artifacts/$target" >&2
    fi
done
exit $status
