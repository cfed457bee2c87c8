# Completion of p2p for fish: p2p itself says what may come next.
complete --command p2p --no-files --keep-order --arguments '(
    command p2p completions fish -- \
        (commandline --current-process --tokenize --cut-at-cursor) \
        (commandline --current-token --cut-at-cursor) 2>/dev/null
)'
