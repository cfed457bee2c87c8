//! Texts that steer terminals, forge lines, or are taken for options and commands.

use std::collections::BTreeSet;
use std::process::Command;

use super::{
    HIDDEN, ORDERS, all_hidden, both_are_tame, is_tame, on_terminal, receiver, unescaped,
    verdict_of,
};
use crate::raw::{Raw, Teller, key_of};
use crate::support::{Home, Listener, lines_of, outcome, say};

/// All that shows what has arrived: calls that read, into a pipe and onto a terminal, and how many tabs of ours are in a line.
const READERS: [(&[&str], usize); 8] = [
    (&["log"], 0),
    (&["log", "--json"], 0),
    (&["peers"], 5),
    (&["peers", "--json"], 0),
    (&["peers", "--sort", "seen"], 5),
    (&["completions", "fish", "--", "p2p", "send", ""], 1),
    (&["completions", "zsh", "--", "p2p", "send", "127"], 1),
    (&["completions", "bash", "--", "p2p", "listen", "--topic", ""], 1),
];

/// Whoever reads the history and the list of peers is safe, and so is who prints the files themselves.
#[track_caller]
fn nothing_shows(home: &Home) {
    for (arguments, tabs) in READERS {
        let into_pipe = home.run(arguments).stdout;
        for (where_to, shown) in
            [("a pipe", Some(into_pipe)), ("a terminal", on_terminal(home, arguments))]
        {
            let Some(shown) = shown else { continue };
            let worst = shown.lines().map(|line| line.matches('\t').count()).max();
            assert!(worst.unwrap_or_default() <= tabs, "{arguments:?} into {where_to}: {shown}");
            is_tame(&format!("{arguments:?} into {where_to}"), &shown.replace('\t', ""));
        }
    }
    for entry in std::fs::read_dir(home.path()).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read(&path).unwrap();
        if path.extension().is_none_or(|kind| kind != "seen") {
            is_tame(&path.display().to_string(), &String::from_utf8_lossy(&text));
        }
    }
}

/// Names with orders to the terminal, from a plain program, in a session, from a listener that answers, and from one that
/// tells of others.
#[test]
fn croc_cve_2023_43620_a_name_cannot_steer_the_terminal() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let listener = Listener::start(&bob);
    let key = key_of(&bob);
    for (number, order) in ORDERS.iter().enumerate() {
        let text = format!("127.0.0.1:{} x{order}y hello", 7000 + number);
        say(listener.address(), text.as_bytes());
        let text = format!("127.0.0.1:{} @ <The {order}Team>\nhello\n<end>", 7100 + number);
        say(listener.address(), text.as_bytes());
        let hello =
            serde_json::json!({"type": "hello", "name": format!("x{order}y"), "port": 7200});
        let mut session = Raw::begin(listener.address(), key);
        session.say(format!("{hello}\n").as_bytes());
        session.say(b"{\"type\":\"message\",\"id\":\"").say(format!("n{number}").as_bytes());
        session.say(b"\",\"size\":5}\nhello");
        assert!(session.rest_after_hello().contains("ok"));
    }
    for _ in 0..ORDERS.len() * 3 {
        let line = listener.line();
        is_tame("a line of the listener", &line);
        assert!(line.starts_with("127.0.0.1") && line.ends_with(" hello"), "{line:?}");
    }
    listener.stop();
    nothing_shows(&bob);
    // listeners that answer with such a name, in a verdict and in words, and one that tells of others so named
    let mut calls = 0;
    for order in ORDERS {
        let name = format!("x{order}y").replace([' ', '\n'], "");
        let told = format!("10.0.0.2:7000 {name} connected");
        let (named, other) = (name.clone(), name.clone());
        let receivers = [
            receiver(move |said| verdict_of(said, &named)),
            receiver(move |_| told.clone().into_bytes()),
            receiver(move |_| format!("ACK from {other}").into_bytes()),
        ];
        for to in receivers {
            let to = to.to_string();
            for arguments in [&["ping", &to][..], &["send", &to, "hi", "-t", "2s"]] {
                both_are_tame(&format!("{arguments:?}"), &alice.run(arguments));
                let both = [arguments, &["--json"]].concat();
                both_are_tame(&format!("{both:?}"), &alice.run(both));
                calls += 2;
            }
        }
    }
    let list: Vec<_> = ORDERS
        .iter()
        .enumerate()
        .map(|(n, o)| serde_json::json!({"addr": format!("127.0.0.9:{}", 7000 + n), "name": format!("x{o}y"), "age": 1}))
        .collect();
    let list = serde_json::to_string(&list).unwrap();
    let teller = Teller::of(7, list, ORDERS.len());
    alice.configure(&teller.listed());
    both_are_tame("bootstrap", &alice.run(["bootstrap", "-t", "2s"]));
    assert!(alice.peer("127.0.0.9:7000").is_some(), "it has learned of them");
    nothing_shows(&alice);
    figures!("{} orders in names, {calls} calls of listeners that give such names", ORDERS.len());
}

