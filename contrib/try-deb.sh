#!/usr/bin/env bash
# Tries the package for Debian: builds it, installs it in a new system of this machine's release, and looks whether all
# that it brings works there: program, manual, completion in three shells, units, and that a purge takes it away again.
# It needs root, debootstrap and the mirror that apt has here; without them it is passed over, unless P2P_REQUIRE_DEB=1.
# The new system lives in mount and process namespaces of its own, so that nothing of it outlives this script.
set -euo pipefail
cd "$(dirname "$0")/.."

# fish, man and systemd are there to be tried; tmux is the terminal that the shells are tried in
packages=bash-completion,zsh,fish,man-db,systemd,tmux
# how long one thing may take, on a busy machine
deadline=60

fail() {
    printf 'FAILED: %s\n' "$1" >&2
    exit 1
}

skip() {
    [ "${P2P_REQUIRE_DEB:-}" != 1 ] || fail "the package cannot be tried: $1"
    printf 'SKIPPED: %s\n' "$1"
    exit 0
}

began=$SECONDS
part=
# begins a part, and says how long the one before it took
part() {
    [ -z "$part" ] || printf '%4d s  %s\n' $((SECONDS - began)) "$part"
    began=$SECONDS
    part=${1:-}
}

# runs a command, and shows what it says only if it fails
check() {
    local what=$1
    shift
    "$@" > "$work/said" 2>&1 < /dev/null || {
        cat "$work/said" >&2
        fail "$what"
    }
}

# the same for a command that has to be silent, too
check_silent() {
    check "$@"
    [ ! -s "$work/said" ] || {
        cat "$work/said" >&2
        fail "$1: it says something"
    }
}

in_root() {
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM=screen \
        DEBIAN_FRONTEND=noninteractive "$@"
}

# as somebody who uses p2p, in the home directory
as_user() {
    chroot --userspec=tester:tester "$root" /usr/bin/env -i --chdir=/home/tester PATH=/usr/bin:/bin HOME=/home/tester \
        USER=tester LC_ALL=C.UTF-8 TERM=screen "$@"
}

says_version() { as_user p2p --version | grep '^p2p [0-9]'; }

man_page() {
    as_user env MANPAGER=cat MANWIDTH=80 man "$1" > "$work/page" &&
        grep -qi "^ *$1 " "$work/page"
}

pages_are_sound() {
    local page
    for page in "$root"/usr/share/man/man1/p2p*.1.gz; do
        in_root man --warnings -E UTF-8 -l "${page#"$root"}" > /dev/null || return
    done
}

# types into a shell, with TAB where @ is, and waits for the line that is then on its screen
typed() {
    local shell=$1 typed=$2 want=$3 until screen
    # a terminal of its own for each, as kill-server does not wait for the end of the one before
    local tmux=(as_user tmux -L "${shell% -i}-${want##* }")
    "${tmux[@]}" -u -f /dev/null new-session -d -x 120 -y 30 "$shell"
    until=$((SECONDS + deadline))
    until screen=$("${tmux[@]}" capture-pane -p) && grep -q '[$%>] *$' <<< "$screen"; do
        [ $SECONDS -lt $until ] || { printf 'no prompt:\n%s\n' "$screen"; return 1; }
        sleep 0.1
    done
    # what comes after TAB tells what was put into the line from what is only suggested
    "${tmux[@]}" send-keys "${typed%@}" Tab ended
    until=$((SECONDS + deadline))
    until screen=$("${tmux[@]}" capture-pane -p) && grep -q "$want ended\$" <<< "$screen"; do
        [ $SECONDS -lt $until ] || { printf 'not on the screen: %s ended\n%s\n' "$want" "$screen"; return 1; }
        sleep 0.1
    done
    "${tmux[@]}" kill-server
}

two_peers() {
    # shellcheck disable=SC2016
    as_user bash -c '
        set -euo pipefail
        exec 3< <(exec p2p --home bob --name bob listen -p 0 -b 127.0.0.1 -1 -t 1m 2>&1 > heard)
        listener=$!
        read -r -t 60 line <&3
        echo "$line"
        port=${line#listening on 127.0.0.1:}
        p2p --home alice --name alice send ":${port%% *}" Hello, Bob
        wait $listener
        cat heard <&3
        [ "$(cut -d" " -f3- heard)" = "Hello, Bob" ]
    '
}

is_disabled() {
    local state
    state=$(in_root systemctl "$@") || true
    [ "$state" = disabled ] || { echo "$state"; return 1; }
}

# what a purge must not touch; the fish that was tried may still be making its own files of completions
state_of_user() {
    (cd "$root/home/tester" && find . -type f ! -path '*/fish/generated_completions/*' -exec sha256sum {} + | sort)
}

left_behind() {
    local path found=0
    while read -r path; do
        case $path in
        # directories of others stay
        */p2p* | */_p2p) ;;
        *) [ ! -d "$root$path" ] || continue ;;
        esac
        [ ! -e "$root$path" ] || { echo "$path"; found=1; }
    done < "$work/ours"
    # and what nobody has listed, as links of enabled units
    # (man keeps the pages that it has shown for a while)
    find "$root" -xdev \( -path "$root/home" -o -path "$root/var/cache/man" -o -path "$root/p2p.deb" \) -prune -o -name '*p2p*' -print > "$work/named"
    [ ! -s "$work/named" ] || { cat "$work/named"; found=1; }
    return $found
}

