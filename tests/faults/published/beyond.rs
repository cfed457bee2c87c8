//! More of what others have published, that could have been ours as well.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::{both_are_tame, is_tame};
use crate::raw::{Raw, Teller, key_of};
use crate::support::{
    Home, Listener, P2P, connect, outcome, project_files, read_to_end, say, say_from,
};

/// Two readers of one object took two meanings from a field that was there twice, and a user became the administrator.
#[test]
fn couchdb_cve_2017_12635_a_field_that_is_there_twice_has_no_second_meaning() {
    let bob = Home::new("bob");
    let listener = Listener::start(&bob);
    let key = key_of(&bob);
    let twice = [
        r#"{"type":"message","id":"1","size":2,"size":9}"#,
        r#"{"type":"message","id":"1","size":9,"size":2}"#,
        r#"{"type":"message","id":"1","id":"2","size":2}"#,
        r#"{"type":"message","type":"leave","id":"1","size":2}"#,
        r#"{"type":"message","id":"1","size":2,"\u0073ize":9}"#,
        r#"{"type":"message","id":"1","size":2,"topic":"a","topic":"b"}"#,
    ];
    let odd = [
        r#"{"type":"message","id":"1","size":2.0}"#,
        r#"{"type":"message","id":"1","size":2e0}"#,
        r#"{"type":"message","id":"1","size":"2"}"#,
        r#"{"type":"message","id":"1","size":-2}"#,
        r#"{"type":"message","id":"1","size":1e400}"#,
        r#"{"type":"message","id":"1","size":18446744073709551618}"#,
        r#"{"type":"message","id":"1","size":NaN}"#,
        r#"{"type":"message","id":"1","size":02}"#,
        r#"{"type":"message","id":"\ud800","size":2}"#,
        r#"{"type":"message","id":"1","size":2,"topic":"\ud800"}"#,
        r#"{"type":"message","id":"1","size":2,}"#,
        r#"{"type":"message","id":"1",/**/"size":2}"#,
        r#"{"type":"message","id":"1","size":2} {}"#,
        r#"[{"type":"message","id":"1","size":2}]"#,
    ];
    for header in twice.iter().chain(&odd) {
        let mut session = Raw::begin(listener.address(), key);
        session.say(format!("{header}\nhi 7 bye").as_bytes());
        let said = session.rest_after_hello();
        assert_eq!(said, r#"{"type":"no","code":"malformed"}"#, "{header}");
        assert_eq!(session.rest(), "", "where its frame ends is not known: {header}");
    }
    // on the plain wire such an object is no message of a dialect, and is shown as it is
    let object = br#"{"type":"exit","sender_port":1,"sender_name":"a","type":"message","sender_port":7000,"sender_name":"b","content":"hi"}"#;
    say(listener.address(), object);
    assert_eq!(listener.line(), format!("127.0.0.1 - {}", String::from_utf8_lossy(object)));
    for odd in ["\"\\ud800\"", "\"\\ud800\\ud800\"", "NaN", "1e400", "{}", "[]"] {
        let object = format!(
            "{{\"type\":\"message\",\"sender_port\":7001,\"sender_name\":\"c\",\"content\":{odd}}}"
        );
        assert!(say(listener.address(), object.as_bytes()).starts_with(b"P2P/1 OK "));
        is_tame("listen", &listener.line());
    }
    assert_eq!(bob.json(&["log"]).len(), 7);
    assert_eq!(listener.stop().1, Vec::<String>::new());
    figures!(
        "{} headers with a field twice, {} with odd numbers and texts: none taken",
        twice.len(),
        odd.len()
    );
}

/// A secret that is an argument is seen by every user of the machine; so is none of ours, anywhere.
#[test]
fn croc_cve_2023_43621_the_secret_key_is_seen_by_nobody() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let facts = bob.path().with_file_name("facts");
    let hook =
        format!("cat /proc/$$/environ /proc/$PPID/cmdline >> '{}'; env >&2", facts.display());
    let listener = Listener::start_with(&bob, &["-b", "127.0.0.1", "-v", "-x", &hook, "--reply"]);
    let file = std::fs::read_to_string(bob.file("key")).unwrap();
    let secret: String = file.lines().filter(|line| !line.starts_with('-')).collect();
    let raw = {
        use base64::Engine as _;
        base64::prelude::BASE64_STANDARD.decode(&secret).unwrap()
    };
    let tail = &raw[raw.len() - 32..];
    let hex: String = tail.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut looked = 0;
    let mut hides = |what: &str, bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).to_lowercase();
        let has = text.contains(&secret.to_lowercase()[20..])
            || text.contains(&hex)
            || bytes.windows(32).any(|w| w == tail);
        assert!(!has, "{what} shows the secret key");
        looked += 1;
    };
    alice.run(["ping", &listener.target()]).succeeds();
    let reply = alice.run(["send", &listener.target(), "hi", "--reply", "-v"]);
    hides("a reply", reply.stdout.as_bytes());
    for name in ["cmdline", "environ"] {
        let path = format!("/proc/{}/{name}", listener.pid());
        hides(&path, &std::fs::read(&path).unwrap_or_default());
    }
    hides("a hook", &std::fs::read(&facts).unwrap());
    for call in [
        &["id"][..],
        &["id", "--json", "-v"],
        &["config", "show", "-v"],
        &["config", "path"],
        &["peers", "--json"],
        &["log", "--json"],
    ] {
        let said = bob.run(call);
        hides(&format!("{call:?}"), said.stdout.as_bytes());
        hides(&format!("{call:?}"), said.stderr.as_bytes());
    }
    for line in listener.all_said() {
        hides("stderr of the listener", line.as_bytes());
    }
    listener.stop();
    // a key that is damaged is not quoted by who complains of it
    for damage in [
        file.replace("BEGIN", "BEG1N"),
        file.replace("PRIVATE", "PUBLIC"),
        file[..file.len() - 40].to_owned(),
        format!("{file}x{secret}"),
    ] {
        std::fs::write(bob.file("key"), damage).unwrap();
        let said = bob.run(["id"]);
        hides("an error of a damaged key", said.stderr.as_bytes());
        hides("an error of a damaged key", said.stdout.as_bytes());
    }
    for entry in std::fs::read_dir(bob.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| name != "key") {
            hides(&path.display().to_string(), &std::fs::read(&path).unwrap());
        }
    }
    figures!("{looked} places, in none of them the key");
}