/// What stands in a path, a configuration or another file of ours is shown escaped when an error quotes it.
#[test]
fn gitoxide_cve_2024_43785_an_error_that_quotes_a_file_cannot_steer_the_terminal() {
    let home = Home::new("me");
    let mut calls = 0;
    for order in ORDERS {
        let quoted = order.replace('\n', "");
        let config = home.file("odd.toml");
        home.configure("");
        // below a file there is nothing, and nothing can be made
        let path = format!("{}/{quoted}", home.file("config.toml").display());
        for text in [
            format!("name = \"{quoted}\n"),
            format!("\"{quoted}\" = 1\n"),
            format!("[[peer]]\naddr = '{quoted}'\n"),
            format!("# {quoted}\nname = = 2\n"),
            format!(
                "[listen]\naccept = \"{}\"\n",
                quoted.escape_unicode().to_string().replace("\\u{", "\\U0000").replace('}', "")
            ),
        ] {
            std::fs::write(&config, text).unwrap();
            let said = home.run(["-c", config.to_str().unwrap(), "config", "check"]);
            both_are_tame("config check", &said);
            assert_eq!(said.status.code(), Some(2), "{}", said.report());
            calls += 1;
        }
        for arguments in [
            &["send", "127.0.0.1:9", "-f", &path][..],
            &["-c", &path, "peers"],
            &["--home", &path, "id"],
            &["send", &quoted, "x"],
            &["send", &format!("{quoted}:5"), "x"],
            &["peers", "add", &quoted, "127.0.0.1:5"],
            &["listen", "--topic", &quoted, "--bind", &quoted],
            &["log", "--new=x", "--since", &quoted],
            &[&quoted],
            &[&format!("--{quoted}")],
        ] {
            for json in [&[][..], &["--json"]] {
                both_are_tame(&format!("{arguments:?}"), &home.run(arguments.iter().chain(json)));
                calls += 1;
            }
            if let Some(shown) = on_terminal(&home, arguments) {
                is_tame(&format!("{arguments:?} on a terminal"), &shown);
            }
        }
    }
    // lines of the history and of the peers file as somebody else may have written them
    std::fs::remove_dir_all(home.path()).unwrap();
    home.run(["peers", "add", "x", "127.0.0.1:5"]).succeeds();
    std::fs::write(home.file("peers"), format!("{}\n", ORDERS.join("\n"))).unwrap();
    both_are_tame("peers of rubbish", &home.run(["peers"]));
    figures!("{calls} errors that quote what cannot be shown");
}