# all that happens in the new system; called in its namespaces
inside() {
    part "debootstrap"
    check "debootstrap cannot make a system" debootstrap --variant=minbase --components="$components" \
        --include="$packages" --cache-dir="$cache" "$VERSION_CODENAME" "$root" "$mirror"
    mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
    in_root useradd --create-home --shell /bin/bash tester
    echo 'autoload -Uz compinit && compinit' > "$root/home/tester/.zshrc"

    part "installation"
    cp "$work"/dist/p2p_*.deb "$root/p2p.deb"
    check "apt cannot install the package" in_root apt-get install -qy --no-install-recommends /p2p.deb
    in_root dpkg -L p2p > "$work/ours"
    check "p2p --version does not say a version" says_version
    check "the user of the system's listener was not made" in_root getent passwd p2p
    check "p2p.service is enabled after the installation" is_disabled is-enabled p2p.service
    check "p2p.socket is enabled after the installation" is_disabled is-enabled p2p.socket
    check "the user's p2p.service is enabled after the installation" is_disabled --global is-enabled p2p.service

    part "manual"
    check "man p2p shows no page" man_page p2p
    check "man p2p-send shows no page" man_page p2p-send
    check_silent "a manual page has mistakes" pages_are_sound

    part "two peers"
    check "a message does not arrive" two_peers
    check "a peer cannot be entered" as_user p2p peers add zebra 127.0.0.1:5001

    part "completion"
    local shell
    for shell in "bash -i" "zsh -i" "fish -i"; do
        check "TAB in ${shell% -i} does not complete a command" typed "$shell" "p2p se@" "p2p send"
        check "TAB in ${shell% -i} does not offer a peer" typed "$shell" "p2p send zeb@" "p2p send zebra"
    done

    part "units"
    check_silent "the user's unit is not sound" in_root env XDG_RUNTIME_DIR=/run/user systemd-analyze verify --user \
        /usr/lib/systemd/user/p2p.service
    check_silent "the units of the system are not sound" in_root systemd-analyze verify \
        /usr/lib/systemd/system/p2p.service /usr/lib/systemd/system/p2p.socket

    part "purge"
    # as somebody who used it would have
    check "the units cannot be enabled" in_root systemctl enable p2p.service p2p.socket
    check "the user's unit cannot be enabled" in_root systemctl --global enable p2p.service
    state_of_user > "$work/before"
    grep -q /p2p/peers "$work/before" || fail "there is no state of the user that a purge could touch"
    check "the package cannot be purged" in_root apt-get purge -qy p2p
    check "a purge leaves files" left_behind
    check "a purge has changed the user's files" diff "$work/before" <(state_of_user)
    part
}

if [ "${1:-}" = --inside ]; then
    inside
    exit
fi

[ "$(id -u)" = 0 ] || skip "only root can make a new system"
for tool in debootstrap unshare chroot dpkg-shlibdeps apt-get; do
    command -v "$tool" > /dev/null || skip "there is no $tool; apt-get install debootstrap util-linux dpkg-dev"
done
unshare --mount --pid --fork true 2> /dev/null || skip "namespaces of mounts and processes are not allowed here"
# shellcheck source=/dev/null
. /etc/os-release
export VERSION_CODENAME
# where apt gets this release from, and which components there are
mirror=
components=
while read -r origin release uri component; do
    # neither the archives of others, nor updates
    [[ ${origin,,} == "$ID" && $release != *[-/]* ]] || continue
    mirror=${mirror:-${uri%/}}
    [ "${uri%/}" != "$mirror" ] || components+=${components:+,}$component
done < <(apt-get indextargets --format '$(ORIGIN) $(RELEASE) $(REPO_URI) $(COMPONENT)' 'Created-By: Packages' \
    "Codename: ${VERSION_CODENAME:-none}" | sort -u)
[ -n "$mirror" ] || skip "apt has no mirror of this machine's release"

target=$(cargo metadata --locked --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
mkdir -p "$target"
cache=$target/debootstrap
mkdir -p "$cache"
work=$(mktemp -d "$target/try-deb.XXXXXX")
root=$work/root
namespaces=
end() {
    if [ -n "$namespaces" ]; then
        # unshare itself takes no signal; with its child all processes of the new system end, and with them its mounts
        local child
        child=$(grep -ls "^PPid:[[:space:]]*$namespaces\$" /proc/[0-9]*/status | cut -d/ -f3)
        { kill -KILL "${child:-$namespaces}" && wait "$namespaces"; } 2> /dev/null || true
    fi
    rm -rf --one-file-system "$work"
}
trap end EXIT
/usr/lib/apt/apt-helper download-file "$mirror/dists/$VERSION_CODENAME/InRelease" "$work/InRelease" > /dev/null 2>&1 ||
    skip "apt's mirror cannot be reached"

part "release.sh --deb"
contrib/release.sh --deb "$work/dist" > "$work/said" || fail "contrib/release.sh --deb makes no package"
part "cargo install"
check "cargo install does not work" cargo install --offline --locked --path . --root "$work/cargo"
check "what cargo install has installed does not run" "$work/cargo/bin/p2p" --version
part

export work root cache mirror components
unshare --mount --pid --fork --kill-child "$0" --inside &
namespaces=$!
wait "$namespaces" && failed=0 || failed=$?
namespaces=
[ "$failed" = 0 ] || exit "$failed"
echo "the package for Debian works"
