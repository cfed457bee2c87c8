
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'p2p' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'p2p'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'p2p' {
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('listen', 'listen', [CompletionResultType]::ParameterValue, 'Receive in the foreground')
            [CompletionResult]::new('send', 'send', [CompletionResultType]::ParameterValue, 'Send one message to one peer')
            [CompletionResult]::new('broadcast', 'broadcast', [CompletionResultType]::ParameterValue, 'Send one message to many peers')
            [CompletionResult]::new('peers', 'peers', [CompletionResultType]::ParameterValue, 'List and edit the peers that are known')
            [CompletionResult]::new('ping', 'ping', [CompletionResultType]::ParameterValue, 'Greet peers: is it there, who is it, how fast')
            [CompletionResult]::new('bootstrap', 'bootstrap', [CompletionResultType]::ParameterValue, 'Greet the static peers of the configuration and those of the local network, and learn of others')
            [CompletionResult]::new('leave', 'leave', [CompletionResultType]::ParameterValue, 'Tell peers that we go, so that they forget us')
            [CompletionResult]::new('log', 'log', [CompletionResultType]::ParameterValue, 'Read the history of messages')
            [CompletionResult]::new('id', 'id', [CompletionResultType]::ParameterValue, 'Print who we are: name, addresses, key')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Show, find, make or check the configuration')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completion script of a shell')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'p2p;listen' {
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'The port; 0 takes a free one [default: 5000]')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The port; 0 takes a free one [default: 5000]')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'Listen on this address of the machine only')
            [CompletionResult]::new('--bind', '--bind', [CompletionResultType]::ParameterName, 'Listen on this address of the machine only')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Tell others that this is our address')
            [CompletionResult]::new('--advertise', '--advertise', [CompletionResultType]::ParameterName, 'Tell others that this is our address')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Stop after so many messages')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'Stop after so many messages')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Stop after this time')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Stop after this time')
            [CompletionResult]::new('--accept', '--accept', [CompletionResultType]::ParameterName, 'Whose messages are taken: any, known (of peers in the list), trusted (of those whose key was given) [default: any]')
            [CompletionResult]::new('--secure', '--secure', [CompletionResultType]::ParameterName, 'Whether they have to be encrypted: require, prefer (plain programs may write, too), off [default: prefer]')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Take messages only from these peers, and tell others that they are refused; may be repeated')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Take only messages of these topics: a word, or a pattern with * and ?; may be repeated')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'Run this command for each message')
            [CompletionResult]::new('--exec', '--exec', [CompletionResultType]::ParameterName, 'Run this command for each message')
            [CompletionResult]::new('--exec-timeout', '--exec-timeout', [CompletionResultType]::ParameterName, 'End a command of -x or a hook after this time [default: 30s]')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'How many such commands run at once [default: 4]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many such commands run at once [default: 4]')
            [CompletionResult]::new('--share-peers', '--share-peers', [CompletionResultType]::ParameterName, 'Who is told of our peers when asking: any, trusted (those whose key was given), nobody [default: trusted]')
            [CompletionResult]::new('--recheck', '--recheck', [CompletionResultType]::ParameterName, 'Look again, every so often, for a few of the peers that have gone silent: at least 1s [default: never]')
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-1', '-1', [CompletionResultType]::ParameterName, 'Stop after one message')
            [CompletionResult]::new('--reply', '--reply', [CompletionResultType]::ParameterName, 'Send what the command of -x prints, and its exit status, back to senders that wait for a reply')
            [CompletionResult]::new('--bootstrap', '--bootstrap', [CompletionResultType]::ParameterName, 'Greet the static peers of the configuration first')
            [CompletionResult]::new('--lan', '--lan', [CompletionResultType]::ParameterName, 'Announce us in the local network, for bootstrap --lan and peers --lan: everybody there sees our name, our key, our port and the addresses of this machine')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Print the exact bytes of each text instead of escaping them')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'p2p;send' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Read the text from this file')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Read the text from this file')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'What it is about, in one word; only another p2p can be told')
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'Its id, instead of one at random: a p2p shows a message of ours with the same id once, however often it is sent and whatever its text')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Time limit of one try: find the host, connect, get the answer [default: 5s]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Time limit of one try: find the host, connect, get the answer [default: 5s]')
            [CompletionResult]::new('--retry', '--retry', [CompletionResultType]::ParameterName, 'Try again so often, where that is safe and may help')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'Try again for this long, after pauses from 200ms to 5s')
            [CompletionResult]::new('--secure', '--secure', [CompletionResultType]::ParameterName, 'Whether it has to be encrypted: require, prefer (whenever a p2p is there), off [default: prefer]')
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--lines', '--lines', [CompletionResultType]::ParameterName, 'Send each line of stdin as a message of its own, as it comes; ends at the first that is not acknowledged')
            [CompletionResult]::new('--reply', '--reply', [CompletionResultType]::ParameterName, 'Wait for what the peer''s command for it (`listen -x CMD --reply`) prints; the time limit counts for that, too')
            [CompletionResult]::new('--require-ack', '--require-ack', [CompletionResultType]::ParameterName, 'Fail if the peer is a plain program, which can read but not acknowledge')
            [CompletionResult]::new('--allow-empty', '--allow-empty', [CompletionResultType]::ParameterName, 'Allow a text of nothing, or of nothing but blanks')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'p2p;broadcast' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Read the text from this file')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Read the text from this file')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'Only to these peers: a name, HOST:PORT, or @TAG; may be repeated')
            [CompletionResult]::new('--except', '--except', [CompletionResultType]::ParameterName, 'Not to these peers; may be repeated')
            [CompletionResult]::new('--active', '--active', [CompletionResultType]::ParameterName, 'Only to peers that were seen in this time')
            [CompletionResult]::new('--quorum', '--quorum', [CompletionResultType]::ParameterName, 'How many have to have it: all, any, a number, or a percentage as 50%')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'What it is about, in one word; only another p2p can be told')
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'Its id, instead of one at random: a p2p shows a message of ours with the same id once, however often it is sent and whatever its text')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'How many peers are contacted at once [default: 64]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many peers are contacted at once [default: 64]')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Time limit of one try: find the host, connect, get the answer [default: 5s]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Time limit of one try: find the host, connect, get the answer [default: 5s]')
            [CompletionResult]::new('--retry', '--retry', [CompletionResultType]::ParameterName, 'Try again so often, where that is safe and may help')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'Try again for this long, after pauses from 200ms to 5s')
            [CompletionResult]::new('--secure', '--secure', [CompletionResultType]::ParameterName, 'Whether it has to be encrypted: require, prefer (whenever a p2p is there), off [default: prefer]')
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--reply', '--reply', [CompletionResultType]::ParameterName, 'Wait for what the peer''s command for it (`listen -x CMD --reply`) prints; the time limit counts for that, too')
            [CompletionResult]::new('--require-ack', '--require-ack', [CompletionResultType]::ParameterName, 'Fail if the peer is a plain program, which can read but not acknowledge')
            [CompletionResult]::new('--allow-empty', '--allow-empty', [CompletionResultType]::ParameterName, 'Allow a text of nothing, or of nothing but blanks')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'p2p;peers' {
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Only these: a name, HOST:PORT, @TAG, or a pattern with * and ? for names; may be repeated')
            [CompletionResult]::new('--active', '--active', [CompletionResultType]::ParameterName, 'Only peers that were seen lately: in this time, or in the last hour')
            [CompletionResult]::new('--source', '--source', [CompletionResultType]::ParameterName, 'Only peers that came to be known in this way')
            [CompletionResult]::new('--lan', '--lan', [CompletionResultType]::ParameterName, 'Ask the local network first, and list those that announce themselves there; they are not greeted. Less than 2s may miss some [default: asking for 2s]')
            [CompletionResult]::new('--sort', '--sort', [CompletionResultType]::ParameterName, 'In which order')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'With --check: how many peers are contacted at once [default: 64]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'With --check: how many peers are contacted at once [default: 64]')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'With --check: time limit for each peer [default: 5s]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'With --check: time limit for each peer [default: 5s]')
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Greet them first; those that do not answer become stale. Of those that we only know from others, only the ones that are meant: with --lan, with --source, or by name or address, at most 256')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Enter a peer by hand, or give one another name')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Change what was entered of a peer: its name with --name NAME, its tags')
            [CompletionResult]::new('trust', 'trust', [CompletionResultType]::ParameterValue, 'Say which key a peer has: the one that is given, or the one that is there now')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Forget peers; of those that others tell of, bootstrap learns again')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Forget the peers, none of them entered by hand, that were not seen for some time')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'p2p;peers;add' {
            [CompletionResult]::new('--tag', '--tag', [CompletionResultType]::ParameterName, 'Give it this tag, so that @TAG means it; may be repeated')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Its key, as `p2p id` prints it there')
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'p2p;peers;set' {
            [CompletionResult]::new('--tag', '--tag', [CompletionResultType]::ParameterName, 'Give it this tag; may be repeated')
            [CompletionResult]::new('--untag', '--untag', [CompletionResultType]::ParameterName, 'Take this tag from it; may be repeated')
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'p2p;peers;trust' {
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Its key, as `p2p id` prints it there')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Time limit of one try: find the host, connect, get the answer [default: 5s]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Time limit of one try: find the host, connect, get the answer [default: 5s]')
            [CompletionResult]::new('--retry', '--retry', [CompletionResultType]::ParameterName, 'Try again so often, where that is safe and may help')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'Try again for this long, after pauses from 200ms to 5s')
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'p2p;peers;rm' {
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'p2p;peers;prune' {
            [CompletionResult]::new('--older', '--older', [CompletionResultType]::ParameterName, 'Not seen for this time')
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only say which')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'p2p;peers;help' {
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Enter a peer by hand, or give one another name')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Change what was entered of a peer: its name with --name NAME, its tags')
            [CompletionResult]::new('trust', 'trust', [CompletionResultType]::ParameterValue, 'Say which key a peer has: the one that is given, or the one that is there now')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Forget peers; of those that others tell of, bootstrap learns again')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Forget the peers, none of them entered by hand, that were not seen for some time')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'p2p;peers;help;add' {
            break
        }
        'p2p;peers;help;set' {
            break
        }
        'p2p;peers;help;trust' {
            break
        }
        'p2p;peers;help;rm' {
            break
        }
        'p2p;peers;help;prune' {
            break
        }
        'p2p;peers;help;help' {
            break
        }
        'p2p;ping' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'How often')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'How often')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'From the beginning of one round to that of the next [default: 1s]')
            [CompletionResult]::new('--interval', '--interval', [CompletionResultType]::ParameterName, 'From the beginning of one round to that of the next [default: 1s]')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'How many peers are contacted at once [default: 64]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many peers are contacted at once [default: 64]')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Time limit of one try: find the host, connect, get the answer [default: 5s]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Time limit of one try: find the host, connect, get the answer [default: 5s]')
            [CompletionResult]::new('--retry', '--retry', [CompletionResultType]::ParameterName, 'Try again so often, where that is safe and may help')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'Try again for this long, after pauses from 200ms to 5s')
            [CompletionResult]::new('--secure', '--secure', [CompletionResultType]::ParameterName, 'Whether it has to be encrypted: require, prefer (whenever a p2p is there), off [default: prefer]')
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All known peers that have not left, but for those of which we only know from others')
            [CompletionResult]::new('--learn', '--learn', [CompletionResultType]::ParameterName, 'Ask those that answer encrypted which peers they know, and enter these as learned')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'p2p;bootstrap' {
            [CompletionResult]::new('--hello', '--hello', [CompletionResultType]::ParameterName, 'Also send them this message; - reads it from stdin')
            [CompletionResult]::new('--lan', '--lan', [CompletionResultType]::ParameterName, 'Find peers that announce themselves in the local network, and greet them, too. Less than 2s may miss some [default: asking for 2s]')
            [CompletionResult]::new('--quorum', '--quorum', [CompletionResultType]::ParameterName, 'How many have to answer: all, any, a number, or a percentage as 50%')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'How many peers are contacted at once [default: 64]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many peers are contacted at once [default: 64]')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Time limit of one try: find the host, connect, get the answer [default: 5s]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Time limit of one try: find the host, connect, get the answer [default: 5s]')
            [CompletionResult]::new('--retry', '--retry', [CompletionResultType]::ParameterName, 'Try again so often, where that is safe and may help')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'Try again for this long, after pauses from 200ms to 5s')
            [CompletionResult]::new('--secure', '--secure', [CompletionResultType]::ParameterName, 'Whether it has to be encrypted: require, prefer (whenever a p2p is there), off [default: prefer]')
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--no-learn', '--no-learn', [CompletionResultType]::ParameterName, 'Do not ask which peers they know')
            [CompletionResult]::new('--meet', '--meet', [CompletionResultType]::ParameterName, 'Also greet peers that were only learned, at most 256 at a time; who does not answer is left alone until somebody has seen it again')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'p2p;leave' {
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'How many peers are contacted at once [default: 64]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many peers are contacted at once [default: 64]')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Time limit of one try: find the host, connect, get the answer [default: 5s]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Time limit of one try: find the host, connect, get the answer [default: 5s]')
            [CompletionResult]::new('--retry', '--retry', [CompletionResultType]::ParameterName, 'Try again so often, where that is safe and may help')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'Try again for this long, after pauses from 200ms to 5s')
            [CompletionResult]::new('--secure', '--secure', [CompletionResultType]::ParameterName, 'Whether it has to be encrypted: require, prefer (whenever a p2p is there), off [default: prefer]')
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'p2p;log' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Only the last so many; with --new, the first so many of the new ones. A text that was sent to many counts once')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'Only the last so many; with --new, the first so many of the new ones. A text that was sent to many counts once')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Only those that are not older: a length of time, or a time in UTC as 2026-01-31T18:00:00Z')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Only from these peers, or with --sent to them; may be repeated')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Only of these topics: a word, or a pattern with * and ?; may be repeated')
            [CompletionResult]::new('--new', '--new', [CompletionResultType]::ParameterName, 'Only those that no call with this cursor has handed out')
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--sent', '--sent', [CompletionResultType]::ParameterName, 'Messages that were sent, with what became of them')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Go on with those that are still to come')
            [CompletionResult]::new('--follow', '--follow', [CompletionResultType]::ParameterName, 'Go on with those that are still to come')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Print the exact bytes of each text instead of escaping them')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'p2p;id' {
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'p2p;config' {
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print every effective value and where it came from (the default)')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Print where configuration and state are')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Write an example configuration')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Read the configuration and say what is wrong with it')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'p2p;config;show' {
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'p2p;config;path' {
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'p2p;config;init' {
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'p2p;config;check' {
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'p2p;config;help' {
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print every effective value and where it came from (the default)')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Print where configuration and state are')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Write an example configuration')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Read the configuration and say what is wrong with it')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'p2p;config;help;show' {
            break
        }
        'p2p;config;help;path' {
            break
        }
        'p2p;config;help;init' {
            break
        }
        'p2p;config;help;check' {
            break
        }
        'p2p;config;help;help' {
            break
        }
        'p2p;completions' {
            [CompletionResult]::new('--home', '--home', [CompletionResultType]::ParameterName, 'Keep configuration and state in this directory')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Call ourselves this, in one word')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, also without a terminal')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'p2p;help' {
            [CompletionResult]::new('listen', 'listen', [CompletionResultType]::ParameterValue, 'Receive in the foreground')
            [CompletionResult]::new('send', 'send', [CompletionResultType]::ParameterValue, 'Send one message to one peer')
            [CompletionResult]::new('broadcast', 'broadcast', [CompletionResultType]::ParameterValue, 'Send one message to many peers')
            [CompletionResult]::new('peers', 'peers', [CompletionResultType]::ParameterValue, 'List and edit the peers that are known')
            [CompletionResult]::new('ping', 'ping', [CompletionResultType]::ParameterValue, 'Greet peers: is it there, who is it, how fast')
            [CompletionResult]::new('bootstrap', 'bootstrap', [CompletionResultType]::ParameterValue, 'Greet the static peers of the configuration and those of the local network, and learn of others')
            [CompletionResult]::new('leave', 'leave', [CompletionResultType]::ParameterValue, 'Tell peers that we go, so that they forget us')
            [CompletionResult]::new('log', 'log', [CompletionResultType]::ParameterValue, 'Read the history of messages')
            [CompletionResult]::new('id', 'id', [CompletionResultType]::ParameterValue, 'Print who we are: name, addresses, key')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Show, find, make or check the configuration')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completion script of a shell')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'p2p;help;listen' {
            break
        }
        'p2p;help;send' {
            break
        }
        'p2p;help;broadcast' {
            break
        }
        'p2p;help;peers' {
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Enter a peer by hand, or give one another name')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Change what was entered of a peer: its name with --name NAME, its tags')
            [CompletionResult]::new('trust', 'trust', [CompletionResultType]::ParameterValue, 'Say which key a peer has: the one that is given, or the one that is there now')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Forget peers; of those that others tell of, bootstrap learns again')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Forget the peers, none of them entered by hand, that were not seen for some time')
            break
        }
        'p2p;help;peers;add' {
            break
        }
        'p2p;help;peers;set' {
            break
        }
        'p2p;help;peers;trust' {
            break
        }
        'p2p;help;peers;rm' {
            break
        }
        'p2p;help;peers;prune' {
            break
        }
        'p2p;help;ping' {
            break
        }
        'p2p;help;bootstrap' {
            break
        }
        'p2p;help;leave' {
            break
        }
        'p2p;help;log' {
            break
        }
        'p2p;help;id' {
            break
        }
        'p2p;help;config' {
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print every effective value and where it came from (the default)')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Print where configuration and state are')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Write an example configuration')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Read the configuration and say what is wrong with it')
            break
        }
        'p2p;help;config;show' {
            break
        }
        'p2p;help;config;path' {
            break
        }
        'p2p;help;config;init' {
            break
        }
        'p2p;help;config;check' {
            break
        }
        'p2p;help;completions' {
            break
        }
        'p2p;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