/// Every character that cannot be seen, in a text and in a name, through every way out.
#[test]
fn trojan_source_cve_2021_42574_what_cannot_be_seen_is_escaped_wherever_it_comes_out() {
    let bob = Home::new("bob");
    let all = all_hidden();
    let text = format!("begin{all}end");
    let names: Vec<_> = HIDDEN.iter().flat_map(|(first, last, _)| [*first, *last]).collect();
    let names: BTreeSet<char> = names.into_iter().filter_map(char::from_u32).collect();
    let mut shown = 0;
    for form in ["text", "json"] {
        let arguments = ["-b", "127.0.0.1", "--json"];
        let count = if form == "json" { 3 } else { 2 };
        let listener = Listener::start_with(&bob, &arguments[..count]);
        say(listener.address(), format!("127.0.0.1:7000 mallory {text}").as_bytes());
        for (number, c) in names.iter().enumerate() {
            // two names apart from each other by nothing that can be seen
            say(listener.address(), format!("127.0.0.1:{} a{c}b hi", 8000 + number).as_bytes());
        }
        let whole = if form == "json" {
            let messages = std::iter::repeat_with(|| listener.line())
                .inspect(|line| is_tame("listen --json", line))
                .filter(|line| line.starts_with("{\"event\":\"message\""))
                .take(names.len() + 1);
            let first = messages.collect::<Vec<_>>().remove(0);
            let object: serde_json::Value = serde_json::from_str(&first).unwrap();
            object["body"].as_str().unwrap().as_bytes().to_vec()
        } else {
            let first = listener.line();
            is_tame("listen", &first);
            (0..names.len()).for_each(|_| is_tame("a name in listen", &listener.line()));
            unescaped(first.strip_prefix("127.0.0.1:7000 mallory ").unwrap())
        };
        assert_eq!(whole, text.as_bytes(), "{form}: nothing of it is lost");
        shown += names.len() + 1;
        listener.stop();
    }
    nothing_shows(&bob);
    // names that look alike are one name or none
    let listed: Vec<_> = bob
        .json(&["peers"])
        .into_iter()
        .filter_map(|p| Some(p["name"].as_str()?.to_owned()))
        .collect();
    let odd: Vec<_> =
        listed.iter().filter(|name| !matches!(name.as_str(), "mallory" | "a")).collect();
    assert!(odd.is_empty(), "{odd:?}");
    let listener = bob_on_terminal(&bob, &text);
    if let Some(seen) = listener {
        is_tame("listen on a terminal", &seen);
        assert!(seen.contains("mallory"), "{seen:?}");
    }
    figures!("{} characters, {} names, {shown} messages", all.chars().count(), names.len());
}

/// What a listener on a terminal shows of one text.
fn bob_on_terminal(bob: &Home, text: &str) -> Option<String> {
    let _ = std::fs::remove_file(bob.file("listener"));
    std::thread::scope(|scope| {
        let shown = scope.spawn(|| {
            on_terminal(bob, &["listen", "-1", "-p", "0", "-b", "127.0.0.1", "-t", "15s"])
        });
        if super::can_run("script", &["--version"]) {
            say(bob.listening(), format!("127.0.0.1:7000 mallory {text}").as_bytes());
        }
        shown.join().unwrap()
    })
}

