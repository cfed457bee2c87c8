
use builtin;
use str;

set edit:completion:arg-completer[p2p] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'p2p'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'p2p'= {
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
            cand listen 'Receive in the foreground'
            cand send 'Send one message to one peer'
            cand broadcast 'Send one message to many peers'
            cand peers 'List and edit the peers that are known'
            cand ping 'Greet peers: is it there, who is it, how fast'
            cand bootstrap 'Greet the static peers of the configuration and those of the local network, and learn of others'
            cand leave 'Tell peers that we go, so that they forget us'
            cand log 'Read the history of messages'
            cand id 'Print who we are: name, addresses, key'
            cand config 'Show, find, make or check the configuration'
            cand completions 'Print the completion script of a shell'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'p2p;listen'= {
            cand -p 'The port; 0 takes a free one [default: 5000]'
            cand --port 'The port; 0 takes a free one [default: 5000]'
            cand -b 'Listen on this address of the machine only'
            cand --bind 'Listen on this address of the machine only'
            cand -a 'Tell others that this is our address'
            cand --advertise 'Tell others that this is our address'
            cand -n 'Stop after so many messages'
            cand --count 'Stop after so many messages'
            cand -t 'Stop after this time'
            cand --timeout 'Stop after this time'
            cand --accept 'Whose messages are taken: any, known (of peers in the list), trusted (of those whose key was given) [default: any]'
            cand --secure 'Whether they have to be encrypted: require, prefer (plain programs may write, too), off [default: prefer]'
            cand --from 'Take messages only from these peers, and tell others that they are refused; may be repeated'
            cand --topic 'Take only messages of these topics: a word, or a pattern with * and ?; may be repeated'
            cand -x 'Run this command for each message'
            cand --exec 'Run this command for each message'
            cand --exec-timeout 'End a command of -x or a hook after this time [default: 30s]'
            cand -j 'How many such commands run at once [default: 4]'
            cand --jobs 'How many such commands run at once [default: 4]'
            cand --share-peers 'Who is told of our peers when asking: any, trusted (those whose key was given), nobody [default: trusted]'
            cand --recheck 'Look again, every so often, for a few of the peers that have gone silent: at least 1s [default: never]'
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand -1 'Stop after one message'
            cand --reply 'Send what the command of -x prints, and its exit status, back to senders that wait for a reply'
            cand --bootstrap 'Greet the static peers of the configuration first'
            cand --lan 'Announce us in the local network, for bootstrap --lan and peers --lan: everybody there sees our name, our key, our port and the addresses of this machine'
            cand --raw 'Print the exact bytes of each text instead of escaping them'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'p2p;send'= {
            cand -f 'Read the text from this file'
            cand --file 'Read the text from this file'
            cand --topic 'What it is about, in one word; only another p2p can be told'
            cand --id 'Its id, instead of one at random: a p2p shows a message of ours with the same id once, however often it is sent and whatever its text'
            cand -t 'Time limit of one try: find the host, connect, get the answer [default: 5s]'
            cand --timeout 'Time limit of one try: find the host, connect, get the answer [default: 5s]'
            cand --retry 'Try again so often, where that is safe and may help'
            cand --retry-for 'Try again for this long, after pauses from 200ms to 5s'
            cand --secure 'Whether it has to be encrypted: require, prefer (whenever a p2p is there), off [default: prefer]'
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand --lines 'Send each line of stdin as a message of its own, as it comes; ends at the first that is not acknowledged'
            cand --reply 'Wait for what the peer''s command for it (`listen -x CMD --reply`) prints; the time limit counts for that, too'
            cand --require-ack 'Fail if the peer is a plain program, which can read but not acknowledge'
            cand --allow-empty 'Allow a text of nothing, or of nothing but blanks'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'p2p;broadcast'= {
            cand -f 'Read the text from this file'
            cand --file 'Read the text from this file'
            cand --to 'Only to these peers: a name, HOST:PORT, or @TAG; may be repeated'
            cand --except 'Not to these peers; may be repeated'
            cand --active 'Only to peers that were seen in this time'
            cand --quorum 'How many have to have it: all, any, a number, or a percentage as 50%'
            cand --topic 'What it is about, in one word; only another p2p can be told'
            cand --id 'Its id, instead of one at random: a p2p shows a message of ours with the same id once, however often it is sent and whatever its text'
            cand -j 'How many peers are contacted at once [default: 64]'
            cand --jobs 'How many peers are contacted at once [default: 64]'
            cand -t 'Time limit of one try: find the host, connect, get the answer [default: 5s]'
            cand --timeout 'Time limit of one try: find the host, connect, get the answer [default: 5s]'
            cand --retry 'Try again so often, where that is safe and may help'
            cand --retry-for 'Try again for this long, after pauses from 200ms to 5s'
            cand --secure 'Whether it has to be encrypted: require, prefer (whenever a p2p is there), off [default: prefer]'
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand --reply 'Wait for what the peer''s command for it (`listen -x CMD --reply`) prints; the time limit counts for that, too'
            cand --require-ack 'Fail if the peer is a plain program, which can read but not acknowledge'
            cand --allow-empty 'Allow a text of nothing, or of nothing but blanks'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'p2p;peers'= {
            cand --only 'Only these: a name, HOST:PORT, @TAG, or a pattern with * and ? for names; may be repeated'
            cand --active 'Only peers that were seen lately: in this time, or in the last hour'
            cand --source 'Only peers that came to be known in this way'
            cand --lan 'Ask the local network first, and list those that announce themselves there; they are not greeted. Less than 2s may miss some [default: asking for 2s]'
            cand --sort 'In which order'
            cand -j 'With --check: how many peers are contacted at once [default: 64]'
            cand --jobs 'With --check: how many peers are contacted at once [default: 64]'
            cand -t 'With --check: time limit for each peer [default: 5s]'
            cand --timeout 'With --check: time limit for each peer [default: 5s]'
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand --check 'Greet them first; those that do not answer become stale. Of those that we only know from others, only the ones that are meant: with --lan, with --source, or by name or address, at most 256'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand add 'Enter a peer by hand, or give one another name'
            cand set 'Change what was entered of a peer: its name with --name NAME, its tags'
            cand trust 'Say which key a peer has: the one that is given, or the one that is there now'
            cand rm 'Forget peers; of those that others tell of, bootstrap learns again'
            cand prune 'Forget the peers, none of them entered by hand, that were not seen for some time'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'p2p;peers;add'= {
            cand --tag 'Give it this tag, so that @TAG means it; may be repeated'
            cand --key 'Its key, as `p2p id` prints it there'
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'p2p;peers;set'= {
            cand --tag 'Give it this tag; may be repeated'
            cand --untag 'Take this tag from it; may be repeated'
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'p2p;peers;trust'= {
            cand --key 'Its key, as `p2p id` prints it there'
            cand -t 'Time limit of one try: find the host, connect, get the answer [default: 5s]'
            cand --timeout 'Time limit of one try: find the host, connect, get the answer [default: 5s]'
            cand --retry 'Try again so often, where that is safe and may help'
            cand --retry-for 'Try again for this long, after pauses from 200ms to 5s'
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'p2p;peers;rm'= {
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'p2p;peers;prune'= {
            cand --older 'Not seen for this time'
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand --dry-run 'Only say which'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'p2p;peers;help'= {
            cand add 'Enter a peer by hand, or give one another name'
            cand set 'Change what was entered of a peer: its name with --name NAME, its tags'
            cand trust 'Say which key a peer has: the one that is given, or the one that is there now'
            cand rm 'Forget peers; of those that others tell of, bootstrap learns again'
            cand prune 'Forget the peers, none of them entered by hand, that were not seen for some time'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'p2p;peers;help;add'= {
        }
        &'p2p;peers;help;set'= {
        }
        &'p2p;peers;help;trust'= {
        }
        &'p2p;peers;help;rm'= {
        }
        &'p2p;peers;help;prune'= {
        }
        &'p2p;peers;help;help'= {
        }
        &'p2p;ping'= {
            cand -n 'How often'
            cand --count 'How often'
            cand -i 'From the beginning of one round to that of the next [default: 1s]'
            cand --interval 'From the beginning of one round to that of the next [default: 1s]'
            cand -j 'How many peers are contacted at once [default: 64]'
            cand --jobs 'How many peers are contacted at once [default: 64]'
            cand -t 'Time limit of one try: find the host, connect, get the answer [default: 5s]'
            cand --timeout 'Time limit of one try: find the host, connect, get the answer [default: 5s]'
            cand --retry 'Try again so often, where that is safe and may help'
            cand --retry-for 'Try again for this long, after pauses from 200ms to 5s'
            cand --secure 'Whether it has to be encrypted: require, prefer (whenever a p2p is there), off [default: prefer]'
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand --all 'All known peers that have not left, but for those of which we only know from others'
            cand --learn 'Ask those that answer encrypted which peers they know, and enter these as learned'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'p2p;bootstrap'= {
            cand --hello 'Also send them this message; - reads it from stdin'
            cand --lan 'Find peers that announce themselves in the local network, and greet them, too. Less than 2s may miss some [default: asking for 2s]'
            cand --quorum 'How many have to answer: all, any, a number, or a percentage as 50%'
            cand -j 'How many peers are contacted at once [default: 64]'
            cand --jobs 'How many peers are contacted at once [default: 64]'
            cand -t 'Time limit of one try: find the host, connect, get the answer [default: 5s]'
            cand --timeout 'Time limit of one try: find the host, connect, get the answer [default: 5s]'
            cand --retry 'Try again so often, where that is safe and may help'
            cand --retry-for 'Try again for this long, after pauses from 200ms to 5s'
            cand --secure 'Whether it has to be encrypted: require, prefer (whenever a p2p is there), off [default: prefer]'
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand --no-learn 'Do not ask which peers they know'
            cand --meet 'Also greet peers that were only learned, at most 256 at a time; who does not answer is left alone until somebody has seen it again'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'p2p;leave'= {
            cand -j 'How many peers are contacted at once [default: 64]'
            cand --jobs 'How many peers are contacted at once [default: 64]'
            cand -t 'Time limit of one try: find the host, connect, get the answer [default: 5s]'
            cand --timeout 'Time limit of one try: find the host, connect, get the answer [default: 5s]'
            cand --retry 'Try again so often, where that is safe and may help'
            cand --retry-for 'Try again for this long, after pauses from 200ms to 5s'
            cand --secure 'Whether it has to be encrypted: require, prefer (whenever a p2p is there), off [default: prefer]'
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'p2p;log'= {
            cand -n 'Only the last so many; with --new, the first so many of the new ones. A text that was sent to many counts once'
            cand --count 'Only the last so many; with --new, the first so many of the new ones. A text that was sent to many counts once'
            cand --since 'Only those that are not older: a length of time, or a time in UTC as 2026-01-31T18:00:00Z'
            cand --from 'Only from these peers, or with --sent to them; may be repeated'
            cand --topic 'Only of these topics: a word, or a pattern with * and ?; may be repeated'
            cand --new 'Only those that no call with this cursor has handed out'
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand --sent 'Messages that were sent, with what became of them'
            cand -f 'Go on with those that are still to come'
            cand --follow 'Go on with those that are still to come'
            cand --raw 'Print the exact bytes of each text instead of escaping them'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'p2p;id'= {
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'p2p;config'= {
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help'
            cand --help 'Print help'
            cand show 'Print every effective value and where it came from (the default)'
            cand path 'Print where configuration and state are'
            cand init 'Write an example configuration'
            cand check 'Read the configuration and say what is wrong with it'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'p2p;config;show'= {
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'p2p;config;path'= {
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'p2p;config;init'= {
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'p2p;config;check'= {
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'p2p;config;help'= {
            cand show 'Print every effective value and where it came from (the default)'
            cand path 'Print where configuration and state are'
            cand init 'Write an example configuration'
            cand check 'Read the configuration and say what is wrong with it'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'p2p;config;help;show'= {
        }
        &'p2p;config;help;path'= {
        }
        &'p2p;config;help;init'= {
        }
        &'p2p;config;help;check'= {
        }
        &'p2p;config;help;help'= {
        }
        &'p2p;completions'= {
            cand --home 'Keep configuration and state in this directory'
            cand -c 'Read this configuration file'
            cand --config 'Read this configuration file'
            cand --name 'Call ourselves this, in one word'
            cand --color 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never'
            cand --json 'Print one JSON object a line'
            cand -q 'Say nothing but what went wrong'
            cand --quiet 'Say nothing but what went wrong'
            cand -v 'Say what is done, also without a terminal'
            cand --verbose 'Say what is done, also without a terminal'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'p2p;help'= {
            cand listen 'Receive in the foreground'
            cand send 'Send one message to one peer'
            cand broadcast 'Send one message to many peers'
            cand peers 'List and edit the peers that are known'
            cand ping 'Greet peers: is it there, who is it, how fast'
            cand bootstrap 'Greet the static peers of the configuration and those of the local network, and learn of others'
            cand leave 'Tell peers that we go, so that they forget us'
            cand log 'Read the history of messages'
            cand id 'Print who we are: name, addresses, key'
            cand config 'Show, find, make or check the configuration'
            cand completions 'Print the completion script of a shell'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'p2p;help;listen'= {
        }
        &'p2p;help;send'= {
        }
        &'p2p;help;broadcast'= {
        }
        &'p2p;help;peers'= {
            cand add 'Enter a peer by hand, or give one another name'
            cand set 'Change what was entered of a peer: its name with --name NAME, its tags'
            cand trust 'Say which key a peer has: the one that is given, or the one that is there now'
            cand rm 'Forget peers; of those that others tell of, bootstrap learns again'
            cand prune 'Forget the peers, none of them entered by hand, that were not seen for some time'
        }
        &'p2p;help;peers;add'= {
        }
        &'p2p;help;peers;set'= {
        }
        &'p2p;help;peers;trust'= {
        }
        &'p2p;help;peers;rm'= {
        }
        &'p2p;help;peers;prune'= {
        }
        &'p2p;help;ping'= {
        }
        &'p2p;help;bootstrap'= {
        }
        &'p2p;help;leave'= {
        }
        &'p2p;help;log'= {
        }
        &'p2p;help;id'= {
        }
        &'p2p;help;config'= {
            cand show 'Print every effective value and where it came from (the default)'
            cand path 'Print where configuration and state are'
            cand init 'Write an example configuration'
            cand check 'Read the configuration and say what is wrong with it'
        }
        &'p2p;help;config;show'= {
        }
        &'p2p;help;config;path'= {
        }
        &'p2p;help;config;init'= {
        }
        &'p2p;help;config;check'= {
        }
        &'p2p;help;completions'= {
        }
        &'p2p;help;help'= {
        }
    ]
    $completions[$command]
}