/// Whatever umask somebody has, a key and a history are for their owner.
#[test]
fn a_wide_umask_cwe_276_does_not_open_the_key() {
    let mut files = 0;
    for umask in ["000", "002", "022", "077", "777"] {
        let home = Home::new("me");
        let mut shell = Command::new("/bin/sh");
        let script = format!(
            "umask {umask}; {P2P} id >/dev/null; {P2P} peers add x 10.0.0.1:1; {P2P} send 127.0.0.1:1 x -t 1s; {P2P} listen -p 0 -t 100ms -b 127.0.0.1; {P2P} log --new"
        );
        shell.args(["-c", &script]).env_clear().env("P2P_HOME", home.path()).env("P2P_NAME", "me");
        outcome(&mut shell, None);
        let mode =
            |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        // with the last one not even the owner could enter
        if !home.path().exists() || mode(&home.path()) & 0o700 != 0o700 {
            continue;
        }
        assert_eq!(mode(&home.path()), 0o700, "umask {umask}");
        for entry in std::fs::read_dir(home.path()).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path) & 0o077, 0, "umask {umask}: {}", path.display());
            files += 1;
        }
    }
    assert!(files >= 12, "{files}");
    figures!("{files} files, all of them for their owner");
}

/// A sender that chooses the name of a file chooses which file is written.
#[test]
fn croc_cve_2023_43619_nothing_that_is_received_names_a_file() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let around = bob.path().parent().unwrap().to_owned();
    let all = || -> BTreeSet<String> {
        let files =
            std::fs::read_dir(bob.path()).unwrap().chain(std::fs::read_dir(&around).unwrap());
        files.map(|entry| entry.unwrap().path().display().to_string()).collect()
    };
    let mut command = bob.command();
    let listener = Listener::spawn({
        command.current_dir(&around).args([
            "listen",
            "-p",
            "0",
            "-b",
            "127.0.0.1",
            "-x",
            "cat > /dev/null",
        ]);
        command
    });
    let key = key_of(&bob);
    say(listener.address(), b"127.0.0.1:7000 eve hello");
    Raw::begin(listener.address(), key)
        .say(b"{\"type\":\"message\",\"id\":\"first\",\"size\":2,\"topic\":\"t\"}\nhi")
        .rest_after_hello();
    let before = all();
    let paths = [
        "../evil",
        "/tmp/evil",
        "..",
        ".",
        "key",
        "peers",
        "config.toml",
        "messages.ndjson",
        "./../../evil",
        "a/../../evil",
        "..\\evil",
        "CON",
        "evil\0.txt",
    ];
    let mut said = 0;
    for (number, path) in paths.iter().enumerate() {
        say(listener.address(), format!("127.0.0.1:{} {path} {path}", 7001 + number).as_bytes());
        say(listener.address(), format!("@ <{path}>\n{path}\n<end>").as_bytes());
        for (id, topic) in [(*path, "t"), ("x", *path)] {
            let header = serde_json::json!({"type": "message", "id": format!("{id}{number}"), "size": 2, "topic": topic});
            let mut session = Raw::begin(listener.address(), key);
            let hello = serde_json::json!({"type": "hello", "name": path});
            session.say(format!("{hello}\n{header}\nhi").as_bytes()).rest_after_hello();
            said += 1;
        }
        let list =
            serde_json::json!([{"addr": "127.0.0.9:7000", "name": path, "age": 1}]).to_string();
        let teller = Teller::of(60 + number as u8, list, 1);
        alice.configure(&teller.listed());
        alice.run(["bootstrap", "-q"]);
        said += 3;
    }
    assert_eq!(all(), before, "files of the home, and beside it");
    listener.stop();
    assert_eq!(key_of(&bob), key);
    figures!("{said} names, ids, topics and texts that are paths: no file more");
}

