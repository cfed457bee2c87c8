#!/usr/bin/env bash
# Checks that p2p compiles for the systems on which nobody tests it: contrib/check-platforms.sh [TARGET…]
#
# What is checked is our own code and that of our crates, with all lints. Nothing is linked or run, so what is compiled from
# C does not matter: a compiler that writes empty files stands in for that of each target. Neither Apple's SDK nor another
# cross compiler is needed.
#
# A target that cannot be had is SKIPPED, and says why. The exit status is 1 if a check fails.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- x86_64-apple-darwin x86_64-unknown-freebsd x86_64-pc-windows-gnu

stand_in=$(mktemp -d)
trap 'rm -r "$stand_in"' EXIT
# cc … -o FILE
cat > "$stand_in/cc" <<'END'
#!/bin/sh
while [ $# -gt 1 ]; do
    [ "$1" != -o ] || : > "$2"
    shift
done
END
# ar FLAGS… FILE.a OBJECT…
cat > "$stand_in/ar" <<'END'
#!/bin/sh
for file; do
    case $file in
    *.a) printf '!<arch>\n' > "$file" ;;
    esac
done
END
chmod +x "$stand_in/cc" "$stand_in/ar"

# whether the standard library of a target is here, now or after asking for it
has() {
    [ -n "$(find "$(rustc --print sysroot)/lib/rustlib/$1/lib" -name 'libstd-*.rlib' 2>/dev/null)" ]
}

status=0
for target; do
    if ! has "$target"; then
        command -v rustup >/dev/null || { echo "$target: SKIPPED: it needs rustup"; continue; }
        rustup target add "$target" || true
        has "$target" || { echo "$target: SKIPPED: rustup cannot get it"; continue; }
    fi
    cargo fetch --locked --target "$target" || { echo "$target: SKIPPED: its crates cannot be fetched"; continue; }
    name=${target//-/_}
    if env "CC_$name=$stand_in/cc" "AR_$name=$stand_in/ar" \
        cargo clippy --locked --target "$target" "--target-dir=${CARGO_TARGET_DIR:-target}/platforms" -- -D warnings; then
        echo "$target: right"
    else
        echo "$target: FAILED"
        status=1
    fi
done
exit $status
