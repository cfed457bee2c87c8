# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_p2p_global_optspecs
    string join \n home= c/config= name= json q/quiet v/verbose color= h/help V/version
end

function __fish_p2p_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_p2p_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_p2p_using_subcommand
    set -l cmd (__fish_p2p_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c p2p -n "__fish_p2p_needs_command" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_needs_command" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_needs_command" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_needs_command" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_needs_command" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_needs_command" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_needs_command" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_needs_command" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_needs_command" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "listen" -d 'Receive in the foreground'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "send" -d 'Send one message to one peer'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "broadcast" -d 'Send one message to many peers'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "peers" -d 'List and edit the peers that are known'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "ping" -d 'Greet peers: is it there, who is it, how fast'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "bootstrap" -d 'Greet the static peers of the configuration and those of the local network, and learn of others'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "leave" -d 'Tell peers that we go, so that they forget us'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "log" -d 'Read the history of messages'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "id" -d 'Print who we are: name, addresses, key'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "config" -d 'Show, find, make or check the configuration'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "completions" -d 'Print the completion script of a shell'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c p2p -n "__fish_p2p_using_subcommand listen" -s p -l port -d 'The port; 0 takes a free one [default: 5000]' -r
complete -c p2p -n "__fish_p2p_using_subcommand listen" -s b -l bind -d 'Listen on this address of the machine only' -r
complete -c p2p -n "__fish_p2p_using_subcommand listen" -s a -l advertise -d 'Tell others that this is our address' -r
complete -c p2p -n "__fish_p2p_using_subcommand listen" -s n -l count -d 'Stop after so many messages' -r
complete -c p2p -n "__fish_p2p_using_subcommand listen" -s t -l timeout -d 'Stop after this time' -r
complete -c p2p -n "__fish_p2p_using_subcommand listen" -l accept -d 'Whose messages are taken: any, known (of peers in the list), trusted (of those whose key was given) [default: any]' -r
complete -c p2p -n "__fish_p2p_using_subcommand listen" -l secure -d 'Whether they have to be encrypted: require, prefer (plain programs may write, too), off [default: prefer]' -r
complete -c p2p -n "__fish_p2p_using_subcommand listen" -l from -d 'Take messages only from these peers, and tell others that they are refused; may be repeated' -r
complete -c p2p -n "__fish_p2p_using_subcommand listen" -l topic -d 'Take only messages of these topics: a word, or a pattern with * and ?; may be repeated' -r
complete -c p2p -n "__fish_p2p_using_subcommand listen" -s x -l exec -d 'Run this command for each message' -r
complete -c p2p -n "__fish_p2p_using_subcommand listen" -l exec-timeout -d 'End a command of -x or a hook after this time [default: 30s]' -r
complete -c p2p -n "__fish_p2p_using_subcommand listen" -s j -l jobs -d 'How many such commands run at once [default: 4]' -r
complete -c p2p -n "__fish_p2p_using_subcommand listen" -l share-peers -d 'Who is told of our peers when asking: any, trusted (those whose key was given), nobody [default: trusted]' -r
complete -c p2p -n "__fish_p2p_using_subcommand listen" -l recheck -d 'Look again, every so often, for a few of the peers that have gone silent: at least 1s [default: never]' -r
complete -c p2p -n "__fish_p2p_using_subcommand listen" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand listen" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand listen" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_using_subcommand listen" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_using_subcommand listen" -s 1 -d 'Stop after one message'
complete -c p2p -n "__fish_p2p_using_subcommand listen" -l reply -d 'Send what the command of -x prints, and its exit status, back to senders that wait for a reply'
complete -c p2p -n "__fish_p2p_using_subcommand listen" -l bootstrap -d 'Greet the static peers of the configuration first'
complete -c p2p -n "__fish_p2p_using_subcommand listen" -l lan -d 'Announce us in the local network, for bootstrap --lan and peers --lan: everybody there sees our name, our key, our port and the addresses of this machine'
complete -c p2p -n "__fish_p2p_using_subcommand listen" -l raw -d 'Print the exact bytes of each text instead of escaping them'
complete -c p2p -n "__fish_p2p_using_subcommand listen" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_using_subcommand listen" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_using_subcommand listen" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_using_subcommand listen" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand send" -s f -l file -d 'Read the text from this file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand send" -l topic -d 'What it is about, in one word; only another p2p can be told' -r
complete -c p2p -n "__fish_p2p_using_subcommand send" -l id -d 'Its id, instead of one at random: a p2p shows a message of ours with the same id once, however often it is sent and whatever its text' -r
complete -c p2p -n "__fish_p2p_using_subcommand send" -s t -l timeout -d 'Time limit of one try: find the host, connect, get the answer [default: 5s]' -r
complete -c p2p -n "__fish_p2p_using_subcommand send" -l retry -d 'Try again so often, where that is safe and may help' -r
complete -c p2p -n "__fish_p2p_using_subcommand send" -l retry-for -d 'Try again for this long, after pauses from 200ms to 5s' -r
complete -c p2p -n "__fish_p2p_using_subcommand send" -l secure -d 'Whether it has to be encrypted: require, prefer (whenever a p2p is there), off [default: prefer]' -r
complete -c p2p -n "__fish_p2p_using_subcommand send" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand send" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand send" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_using_subcommand send" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_using_subcommand send" -l lines -d 'Send each line of stdin as a message of its own, as it comes; ends at the first that is not acknowledged'
complete -c p2p -n "__fish_p2p_using_subcommand send" -l reply -d 'Wait for what the peer\'s command for it (`listen -x CMD --reply`) prints; the time limit counts for that, too'
complete -c p2p -n "__fish_p2p_using_subcommand send" -l require-ack -d 'Fail if the peer is a plain program, which can read but not acknowledge'
complete -c p2p -n "__fish_p2p_using_subcommand send" -l allow-empty -d 'Allow a text of nothing, or of nothing but blanks'
complete -c p2p -n "__fish_p2p_using_subcommand send" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_using_subcommand send" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_using_subcommand send" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_using_subcommand send" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -s f -l file -d 'Read the text from this file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l to -d 'Only to these peers: a name, HOST:PORT, or @TAG; may be repeated' -r
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l except -d 'Not to these peers; may be repeated' -r
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l active -d 'Only to peers that were seen in this time' -r
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l quorum -d 'How many have to have it: all, any, a number, or a percentage as 50%' -r
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l topic -d 'What it is about, in one word; only another p2p can be told' -r
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l id -d 'Its id, instead of one at random: a p2p shows a message of ours with the same id once, however often it is sent and whatever its text' -r
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -s j -l jobs -d 'How many peers are contacted at once [default: 64]' -r
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -s t -l timeout -d 'Time limit of one try: find the host, connect, get the answer [default: 5s]' -r
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l retry -d 'Try again so often, where that is safe and may help' -r
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l retry-for -d 'Try again for this long, after pauses from 200ms to 5s' -r
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l secure -d 'Whether it has to be encrypted: require, prefer (whenever a p2p is there), off [default: prefer]' -r
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l reply -d 'Wait for what the peer\'s command for it (`listen -x CMD --reply`) prints; the time limit counts for that, too'
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l require-ack -d 'Fail if the peer is a plain program, which can read but not acknowledge'
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l allow-empty -d 'Allow a text of nothing, or of nothing but blanks'
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -l only -d 'Only these: a name, HOST:PORT, @TAG, or a pattern with * and ? for names; may be repeated' -r
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -l active -d 'Only peers that were seen lately: in this time, or in the last hour' -r
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -l source -d 'Only peers that came to be known in this way' -r -f -a "static\t'Entered by hand or in the configuration'
heard\t'It wrote to us, or we reached it, and nobody had told of it before'
learned\t'Another peer has told of it'
lan\t'It was found in the local network'"
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -l lan -d 'Ask the local network first, and list those that announce themselves there; they are not greeted. Less than 2s may miss some [default: asking for 2s]' -r
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -l sort -d 'In which order' -r -f -a "name\t'By name, those without one last'
addr\t'By address'
seen\t'The one last seen first'"
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -s j -l jobs -d 'With --check: how many peers are contacted at once [default: 64]' -r
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -s t -l timeout -d 'With --check: time limit for each peer [default: 5s]' -r
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -l check -d 'Greet them first; those that do not answer become stale. Of those that we only know from others, only the ones that are meant: with --lan, with --source, or by name or address, at most 256'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -f -a "add" -d 'Enter a peer by hand, or give one another name'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -f -a "set" -d 'Change what was entered of a peer: its name with --name NAME, its tags'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -f -a "trust" -d 'Say which key a peer has: the one that is given, or the one that is there now'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -f -a "rm" -d 'Forget peers; of those that others tell of, bootstrap learns again'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -f -a "prune" -d 'Forget the peers, none of them entered by hand, that were not seen for some time'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and not __fish_seen_subcommand_from add set trust rm prune help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from add" -l tag -d 'Give it this tag, so that @TAG means it; may be repeated' -r
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from add" -l key -d 'Its key, as `p2p id` prints it there' -r
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from add" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from add" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from add" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from add" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from add" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from set" -l tag -d 'Give it this tag; may be repeated' -r
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from set" -l untag -d 'Take this tag from it; may be repeated' -r
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from set" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from set" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from set" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from set" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from set" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from set" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from set" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from trust" -l key -d 'Its key, as `p2p id` prints it there' -r
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from trust" -s t -l timeout -d 'Time limit of one try: find the host, connect, get the answer [default: 5s]' -r
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from trust" -l retry -d 'Try again so often, where that is safe and may help' -r
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from trust" -l retry-for -d 'Try again for this long, after pauses from 200ms to 5s' -r
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from trust" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from trust" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from trust" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from trust" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from trust" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from trust" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from trust" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from trust" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from rm" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from rm" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from rm" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from rm" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from rm" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from rm" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from rm" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from prune" -l older -d 'Not seen for this time' -r
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from prune" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from prune" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from prune" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from prune" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from prune" -l dry-run -d 'Only say which'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from prune" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from prune" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from prune" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from help" -f -a "add" -d 'Enter a peer by hand, or give one another name'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from help" -f -a "set" -d 'Change what was entered of a peer: its name with --name NAME, its tags'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from help" -f -a "trust" -d 'Say which key a peer has: the one that is given, or the one that is there now'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from help" -f -a "rm" -d 'Forget peers; of those that others tell of, bootstrap learns again'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from help" -f -a "prune" -d 'Forget the peers, none of them entered by hand, that were not seen for some time'
complete -c p2p -n "__fish_p2p_using_subcommand peers; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c p2p -n "__fish_p2p_using_subcommand ping" -s n -l count -d 'How often' -r
complete -c p2p -n "__fish_p2p_using_subcommand ping" -s i -l interval -d 'From the beginning of one round to that of the next [default: 1s]' -r
complete -c p2p -n "__fish_p2p_using_subcommand ping" -s j -l jobs -d 'How many peers are contacted at once [default: 64]' -r
complete -c p2p -n "__fish_p2p_using_subcommand ping" -s t -l timeout -d 'Time limit of one try: find the host, connect, get the answer [default: 5s]' -r
complete -c p2p -n "__fish_p2p_using_subcommand ping" -l retry -d 'Try again so often, where that is safe and may help' -r
complete -c p2p -n "__fish_p2p_using_subcommand ping" -l retry-for -d 'Try again for this long, after pauses from 200ms to 5s' -r
complete -c p2p -n "__fish_p2p_using_subcommand ping" -l secure -d 'Whether it has to be encrypted: require, prefer (whenever a p2p is there), off [default: prefer]' -r
complete -c p2p -n "__fish_p2p_using_subcommand ping" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand ping" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand ping" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_using_subcommand ping" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_using_subcommand ping" -l all -d 'All known peers that have not left, but for those of which we only know from others'
complete -c p2p -n "__fish_p2p_using_subcommand ping" -l learn -d 'Ask those that answer encrypted which peers they know, and enter these as learned'
complete -c p2p -n "__fish_p2p_using_subcommand ping" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_using_subcommand ping" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_using_subcommand ping" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_using_subcommand ping" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand bootstrap" -l hello -d 'Also send them this message; - reads it from stdin' -r
complete -c p2p -n "__fish_p2p_using_subcommand bootstrap" -l lan -d 'Find peers that announce themselves in the local network, and greet them, too. Less than 2s may miss some [default: asking for 2s]' -r
complete -c p2p -n "__fish_p2p_using_subcommand bootstrap" -l quorum -d 'How many have to answer: all, any, a number, or a percentage as 50%' -r
complete -c p2p -n "__fish_p2p_using_subcommand bootstrap" -s j -l jobs -d 'How many peers are contacted at once [default: 64]' -r
complete -c p2p -n "__fish_p2p_using_subcommand bootstrap" -s t -l timeout -d 'Time limit of one try: find the host, connect, get the answer [default: 5s]' -r
complete -c p2p -n "__fish_p2p_using_subcommand bootstrap" -l retry -d 'Try again so often, where that is safe and may help' -r
complete -c p2p -n "__fish_p2p_using_subcommand bootstrap" -l retry-for -d 'Try again for this long, after pauses from 200ms to 5s' -r
complete -c p2p -n "__fish_p2p_using_subcommand bootstrap" -l secure -d 'Whether it has to be encrypted: require, prefer (whenever a p2p is there), off [default: prefer]' -r
complete -c p2p -n "__fish_p2p_using_subcommand bootstrap" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand bootstrap" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand bootstrap" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_using_subcommand bootstrap" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_using_subcommand bootstrap" -l no-learn -d 'Do not ask which peers they know'
complete -c p2p -n "__fish_p2p_using_subcommand bootstrap" -l meet -d 'Also greet peers that were only learned, at most 256 at a time; who does not answer is left alone until somebody has seen it again'
complete -c p2p -n "__fish_p2p_using_subcommand bootstrap" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_using_subcommand bootstrap" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_using_subcommand bootstrap" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_using_subcommand bootstrap" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand leave" -s j -l jobs -d 'How many peers are contacted at once [default: 64]' -r
complete -c p2p -n "__fish_p2p_using_subcommand leave" -s t -l timeout -d 'Time limit of one try: find the host, connect, get the answer [default: 5s]' -r
complete -c p2p -n "__fish_p2p_using_subcommand leave" -l retry -d 'Try again so often, where that is safe and may help' -r
complete -c p2p -n "__fish_p2p_using_subcommand leave" -l retry-for -d 'Try again for this long, after pauses from 200ms to 5s' -r
complete -c p2p -n "__fish_p2p_using_subcommand leave" -l secure -d 'Whether it has to be encrypted: require, prefer (whenever a p2p is there), off [default: prefer]' -r
complete -c p2p -n "__fish_p2p_using_subcommand leave" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand leave" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand leave" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_using_subcommand leave" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_using_subcommand leave" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_using_subcommand leave" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_using_subcommand leave" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_using_subcommand leave" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand log" -s n -l count -d 'Only the last so many; with --new, the first so many of the new ones. A text that was sent to many counts once' -r
complete -c p2p -n "__fish_p2p_using_subcommand log" -l since -d 'Only those that are not older: a length of time, or a time in UTC as 2026-01-31T18:00:00Z' -r
complete -c p2p -n "__fish_p2p_using_subcommand log" -l from -d 'Only from these peers, or with --sent to them; may be repeated' -r
complete -c p2p -n "__fish_p2p_using_subcommand log" -l topic -d 'Only of these topics: a word, or a pattern with * and ?; may be repeated' -r
complete -c p2p -n "__fish_p2p_using_subcommand log" -l new -d 'Only those that no call with this cursor has handed out' -r
complete -c p2p -n "__fish_p2p_using_subcommand log" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand log" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand log" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_using_subcommand log" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_using_subcommand log" -l sent -d 'Messages that were sent, with what became of them'
complete -c p2p -n "__fish_p2p_using_subcommand log" -s f -l follow -d 'Go on with those that are still to come'
complete -c p2p -n "__fish_p2p_using_subcommand log" -l raw -d 'Print the exact bytes of each text instead of escaping them'
complete -c p2p -n "__fish_p2p_using_subcommand log" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_using_subcommand log" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_using_subcommand log" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_using_subcommand log" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand id" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand id" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand id" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_using_subcommand id" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_using_subcommand id" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_using_subcommand id" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_using_subcommand id" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_using_subcommand id" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand config; and not __fish_seen_subcommand_from show path init check help" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand config; and not __fish_seen_subcommand_from show path init check help" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand config; and not __fish_seen_subcommand_from show path init check help" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_using_subcommand config; and not __fish_seen_subcommand_from show path init check help" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_using_subcommand config; and not __fish_seen_subcommand_from show path init check help" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_using_subcommand config; and not __fish_seen_subcommand_from show path init check help" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_using_subcommand config; and not __fish_seen_subcommand_from show path init check help" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_using_subcommand config; and not __fish_seen_subcommand_from show path init check help" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand config; and not __fish_seen_subcommand_from show path init check help" -f -a "show" -d 'Print every effective value and where it came from (the default)'
complete -c p2p -n "__fish_p2p_using_subcommand config; and not __fish_seen_subcommand_from show path init check help" -f -a "path" -d 'Print where configuration and state are'
complete -c p2p -n "__fish_p2p_using_subcommand config; and not __fish_seen_subcommand_from show path init check help" -f -a "init" -d 'Write an example configuration'
complete -c p2p -n "__fish_p2p_using_subcommand config; and not __fish_seen_subcommand_from show path init check help" -f -a "check" -d 'Read the configuration and say what is wrong with it'
complete -c p2p -n "__fish_p2p_using_subcommand config; and not __fish_seen_subcommand_from show path init check help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from show" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from show" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from show" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from show" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from show" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from path" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from path" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from path" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from path" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from path" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from path" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from path" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from path" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from init" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from init" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from init" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from init" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from init" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from init" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from init" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from check" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from check" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from check" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from check" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from check" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Print every effective value and where it came from (the default)'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "path" -d 'Print where configuration and state are'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "init" -d 'Write an example configuration'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "check" -d 'Read the configuration and say what is wrong with it'
complete -c p2p -n "__fish_p2p_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c p2p -n "__fish_p2p_using_subcommand completions" -l home -d 'Keep configuration and state in this directory' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand completions" -s c -l config -d 'Read this configuration file' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand completions" -l name -d 'Call ourselves this, in one word' -r
complete -c p2p -n "__fish_p2p_using_subcommand completions" -l color -d 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Also into files and pipes'
never\t'Not at all'"
complete -c p2p -n "__fish_p2p_using_subcommand completions" -l json -d 'Print one JSON object a line'
complete -c p2p -n "__fish_p2p_using_subcommand completions" -s q -l quiet -d 'Say nothing but what went wrong'
complete -c p2p -n "__fish_p2p_using_subcommand completions" -s v -l verbose -d 'Say what is done, also without a terminal'
complete -c p2p -n "__fish_p2p_using_subcommand completions" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from listen send broadcast peers ping bootstrap leave log id config completions help" -f -a "listen" -d 'Receive in the foreground'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from listen send broadcast peers ping bootstrap leave log id config completions help" -f -a "send" -d 'Send one message to one peer'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from listen send broadcast peers ping bootstrap leave log id config completions help" -f -a "broadcast" -d 'Send one message to many peers'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from listen send broadcast peers ping bootstrap leave log id config completions help" -f -a "peers" -d 'List and edit the peers that are known'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from listen send broadcast peers ping bootstrap leave log id config completions help" -f -a "ping" -d 'Greet peers: is it there, who is it, how fast'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from listen send broadcast peers ping bootstrap leave log id config completions help" -f -a "bootstrap" -d 'Greet the static peers of the configuration and those of the local network, and learn of others'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from listen send broadcast peers ping bootstrap leave log id config completions help" -f -a "leave" -d 'Tell peers that we go, so that they forget us'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from listen send broadcast peers ping bootstrap leave log id config completions help" -f -a "log" -d 'Read the history of messages'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from listen send broadcast peers ping bootstrap leave log id config completions help" -f -a "id" -d 'Print who we are: name, addresses, key'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from listen send broadcast peers ping bootstrap leave log id config completions help" -f -a "config" -d 'Show, find, make or check the configuration'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from listen send broadcast peers ping bootstrap leave log id config completions help" -f -a "completions" -d 'Print the completion script of a shell'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from listen send broadcast peers ping bootstrap leave log id config completions help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c p2p -n "__fish_p2p_using_subcommand help; and __fish_seen_subcommand_from peers" -f -a "add" -d 'Enter a peer by hand, or give one another name'
complete -c p2p -n "__fish_p2p_using_subcommand help; and __fish_seen_subcommand_from peers" -f -a "set" -d 'Change what was entered of a peer: its name with --name NAME, its tags'
complete -c p2p -n "__fish_p2p_using_subcommand help; and __fish_seen_subcommand_from peers" -f -a "trust" -d 'Say which key a peer has: the one that is given, or the one that is there now'
complete -c p2p -n "__fish_p2p_using_subcommand help; and __fish_seen_subcommand_from peers" -f -a "rm" -d 'Forget peers; of those that others tell of, bootstrap learns again'
complete -c p2p -n "__fish_p2p_using_subcommand help; and __fish_seen_subcommand_from peers" -f -a "prune" -d 'Forget the peers, none of them entered by hand, that were not seen for some time'
complete -c p2p -n "__fish_p2p_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Print every effective value and where it came from (the default)'
complete -c p2p -n "__fish_p2p_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "path" -d 'Print where configuration and state are'
complete -c p2p -n "__fish_p2p_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "init" -d 'Write an example configuration'
complete -c p2p -n "__fish_p2p_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Read the configuration and say what is wrong with it'