/// A client whose name was a pattern was let in wherever the pattern fitted.
#[test]
fn mosquitto_cve_2017_7650_a_name_is_neither_a_pattern_nor_a_tag_nor_an_address() {
    let bob = Home::new("bob");
    bob.run(["peers", "add", "alice", "127.0.0.9:7000", "--tag", "lab"]).succeeds();
    let names = [
        "*",
        "?????",
        "@lab",
        "#",
        "+",
        "al*",
        "127.0.0.9:7000",
        "alice,eve",
        "[a-z]*",
        "any",
        "trusted",
        "alice/",
        "ALICE",
        "alicе",
    ];
    let arguments =
        ["-b", "127.0.0.1", "--from", "alice", "--from", "@lab", "--from", "127.0.0.9:7000"];
    let listener = Listener::start_with(&bob, &arguments);
    let mut refused = 0;
    for (number, name) in names.iter().enumerate() {
        for header in [format!("127.0.0.1:{}", 7100 + number), "127.0.0.9:7000".to_owned()] {
            let reply = say_from(
                "127.0.0.5",
                listener.address(),
                format!("{header} {name} let me in").as_bytes(),
            );
            assert_eq!(crate::support::refusal(&reply), "denied", "{header} {name}");
            refused += 1;
        }
        let hello = serde_json::json!({"type": "hello", "name": name, "port": 7000});
        let mut session = Raw::begin(listener.address(), key_of(&bob));
        session.say(
            format!("{hello}\n{{\"type\":\"message\",\"id\":\"{number}\",\"size\":2}}\nhi")
                .as_bytes(),
        );
        assert!(session.rest_after_hello().contains("denied"), "{name}");
        refused += 1;
    }
    let reply = say_from("127.0.0.9", listener.address(), b"127.0.0.9:7000 alice hi");
    assert!(reply.starts_with(b"P2P/1 OK "));
    assert_eq!(listener.stop().1, ["127.0.0.9:7000 alice hi"]);
    // what it calls itself picks nobody else when it is typed
    let listener = Listener::start(&bob);
    for (number, name) in names.iter().enumerate() {
        say(listener.address(), format!("127.0.0.1:{} {name} hi", 7100 + number).as_bytes());
    }
    for word in ["@lab", "127.0.0.9:7000", "alice"] {
        let found = bob.json(&["peers", "--only", word]);
        assert_eq!(found.len(), 1, "{word}: {found:?}");
        assert_eq!(found[0]["addr"], "127.0.0.9:7000");
    }
    figures!("{} names, {refused} messages refused", names.len());
}

