#!/usr/bin/env bash
# Makes what a release consists of, for the machine it runs on:
#   contrib/release.sh [--deb] [--tag vVERSION] [DIR]
# DIR (dist/ unless given) then has p2p-VERSION-TARGET.tar.gz, with --deb also the package for Debian, and SHA256SUMS of
# all. --tag is for publishing, and checks first that everything belongs to that version.
# The same commit, compiler and machine give the same bytes.
set -euo pipefail
start=$PWD
cd "$(dirname "$0")/.."

refuse() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

dir=dist
deb=
tag=
while [ $# -gt 0 ]; do
    case $1 in
    --deb) deb=1 ;;
    --tag)
        tag=${2:-}
        [[ $tag == v?* ]] || refuse "--tag wants a tag, as v1.2.3"
        shift
        ;;
    -*) refuse "unknown option $1; there are --deb and --tag vVERSION" ;;
    /*) dir=$1 ;;
    *) dir=$start/$1 ;;
    esac
    shift
done

# the value of a key of [package] in Cargo.toml
package() { sed -n "/^\[package\]/,/^\[/s/^$1 = \"\(.*\)\"\$/\1/p" Cargo.toml; }

version=$(package version)
if [ -n "$tag" ]; then
    [ "$tag" = "v$version" ] || refuse "the tag is $tag, but Cargo.toml has version $version"
    grep -q "^## $version\( \|\$\)" CHANGELOG.md || refuse "CHANGELOG.md has no section \"## $version\""
    debian=$(sed -n '1s/.*(\(.*\)-[^-]*).*/\1/p' contrib/debian/changelog)
    [ "$debian" = "$version" ] || refuse "contrib/debian/changelog begins with $debian, not $version"
    [ -n "$(package repository)" ] ||
        refuse "Cargo.toml has no repository: cargo binstall would not find the archives of a published release"
    [ "$(git rev-parse -q --verify "$tag^{commit}")" = "$(git rev-parse HEAD)" ] ||
        refuse "the commit that is checked out is not that of the tag $tag"
    [ -z "$(git status --porcelain)" ] || refuse "there are changes that are not in the commit of $tag"
fi

# tar of macOS has no --sort; its GNU tar is called gtar
tar=$(command -v gtar || command -v tar)
"$tar" --sort=name --version > /dev/null 2>&1 || refuse "GNU tar is needed"
sum=(sha256sum)
command -v sha256sum > /dev/null || sum=(shasum -a 256)
time=$(git log -1 --format=%ct)

cargo build --release --locked
# where the binary is: CARGO_TARGET_DIR, or what cargo's configuration says
target=$(cargo metadata --locked --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
name=p2p-$version-$(rustc -vV | sed -n 's/^host: //p')

# the licences of all that is linked into the program: each crate with what it says of itself, and its texts
third_party=$target/release/THIRD-PARTY
metadata=$(cargo metadata --locked --format-version 1)
cargo tree --locked --edges normal --no-dedupe --prefix none --format '{p}|{l}' | sort -u |
    while IFS='|' read -r crate licence; do
        crate=${crate% (*}
        [ "${crate% v*}" != p2p ] || continue
        printf '\n==== %s: %s\n' "$crate" "$licence"
        folder=$(grep -o '"[^"]*/'"${crate/ v/-}"'/Cargo.toml"' <<< "$metadata" | head -n 1 | sed 's/^"//; s|/Cargo.toml"$||')
        find "$folder" -maxdepth 1 \( -iname 'licen[cs]e*' -o -iname 'copying*' -o -iname 'copyright*' -o -iname 'notice*' \) -type f |
            sort | while read -r file; do
                printf '\n---- %s\n\n' "${file##*/}"
                cat "$file"
            done
    done > "$third_party"
[ -s "$third_party" ] || refuse "the licences of the dependencies were not found"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/$name"/{completions,man,systemd/system,systemd/user,docs/pictures}
install -m 755 "$target/release/p2p" "$work/$name/"
install -m 644 README.md CHANGELOG.md SECURITY.md LICENSE-MIT LICENSE-APACHE "$third_party" config.example.toml "$work/$name/"
install -m 644 completions/* "$work/$name/completions/"
install -m 644 docs/man/*.1 "$work/$name/man/"
install -m 644 docs/*.md "$work/$name/docs/"
install -m 644 docs/pictures/* "$work/$name/docs/pictures/"
install -m 644 contrib/systemd/system/* "$work/$name/systemd/system/"
install -m 644 contrib/systemd/user/* "$work/$name/systemd/user/"

mkdir -p "$dir"
"$tar" -C "$work" --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mode=go=u-w \
    --mtime="@$time" -cf - "$name" | gzip -9n > "$work/archive"
mv "$work/archive" "$dir/$name.tar.gz"
made=("$name.tar.gz")

if [ -n "$deb" ]; then
    # pinned, as another one may write another package
    version=3.8.0
    cargo_deb=$target/tools/bin/cargo-deb
    if [ "$("$cargo_deb" --version 2> /dev/null)" != "cargo-deb $version" ]; then
        cargo install --locked --version "$version" --root "$target/tools" cargo-deb
    fi
    package=$(SOURCE_DATE_EPOCH=$time "$cargo_deb" --locked --no-build --output "$work/" | tail -n 1)
    mv "$package" "$dir/"
    made+=("${package##*/}")
fi

(cd "$dir" && chmod 644 "${made[@]}" && "${sum[@]}" "${made[@]}" > SHA256SUMS)
printf '%s\n' "${made[@]/#/$dir/}" "$dir/SHA256SUMS"