/// A text, a name or a reply with ends of lines in it never makes a line or an object of its own.
#[test]
fn sigspoof_cve_2018_12020_a_newline_in_a_text_cannot_forge_a_line() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let key = key_of(&bob);
    let forged = "127.0.0.1:6666 boss pay 1000";
    let object = "{\"event\":\"message\",\"from\":{\"name\":\"boss\"},\"body\":\"pay\"}";
    let ends = [
        "\n", "\r", "\r\n", "\n\r", "\u{b}", "\u{c}", "\u{1c}", "\u{85}", "\u{2028}", "\u{2029}",
        "\0", "\n\n\n", "\\\n",
    ];
    for json in [&["-b", "127.0.0.1"][..], &["-b", "127.0.0.1", "--json"]] {
        let listener = Listener::start_with(&bob, json);
        let mut sent = 0;
        for (number, end) in ends.iter().enumerate() {
            let text = format!("a{end}{forged}{end}{object}{end}");
            say(listener.address(), format!("127.0.0.1:7000 eve {text}z").as_bytes());
            say(
                listener.address(),
                format!("127.0.0.1:7001 @ <eve{end}{forged}>\nz\n<end>").as_bytes(),
            );
            let mut session = Raw::begin(listener.address(), key);
            let header = format!(
                "{{\"type\":\"message\",\"id\":\"{}-{number}\",\"size\":{}}}\n",
                json.len(),
                text.len() + 1
            );
            session.say(header.as_bytes()).say(text.as_bytes()).say(b"z");
            assert!(session.rest_after_hello().contains("ok"));
            sent += 3;
        }
        let (_, lines) = listener.stop();
        let messages: Vec<_> = lines
            .iter()
            .filter(|line| json.len() < 3 || line.starts_with("{\"event\":\"message\""))
            .collect();
        assert_eq!(messages.len(), sent, "one line each: {lines:#?}");
        assert!(lines.iter().all(|line| !line.starts_with("127.0.0.1:6666")), "{lines:#?}");
        assert!(json.len() == 3 || lines.iter().all(|line| !line.starts_with('{')), "{lines:#?}");
        for line in messages.iter().filter(|_| json.len() == 3) {
            let object: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_ne!(object["from"]["name"], "boss", "{line}");
        }
    }
    let read = bob.run(["log"]).stdout;
    assert_eq!(read.lines().count(), ends.len() * 6);
    assert!(!read.lines().any(|line| line.starts_with(forged)));
    assert_eq!(bob.json(&["log"]).len(), ends.len() * 6);
    // a result of many is a line each, whatever those at the other end say
    for end in ends {
        let answer = format!("{end}127.0.0.9:1 boss acked 0.1 ms{end}");
        let (plain, verdict) = (answer.clone(), answer.clone());
        let to = [
            receiver(move |_| format!("ACK{plain}").into_bytes()),
            receiver(move |said| verdict_of(said, &format!("x{verdict}"))),
            receiver(move |_| format!("P2P/1 NO x{answer}\n").into_bytes()),
        ];
        let mut arguments = vec!["broadcast".to_owned(), "hi".into(), "-t".into(), "2s".into()];
        for (number, to) in to.iter().enumerate() {
            alice.run(["peers", "add", &format!("p{number}"), &to.to_string()]).succeeds();
            arguments.extend(["--to".into(), to.to_string()]);
        }
        let said = alice.run(&arguments);
        both_are_tame("broadcast", &said);
        assert_eq!(said.stdout.lines().count(), 3, "{}", said.report());
        assert!(!said.stdout.contains("\n127.0.0.9:1 "), "{}", said.report());
        alice.run(["peers", "rm", "p0", "p1", "p2"]).fails(0, "");
    }
    figures!("{} ends of lines in 6 messages and 3 answers each", ends.len());
}

/// What a shell makes of the words of a text: they, and nothing that was run.
fn as_shell_words(code: &str, canary: &std::path::Path) -> Vec<String> {
    let dir = canary.parent().unwrap();
    let mut shell = Command::new("/bin/sh");
    shell.current_dir(dir).env_clear().env("PATH", "/usr/bin:/bin");
    // the program itself is not run: its words are printed
    shell.args(["-c", &format!("p2p() {{ printf '%s\\n' \"$@\"; }}\n{code}")]);
    let words = outcome(&mut shell, None).stdout;
    assert!(!canary.exists(), "`{code}` has run something");
    words.lines().map(str::to_owned).collect()
}