/// Bytes that are no text went through to others, and those who were strict went down.
#[test]
fn mosquitto_cve_2017_7653_bytes_that_are_no_text_stop_nobody() {
    let bob = Home::new("bob");
    let listener =
        Listener::start_with(&bob, &["-b", "127.0.0.1", "--json", "-x", "cat > /dev/null"]);
    let bytes: [&[u8]; 9] = [
        b"\xff",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe2\x82",
        b"\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\0",
        b"\xfe\xff",
    ];
    let mut sent = 0;
    for odd in bytes {
        for parts in [
            [b"127.0.0.1:7000 eve ", odd].concat(),
            [b"127.0.0.1:7000 x", odd, b"y hi"].concat(),
            [b"127.0.0.1:7000", odd, b" eve hi"].concat(),
            [
                b"{\"type\":\"message\",\"sender_port\":7000,\"sender_name\":\"",
                odd,
                b"\",\"content\":\"x\"}",
            ]
            .concat(),
            [b"7000\n", odd, b"\nCONNECT\nhi\n"].concat(),
        ] {
            assert!(say(listener.address(), &parts).starts_with(b"P2P/1 OK "), "{parts:?}");
            sent += 1;
        }
        let mut session = Raw::begin(listener.address(), key_of(&bob));
        session.say(&[b"{\"type\":\"hello\",\"name\":\"", odd, b"\"}\n"].concat());
        session.rest();
    }
    listener.stop();
    let read = bob.run(["log", "--json"]);
    both_are_tame("log --json", &read);
    for line in read.stdout.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(object.get("body").is_some() != object.get("body_base64").is_some(), "{line}");
    }
    assert!(
        read.stdout.lines().count() >= sent - bytes.len(),
        "{} of {sent}",
        read.stdout.lines().count()
    );
    both_are_tame("peers", &bob.run(["peers", "--json"]));
    figures!("{sent} messages of bytes that are no text, {} lines", read.stdout.lines().count());
}

