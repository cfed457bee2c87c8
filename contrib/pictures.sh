#!/usr/bin/env bash
# Makes the pictures in docs/pictures anew, of what the program shows in a terminal. Everything happens in a network
# namespace of its own, whose addresses stand for several machines. Needs tmux, bash, zsh, fish, man and unshare.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" != --inside ]; then
    cargo build --release --locked
    cargo build --release --locked --example picture
    target=$(cargo metadata --locked --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
    PATH=$target/release:$target/release/examples:$PATH exec unshare --map-root-user --net "$0" --inside
fi

ip link set lo up
for number in $(seq 2 40); do ip address add "10.18.0.$number/32" dev lo; done

files=$(mktemp -d)
tmux=(tmux -S "$files/socket" -f /dev/null)
listeners=()
end() {
    "${tmux[@]}" kill-server 2> /dev/null || true
    for pid in "${listeners[@]}"; do kill -KILL "$pid" 2> /dev/null || true; done
    rm -rf "$files"
}
trap end EXIT
export XDG_CONFIG_HOME=$files/none XDG_STATE_HOME=$files/state XDG_DATA_HOME=$files/data HOME=$files/home
export LC_ALL=C.UTF-8 EDITOR= VISUAL=
mkdir -p "$HOME" "$files/fish"
unset P2P_HOME P2P_NAME TMUX

# shells whose prompt is the name of a machine
printf "PS1='%s'\n. %s/completions/p2p.bash\n" '\[\e[1;32m\]$P2P_NAME$\[\e[0m\] ' "$PWD" > "$files/bashrc"
printf 'fpath=(%s/completions $fpath)\nautoload -Uz compinit\ncompinit -u -D\nPS1="%%B%%F{green}$P2P_NAME%%%%%%f%%b "\nzstyle ":completion:*" menu select\n' \
    "$PWD" > "$files/.zshrc"
mkdir -p "$files/none/fish"
printf 'function fish_prompt; set_color -o green; echo -n $P2P_NAME">"; set_color normal; echo -n " "; end\nset fish_greeting\nset fish_color_command normal\nset fish_color_param normal\nsource %s/completions/p2p.fish\n' \
    "$PWD" > "$files/none/fish/config.fish"
shell="bash --noprofile --rcfile $files/bashrc -i"

# open NAME COLUMNS ROWS COMMAND: a terminal
open() {
    "${tmux[@]}" new-session -d -s "$1" -x "$2" -y "$3" "env -u TMUX TERM=xterm-256color ZDOTDIR=$files $4"
    "${tmux[@]}" set-option -t "$1" status off
}
as() { printf 'env P2P_HOME=%s P2P_NAME=%s %s' "$files/$1" "$1" "${2:-$shell}"; }
types() { "${tmux[@]}" send-keys -t "$1" -l "$2" && "${tmux[@]}" send-keys -t "$1" Enter; }
presses() { "${tmux[@]}" send-keys -t "$@"; }
# waits until a terminal shows a text
shows() {
    local until=$((SECONDS + 20))
    until "${tmux[@]}" capture-pane -p -t "$1" | grep -qF -- "$2"; do
        [ $SECONDS -lt $until ] || { "${tmux[@]}" capture-pane -p -t "$1" >&2; echo "no: $2" >&2; exit 1; }
        sleep 0.05
    done
}
# screen NAME...: what terminals show, one below the other
screen() {
    local name
    for name; do "${tmux[@]}" capture-pane -e -p -t "$name" | sed -e :a -e '/^\(\x1b\[[0-9;]*m\)*\n*$/{$d;N;ba' -e '}'; done
}
picture() { picture_of "$1" "$2" < "$files/screen" && echo "docs/pictures/$1.svg"; }
picture_of() { command picture "$2" > "docs/pictures/$1.svg"; }
mkdir -p docs/pictures

# a session of two terminals
open bob 84 10 "$(as bob)"
open alice 84 20 "$(as alice)"
shows bob 'bob$'
shows alice 'alice$'
# so that she is known by an address of her own
P2P_HOME=$files/alice P2P_NAME=alice p2p listen -b 10.18.0.4 -p 6000 -a 10.18.0.4 > /dev/null 2> "$files/alice.log" &
listeners+=($!)
disown
until grep -qs listening "$files/alice.log"; do sleep 0.05; done
types bob 'p2p listen -b 10.18.0.5'
shows bob 'listening on'
types alice 'p2p send 10.18.0.5:5000 Hello, Bob'
shows alice 'delivered'
types alice 'echo backup done | p2p send bob --topic backup --retry-for 10m'
shows bob 'backup done'
types alice 'p2p peers'
shows alice 'STATE'
types alice 'p2p ping bob -n 2 -i 100ms'
shows alice 'of 2'
types alice 'p2p send bbo "is anybody there?"; echo "exit status $?"'
shows alice 'exit status'
presses bob C-c
shows bob '^C'
screen bob > "$files/screen"
printf '\n' >> "$files/screen"
screen alice >> "$files/screen"
picture session 'Two terminals: bob listens, alice sends him messages and asks who is there'

# the help
open help 84 100 "$(as help)"
shows help 'help$'
types help 'p2p --help'
shows help 'CLICOLOR_FORCE'
screen help > "$files/screen"
picture help 'p2p --help'

# a table of peers, and a broadcast that waits for some of them
export P2P_HOME=$files/ci
for number in $(seq 11 30); do
    name=web$((number - 10))
    tag=web
    [ $((number % 5)) -ne 0 ] || tag=db
    p2p peers add "$name" "10.18.0.$number:5000" --tag "$tag"
    [ "$number" -ne 17 ] || continue
    P2P_HOME=$files/$name P2P_NAME=$name p2p listen -b "10.18.0.$number" > /dev/null 2> "$files/$name.log" &
    listeners+=($!)
    # that it is ended is no news
    disown
    until grep -qs listening "$files/$name.log"; do sleep 0.05; done
done
# these hold their port, and say nothing
kill -STOP "${listeners[4]}" "${listeners[13]}"
unset P2P_HOME
open ci 84 40 "$(as ci)"
shows ci 'ci$'
types ci 'p2p broadcast --to @web --quorum 80% -t 8s "deploy v1.2"'
shows ci '/16 peers'
screen ci > "$files/screen"
picture broadcast 'A broadcast in progress: results as they come, and a bar for those that are waited for'
shows ci 'reached'
presses ci C-l
types ci 'p2p peers --only "web1*" --only @db'
shows ci 'ADDRESS'
screen ci > "$files/screen"
picture peers 'A table of peers'
presses ci C-l
types ci 'p2p send web7 Hi'
shows ci 'hint'
types ci 'p2p snd web7 Hi'
shows ci 'no command'
types ci 'p2p broadcast --to @wbe Hi'
shows ci 'did you mean'
screen ci > "$files/screen"
picture errors 'Three errors with their hints'

# menus of completion
open bash 84 8 "$(as ci)"
open zsh 84 12 "$(as ci zsh)"
open fish 84 12 "$(as ci fish)"
shows bash 'ci$'
shows zsh 'ci%'
shows fish 'ci>'
presses bash -l 'p2p send web1'
presses bash Tab Tab
shows bash '(10.18.0.11'
presses zsh -l 'p2p peers '
presses zsh Tab
shows zsh 'prune'
presses fish -l 'p2p broadcast --to @'
presses fish Tab
shows fish '@web'
: > "$files/screen"
for name in bash zsh fish; do
    printf '\e[2m# %s\e[0m\n' "$name" >> "$files/screen"
    screen "$name" >> "$files/screen"
    printf '\n\n' >> "$files/screen"
done
picture completion 'Menus of completion in bash, zsh and fish'

# the manual
open man 80 44 "$(as ci "man -P 'less -R' -l $PWD/docs/man/p2p-send.1")"
shows man 'SYNOPSIS'
screen man > "$files/screen"
picture manual 'man p2p-send'