/// Names that are options or commands, and hints that a person pastes.
#[test]
fn openssh_cve_2023_51385_a_name_is_neither_an_option_nor_shell_text() {
    let bob = Home::new("bob");
    let listener = Listener::start(&bob);
    let options = ["-oProxyCommand=sh", "--home=/", "-", "--", "-1", "-x"];
    for (number, name) in options.iter().enumerate() {
        say(listener.address(), format!("127.0.0.1:{} {name} hi", 7000 + number).as_bytes());
        assert_eq!(
            bob.peer(&format!("127.0.0.1:{}", 7000 + number)).unwrap().get("name"),
            None,
            "{name}"
        );
    }
    let commands = [
        "a;>canary;x",
        "b$(>canary)x",
        "c`>canary`x",
        "d|tee>canary",
        "e&>canary",
        "f'>canary;'x",
        "g\">canary",
        "h>canary",
        "i#>canary",
    ];
    let key = key_of(&bob);
    for (number, name) in commands.iter().enumerate() {
        let port = 7100 + number;
        say(listener.address(), format!("127.0.0.1:{port} {name} hi").as_bytes());
        // a topic that is an option is none, and one that is a command is a word
        let mut session = Raw::begin(listener.address(), key);
        let header = serde_json::json!({"type": "message", "id": format!("t{number}"), "size": 0, "topic": name});
        session.say(format!("{header}\n").as_bytes());
        assert!(session.rest_after_hello().contains("ok"));
        let header = r#"{"type":"message","id":"o","size":0,"topic":"-oProxyCommand=sh"}"#;
        session = Raw::begin(listener.address(), key);
        session.say(format!("{header}\n").as_bytes());
        assert!(!session.rest_after_hello().contains("ok"));
    }
    listener.stop();
    let canary = bob.file("canary");
    let mut pasted = 0;
    for name in commands {
        let mistyped = format!("{name}x");
        let calls: [&[&str]; 7] = [
            &["send", &mistyped, "x"],
            &["listen", "--from", name, "-p", "0"],
            &["listen", "--from", &mistyped, "-p", "0"],
            &["broadcast", "x", "--to", &mistyped],
            &["send", &format!("@{name}"), "x"],
            &["ping", &format!("@{name}")],
            &["peers", "set", &mistyped, "--name", name],
        ];
        for call in calls {
            let said = bob.run(call);
            both_are_tame(&format!("{call:?}"), &said);
            let hint = said.stderr.lines().find_map(|line| line.strip_prefix("hint: "));
            for command in hint.into_iter().filter_map(|hint| Some(&hint[hint.find("p2p ")?..])) {
                if hint.is_some_and(|hint| hint.contains("`p2p peers` lists all")) {
                    continue;
                }
                let words = as_shell_words(command, &canary);
                assert!(
                    words.iter().any(|word| word.trim_start_matches('@').starts_with(&name[..1])),
                    "{command}: {words:?}"
                );
                pasted += 1;
            }
        }
        // who we are is a command that others paste
        let id = outcome(bob.command().env("P2P_NAME", name).args(["id", "--json"]), None);
        let id: serde_json::Value = serde_json::from_str(&id.stdout).unwrap();
        let words = as_shell_words(id["add"].as_str().unwrap(), &canary);
        assert_eq!(words[..3], ["peers", "add", id["name"].as_str().unwrap()]);
        pasted += 1;
    }
    assert!(pasted >= commands.len() * 3, "{pasted}");
    figures!(
        "{} names, {pasted} commands of hints and of `p2p id` pasted into a shell",
        options.len() + commands.len()
    );
}

