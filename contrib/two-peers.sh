#!/bin/sh
# Two peers on this machine: builds p2p, starts a listener for alice and one for bob, and lets alice tell bob something.
# Everything it makes is in a temporary directory, and gone at the end.
set -eu
cd "$(dirname "$0")/.."
cargo build --release --locked
p2p=${CARGO_TARGET_DIR:-target}/release/p2p
homes=$(mktemp -d)
alice=
bob=
end() {
    for pid in $alice $bob; do kill "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$homes"
}
trap end EXIT

# a listener says on stderr when it is ready, and where
wait_until_ready() {
    until grep '^listening on ' "$homes/$1.log"; do
        kill -0 "$2"
        sleep 0.05
    done
}

printf '\n$ p2p --home bob --name bob listen -p 0 > heard &\n'
"$p2p" --home "$homes/bob" --name bob listen -p 0 -b 127.0.0.1 > "$homes/heard" 2> "$homes/bob.log" &
bob=$!
wait_until_ready bob "$bob"
port=$(sed 's/.*:\([0-9]*\) as bob$/\1/' "$homes/bob.log")

printf '\n$ p2p --home alice --name alice listen -p 0 &\n'
"$p2p" --home "$homes/alice" --name alice listen -p 0 -b 127.0.0.1 2> "$homes/alice.log" &
alice=$!
wait_until_ready alice "$alice"

printf '\n$ p2p --home alice --verbose send :%s Hello, Bob\n' "$port"
"$p2p" --home "$homes/alice" --verbose send ":$port" Hello, Bob 2>&1

printf '\n$ cat heard     # what bob got: address, name, text\n'
cat "$homes/heard"

printf '\n$ p2p --home bob peers\n'
"$p2p" --home "$homes/bob" peers
