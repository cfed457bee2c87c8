# Completion of p2p for fish: p2p itself says what may come next.
function __p2p_complete
    set -l token (commandline --current-token --cut-at-cursor)
    set -l found (
        command p2p completions fish -- \
            (commandline --current-process --tokenize --cut-at-cursor) "$token" </dev/null 2>/dev/null
    )
    if test "$found" = \tfiles
        # behind an option in the same word
        set -l option (string replace --filter --regex '^(--[^=]+=).*' '$1' -- $token)
        printf "$option%s\n" (__fish_complete_path (string replace --regex '^--[^=]+=' '' -- $token))
    else
        printf '%s\n' $found
    end
end
complete --command p2p --no-files --keep-order --arguments '(__p2p_complete)'