/// The log is written by those who write to us, and read on a terminal, also while it grows.
#[test]
fn gh_cve_2026_45803_a_log_that_is_followed_cannot_steer_the_terminal() {
    let bob = Home::new("bob");
    let listener = Listener::start(&bob);
    // who has shown this follows from there on
    say(listener.address(), b"127.0.0.1:6999 first first");
    let mut calls = Vec::new();
    for arguments in
        [&["log", "-f", "-n", "1"][..], &["log", "-f", "--json"], &["log", "--new", "-f"]]
    {
        let mut command = bob.command();
        let mut child =
            command.args(arguments).stdout(std::process::Stdio::piped()).spawn().unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        lines.recv_timeout(crate::support::PATIENCE).unwrap();
        calls.push((child, lines));
    }
    for (number, order) in ORDERS.iter().enumerate() {
        say(
            listener.address(),
            format!("127.0.0.1:{} x{order} {order}{}", 7000 + number, all_hidden()).as_bytes(),
        );
    }
    let mut count = 0;
    for (mut child, lines) in calls {
        for _ in 0..ORDERS.len() {
            is_tame("log -f", &lines.recv_timeout(crate::support::PATIENCE).unwrap());
            count += 1;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(lines.recv().is_err(), "one line each");
    }
    nothing_shows(&bob);
    figures!("{count} lines followed");
}

/// What goes wrong is said with the words of others in it: hooks that fail and print, warnings, the service manager.
#[test]
fn tracing_cve_2025_58160_what_is_said_on_stderr_cannot_steer_the_terminal() {
    let bob = Home::new("bob");
    let socket = bob.path().with_file_name("notify");
    let manager = std::os::unix::net::UnixDatagram::bind(&socket).unwrap();
    manager.set_nonblocking(true).unwrap();
    let mut command = bob.command();
    command.env("NOTIFY_SOCKET", &socket);
    command.args(["listen", "-p", "0", "-b", "127.0.0.1", "-v", "--json", "-x"]);
    command.arg("cat; cat >&2 /proc/self/environ | tr '\\0' '\\n'; exit 3");
    let listener = Listener::spawn(command);
    for (number, order) in ORDERS.iter().enumerate() {
        let text = format!("127.0.0.1:{} x{order} {order}{}", 7000 + number, all_hidden());
        say(listener.address(), text.as_bytes());
    }
    let mut hooks = 0;
    while hooks < ORDERS.len() {
        let line = listener.line();
        is_tame("listen --json", &line);
        hooks += usize::from(line.contains("\"event\":\"hook\""));
    }
    let mut said = vec![listener.said()];
    let target = listener.target();
    listener.signal("TERM");
    said.extend(listener.all_said());
    for line in &said {
        is_tame("stderr of a listener", line);
    }
    listener.wait();
    let mut told = [0; 4096];
    let mut notes = 0;
    while let Ok(count) = manager.recv(&mut told) {
        let text = String::from_utf8_lossy(&told[..count]).into_owned();
        is_tame("what the service manager is told", &text);
        assert!(text.lines().all(|line| !line.starts_with("STATUS=forged")), "{text}");
        notes += 1;
    }
    assert!(notes > 0, "{target}: the manager was told");
    assert!(said.len() > 1, "hooks have printed");
    figures!("{hooks} hooks, {} lines on stderr, {notes} notes", said.len());
}

/// One who answers may say anything in the place of a refusal, a reply, and what became of a command.
#[test]
fn a_receiver_cannot_steer_the_terminal_of_who_sends_to_it() {
    let alice = Home::new("alice");
    let mut calls = 0;
    for (number, order) in ORDERS.iter().enumerate() {
        let quoted = serde_json::to_string(order).unwrap();
        let body = format!("{order}{}", all_hidden());
        for form in 0..5 {
            let (quoted, body) = (quoted.clone(), body.clone());
            let teller = Teller::start(40 + number as u8, move |question| {
                let id = &question["id"];
                let reply = |head: &str| {
                    let header = format!(
                        "{{\"type\":\"ok\",\"id\":{id}}}\n{{\"type\":\"reply\",\"id\":{id},{head}\"size\":{}}}\n",
                        body.len()
                    );
                    [header.as_bytes(), body.as_bytes()].concat()
                };
                match form {
                    0 => {
                        format!("{{\"type\":\"no\",\"id\":{id},\"code\":{quoted}}}\n").into_bytes()
                    }
                    1 => reply("\"status\":0,"),
                    2 => reply("\"status\":7,"),
                    3 => reply(&format!("\"code\":{quoted},")),
                    _ => format!("{quoted}\n").into_bytes(),
                }
            });
            let (to, key) = (teller.address.to_string(), teller.key.to_string());
            alice.run(["peers", "add", "eve", &to, "--key", &key]).fails(0, "");
            let call = ["send", "eve", "--reply", "--allow-empty", "", "-t", "2s"];
            // into a pipe a reply is data, whatever is in it
            let said = alice.run(call);
            is_tame("stderr of send --reply", &said.stderr);
            assert_ne!(said.status.code(), Some(101), "{}", said.report());
            both_are_tame("send --reply --json", &alice.run(call.iter().chain(&["--json"])));
            let to_all = ["broadcast", "--to", "eve", "--reply", "--allow-empty", "", "-t", "2s"];
            both_are_tame("broadcast --reply", &alice.run(to_all));
            if let Some(shown) = on_terminal(&alice, &call) {
                is_tame("send --reply on a terminal", &shown);
            }
            calls += 4;
            alice.run(["peers", "rm", "eve"]).fails(0, "");
        }
    }
    nothing_shows(&alice);
    figures!("{calls} calls of a listener that answers so");
}