/// A topic of no bytes ended the broker.
#[test]
fn mosquitto_cve_2021_34432_what_is_empty_ends_nobody() {
    let bob = Home::new("bob");
    let listener = Listener::start_with(&bob, &["-b", "127.0.0.1", "-x", "cat > /dev/null"]);
    let plain = [
        "",
        "\n",
        " ",
        "127.0.0.1:7000",
        "127.0.0.1:7000 ",
        "127.0.0.1:7000  ",
        "127.0.0.1:7000 eve",
        "127.0.0.1:7000 eve ",
        "<>",
        "< > ",
        "<127.0.0.1:7000> ",
        "127.0.0.1:7000 <> hi",
        "@ <>\n\n<end>",
        "127.0.0.1:7000 @ <>\n<end>",
        "MESSAGE:::",
        "MESSAGE::7000:",
        "CONNECT:",
        "CONNECT::",
        "CONNECT  ",
        "EXIT:",
        "PORT:",
        "LISTENING_PORT:|TEAM_NAME:|",
        "7000\n\nCONNECT\n",
        "7000\n",
        "\nCONNECT\n",
        "{}",
        "{\"type\":\"\",\"sender_port\":7000}",
        "{\"type\":\"message\",\"sender_port\":7000,\"sender_name\":\"\",\"content\":\"\"}",
    ];
    for text in plain {
        let mut stream = connect(listener.address());
        stream.write_all(text.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let reply = read_to_end(&mut stream);
        assert!(reply.is_empty() == text.is_empty(), "{text:?}: {reply:?}");
    }
    let framed = [
        "{\"type\":\"\"}\n",
        "{\"type\":\"message\",\"id\":\"\",\"size\":0}\n",
        "{\"type\":\"message\",\"size\":0}\n",
        "{\"type\":\"message\",\"id\":\"1\",\"size\":0,\"topic\":\"\"}\n",
        "{\"type\":\"hello\",\"name\":\"\",\"port\":0,\"addr\":\"\"}\n",
        "{\"type\":\"peers\",\"id\":\"\"}\n",
        "{\"type\":\"ping\",\"id\":\"\"}\n",
        "{\"type\":\"message\",\"id\":\"e\",\"size\":0}\n",
        "\n",
        "{}\n",
    ];
    for frame in framed {
        let mut session = Raw::begin(listener.address(), key_of(&bob));
        session.say(frame.as_bytes());
        session.0.get_mut().conn.send_close_notify();
        session.say(b"").rest();
    }
    let reply = say(listener.address(), b"127.0.0.1:7000 eve still here");
    assert!(reply.starts_with(b"P2P/1 OK "));
    let (status, lines) = listener.stop();
    assert_eq!(
        (status.code(), lines.last().unwrap().as_str()),
        (Some(0), "127.0.0.1:7000 eve still here")
    );
    figures!(
        "{} messages and {} frames with nothing where something should be",
        plain.len(),
        framed.len()
    );
}

/// A line that begins with `<0>` is an emergency to the journal, and goes to the terminal of everybody who is logged in
/// (sd-daemon(3), journald.conf(5): ForwardToWall).
#[test]
fn journal_priorities_of_systemd_no_text_is_an_emergency() {
    let bob = Home::new("bob");
    let listener = Listener::start_with(&bob, &["-b", "127.0.0.1", "-v", "-x", "exit 3"]);
    for (number, text) in
        ["<0>", "<0>all is lost", "<3>x", "\n<0>all is lost", "\r<0>x"].iter().enumerate()
    {
        say(listener.address(), text.as_bytes());
        say(listener.address(), format!("127.0.0.1:{} <0> {text}", 7000 + number).as_bytes());
        say(
            listener.address(),
            format!("127.0.0.1:{} @ <<0>>\n{text}\n<end>", 7000 + number).as_bytes(),
        );
    }
    for _ in 0..15 {
        let line = listener.line();
        assert!(!line.starts_with('<'), "{line:?}");
    }
    let warning = listener.said();
    let said: Vec<_> = [warning].into_iter().chain(listener.all_said()).collect();
    assert!(said.iter().all(|line| !line.starts_with('<')), "{said:?}");
    listener.stop();
    for call in [&["peers"][..], &["log"]] {
        let read = bob.run(call).stdout;
        assert!(!read.is_empty() && read.lines().all(|line| !line.starts_with('<')), "{read}");
    }
    // what a hook prints is the hook's, and may be what somebody has sent: there the journal is told not to look
    let units = project_files("contrib/systemd", ".service");
    assert_eq!(units.len(), 2);
    for unit in units {
        let text = std::fs::read_to_string(&unit).unwrap();
        assert!(
            text.lines().any(|line| line == "SyslogLevelPrefix=no"),
            "{}: hooks speak with priorities",
            unit.display()
        );
    }
    figures!("15 messages that begin so, {} lines on stderr, 2 units", said.len());
}
