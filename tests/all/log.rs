//! The history, as its readers see it: each message once, whatever is written and rotated meanwhile.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{
    Home, Listener, P2P, PATIENCE, lines_of, outcome, refusal, say, wait_for_end,
};

fn texts(stdout: &str) -> Vec<String> {
    stdout.lines().map(|line| line.splitn(4, ' ').nth(3).unwrap().to_owned()).collect()
}

/// Has a listener take these messages.
fn receive(home: &Home, messages: &[&str]) {
    let listener = Listener::start(home);
    for message in messages {
        assert!(say(listener.address(), message.as_bytes()).starts_with(b"P2P/1 OK "));
    }
    listener.stop();
}

#[test]
fn it_shows_what_came_the_oldest_first() {
    let home = Home::new("bob");
    home.run(["log"]).is(1, "", "");
    home.run(["log", "--json"]).fails(1, "");
    receive(
        &home,
        &["127.0.0.1:7001 alice one\ntwo", "127.0.0.1:7002 carol \u{202e}three", "four"],
    );
    let shown = home.run(["log"]).succeeds().stdout.clone();
    let lines: Vec<_> = shown.lines().map(|line| line.split_once(' ').unwrap()).collect();
    assert!(lines.iter().all(|(time, _)| humantime::parse_rfc3339(time).is_ok()), "{shown}");
    let rest: Vec<_> = lines.iter().map(|(_, rest)| *rest).collect();
    assert_eq!(
        rest,
        [
            "127.0.0.1:7001 alice one\\ntwo",
            "127.0.0.1:7002 carol \\u{202e}three",
            "127.0.0.1 - four"
        ]
    );
    let objects = home.json(&["log"]);
    let numbers: Vec<_> = objects.iter().map(|o| o["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert!(objects.iter().all(|o| o["event"] == "message" && o["plain"] == true));
    assert_eq!(objects[1]["body"], "\u{202e}three");
    assert_eq!(home.run(["log", "-n", "1", "--raw"]).stdout.split_once(" - ").unwrap().1, "four\n");
}

#[test]
fn it_can_be_told_which() {
    let home = Home::new("bob");
    let messages: Vec<String> =
        (0..20).map(|n| format!("127.0.0.1:{} x {n}", 7001 + n % 2)).collect();
    receive(&home, &messages.iter().map(String::as_str).collect::<Vec<_>>());
    home.run(["peers", "add", "even", "127.0.0.1:7001"]).succeeds();
    let shown = |arguments: &[&str]| {
        texts(&home.run([&["log"], arguments].concat()).succeeds().stdout).join(" ")
    };
    assert_eq!(shown(&["-n", "3"]), "17 18 19");
    assert_eq!(shown(&["-n", "3", "--from", "even"]), "14 16 18");
    assert_eq!(shown(&["--from", "127.0.0.1:7002"]), "1 3 5 7 9 11 13 15 17 19");
    assert_eq!(shown(&["--since", "1h", "-n", "2"]), "18 19");
    let time = home.json(&["log"])[10]["time"].as_str().unwrap().to_owned();
    let since = shown(&["--since", &time]);
    assert!(since.ends_with("17 18 19") && since.contains("10"), "{since}");
    home.run(["log", "--since", "2099-01-01T00:00:00Z"]).is(1, "", "");
    home.run(["log", "--since", "2099-01-01"]).is(1, "", "");
    assert_eq!(shown(&["--since", "2026-01-31 18:00", "-n", "1"]), "19");
    // who has gone is still in the history by what he called himself
    home.run(["peers", "rm", "127.0.0.1:7002"]).succeeds();
    home.run(["peers", "rm", "even"]).succeeds();
    assert_eq!(shown(&["--from", "x", "-n", "3"]), "17 18 19");
    home.run(["log", "--from", "nobody"]).is(1, "", "");
    home.run(["log", "--since", "yesterday"]).fails(2, "neither a length of time");
    home.run(["log", "-n", "0"]).fails(2, "a whole number from 1 on");
    home.run(["log", "--new=../x"]).fails(2, "a cursor is 1 to 64 letters");
}

#[test]
fn what_was_sent_is_kept_with_what_became_of_it() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let listener = Listener::start(&bob);
    let (at_bob, nobody) = (listener.target(), crate::support::Nobody::new());
    alice.run(["send", &at_bob, "first\nline"]).is(0, "", "");
    alice.run(["send", &nobody.target(), "into the void"]).fails(4, "cannot reach");
    alice.run(["peers", "add", "void", &nobody.target()]).succeeds();
    alice.run(["broadcast", "to", "all"]).fails(3, "only 1 of 2");
    alice.run(["send", "void", "exit", "--secure", "off"]).fails(2, "alone it is a command");
    let shown = alice.run(["log", "--sent"]).succeeds().stdout.clone();
    let lines: Vec<_> = shown.lines().map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(lines[0], format!("{at_bob} bob acked first\\nline"));
    assert_eq!(lines[1], format!("{} - failed into the void", nobody.target()));
    let both = HashSet::from([lines[2].to_owned(), lines[3].to_owned()]);
    let expected =
        [format!("{at_bob} bob acked to all"), format!("{} void failed to all", nobody.target())];
    assert_eq!((lines.len(), both), (4, HashSet::from(expected)));
    let objects = alice.json(&["log", "--sent", "--from", "void"]);
    assert_eq!(objects.len(), 2);
    assert_eq!(
        (&objects[1]["error"]["code"], &objects[1]["body"]),
        (&"unreachable".into(), &"to all".into())
    );
    assert_eq!(alice.run(["log", "--sent", "--new"]).stdout.lines().count(), 4);
    alice.run(["log", "--sent", "--new"]).is(1, "", "");
    alice.run(["log"]).is(1, "", "");
    alice.configure("[listen]\nhistory = 0\n");
    alice.run(["send", &at_bob, "not kept"]).is(0, "", "");
    assert_eq!(alice.run(["log", "--sent"]).stdout, shown);
}

#[test]
fn many_who_send_at_once_lose_nothing_of_what_they_sent() {
    let home = Home::new("alice");
    let nobody = crate::support::Nobody::new();
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let (home, target) = (&home, nobody.target());
            scope.spawn(move || {
                for number in 0..10 {
                    let text = format!("{worker} {number}");
                    home.run(["send", &target, &text]).fails(4, "");
                }
            });
        }
    });
    let objects = home.json(&["log", "--sent"]);
    let numbers: Vec<_> = objects.iter().map(|o| o["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=80).collect::<Vec<_>>());
    let texts: HashSet<_> =
        objects.iter().map(|o| o["body"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts.len(), 80);
}

#[test]
fn new_is_what_no_call_has_handed_out() {
    let home = Home::new("bob");
    receive(&home, &["one", "two", "three"]);
    let new = |arguments: &[&str]| {
        let said = home.run([&["log"], arguments].concat());
        (said.status.code().unwrap(), texts(&said.stdout).join(" "))
    };
    assert_eq!(new(&["--new", "-n", "2"]), (0, "one two".into()));
    assert_eq!(new(&["--new"]), (0, "three".into()));
    assert_eq!(new(&["--new"]), (1, String::new()));
    assert_eq!(new(&["--new=mail.daily-1"]), (0, "one two three".into()));
    receive(&home, &["four"]);
    assert_eq!(new(&["--new"]), (0, "four".into()));
    assert_eq!(new(&["--new=mail.daily-1"]), (0, "four".into()));
    // a reader that is gone has been handed nothing
    receive(&home, &["five"]);
    let mut command = home.command();
    command.args(["log", "--new"]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = command.stdout(full).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(8));
    assert_eq!(new(&["--new"]), (0, "five".into()));
}

#[test]
fn a_cursor_that_points_nowhere_hands_out_everything_and_says_so() {
    let home = Home::new("bob");
    let warning = "warning: the cursor points nowhere, so all that is kept counts as new\n";
    receive(&home, &["one", "two", "three"]);
    home.run(["log", "--new", "-q"]).succeeds();
    for file in ["messages.ndjson", "messages.1.ndjson"] {
        let _ = std::fs::remove_file(home.file(file));
    }
    home.run(["log", "--new"]).is(1, "", "");
    receive(&home, &["four"]);
    let said = home.run(["log", "--new"]);
    assert_eq!((texts(&said.stdout).join(" "), said.stderr.as_str()), ("four".into(), warning));
    for rubbish in ["rubbish", "{\"seq\":99,\"crc32\":1}\n", "{}"] {
        std::fs::write(home.file("messages.cursor-default"), rubbish).unwrap();
        let said = home.run(["log", "--new"]);
        assert_eq!((texts(&said.stdout).join(" "), said.stderr.as_str()), ("four".into(), warning));
        home.run(["log", "--new"]).is(1, "", "");
    }
}

#[test]
fn two_that_overlap_share_what_is_new() {
    const MESSAGES: usize = 600;
    let home = Home::new("bob");
    // it rotates meanwhile, but not so fast that anything is lost to readers that keep up
    home.configure("[listen]\nhistory = 200000\n");
    let listener = Listener::start(&home);
    let to = listener.address();
    let over = AtomicBool::new(false);
    let handed: Vec<String> = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut handed = Vec::new();
                    loop {
                        let last = over.load(Ordering::SeqCst);
                        let said = home.run(["log", "--new"]);
                        assert_eq!(said.stderr, "", "{}", said.report());
                        handed.extend(texts(&said.stdout));
                        if last && said.stdout.is_empty() {
                            return handed;
                        }
                    }
                })
            })
            .collect();
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                scope.spawn(move || {
                    for number in 0..MESSAGES / 3 {
                        let message =
                            format!("127.0.0.1:7001 x {writer}-{number} {}", "x".repeat(300));
                        assert!(say(to, message.as_bytes()).starts_with(b"P2P/1 OK "));
                    }
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        over.store(true, Ordering::SeqCst);
        readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect()
    });
    assert_eq!(handed.len(), MESSAGES);
    assert_eq!(handed.iter().collect::<HashSet<_>>().len(), MESSAGES);
    assert!(home.file("messages.1.ndjson").exists(), "it has not rotated");
}

#[test]
fn it_follows_what_comes_across_rotations_and_ends_with_its_reader() {
    let home = Home::new("bob");
    receive(&home, &(0..15).map(|_| "old").collect::<Vec<_>>());
    home.configure("[listen]\nhistory = 4000\n");
    for new in [&[][..], &["--new=f"][..]] {
        let mut command = home.command();
        command.args(["log", "-f"]).args(new);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut shown = BufReader::new(child.stdout.take().unwrap());
        let said = lines_of(child.stderr.take().unwrap());
        let mut next = || {
            let mut line = String::new();
            shown.read_line(&mut line).unwrap();
            texts(&line).remove(0)
        };
        let before = if new.is_empty() { 10 } else { home.run(["log"]).stdout.lines().count() };
        (0..before).for_each(|_| drop(next()));
        let listener = Listener::start(&home);
        for number in 0..60 {
            let message = number.to_string();
            assert!(say(listener.address(), message.as_bytes()).starts_with(b"P2P/1 OK "));
            assert_eq!(next(), message);
        }
        listener.stop();
        assert!(home.file("messages.1.ndjson").exists(), "it has not rotated");
        // nothing comes any more: it is the reader's going that ends it
        drop(shown);
        assert_eq!(wait_for_end(&mut child).code(), Some(0));
        assert_eq!(said.recv_timeout(PATIENCE).ok(), None);
    }
}

#[test]
fn damage_is_passed_over_and_told_once() {
    let home = Home::new("bob");
    receive(&home, &["one", "two", "three"]);
    let path = home.file("messages.ndjson");
    let text =
        std::fs::read_to_string(&path).unwrap().replacen("\"body\":\"two\"", "\"body\":tw", 1);
    std::fs::write(&path, text + "{\"seq\":4,\"ti").unwrap();
    let warning = format!(
        "warning: damaged lines passed over in the history of {}: 1\n",
        home.path().display()
    );
    let said = home.run(["log"]);
    assert_eq!((texts(&said.stdout).join(" "), &said.stderr), ("one three".into(), &warning));
    receive(&home, &["four"]);
    let said = home.run(["log", "-n", "2"]);
    assert_eq!(texts(&said.stdout), ["three", "four"]);
}

#[test]
fn what_was_lost_before_it_was_read_is_told() {
    let home = Home::new("bob");
    home.configure("[listen]\nhistory = 2000\n");
    receive(&home, &["one", "two"]);
    home.run(["log", "--new"]).succeeds();
    receive(&home, &(0..40).map(|_| "more").collect::<Vec<_>>());
    let kept = home.run(["log"]).stdout.lines().count();
    let said = home.run(["log", "--new"]);
    assert_eq!(said.stdout.lines().count(), kept);
    let lost = 40 - kept;
    assert_eq!(
        said.stderr,
        format!("warning: messages that went out of the history before they were read: {lost}\n")
    );
}

#[test]
fn a_history_that_cannot_be_written_refuses_and_goes_on_when_there_is_room() {
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    assert!(say(listener.address(), b"one").starts_with(b"P2P/1 OK "));
    // in the place of the next page is something that is not ours
    std::fs::remove_file(home.file("messages.ndjson")).unwrap();
    std::fs::create_dir(home.file("messages.ndjson")).unwrap();
    assert_eq!(refusal(&say(listener.address(), b"two")), "busy");
    assert_eq!(refusal(&say(listener.address(), b"three")), "busy");
    std::fs::remove_dir(home.file("messages.ndjson")).unwrap();
    assert!(say(listener.address(), b"four").starts_with(b"P2P/1 OK "));
    let said = listener.said();
    assert!(said.starts_with("warning: cannot keep messages, so they are refused: cannot use "));
    assert_eq!(listener.all_said(), [""; 0], "it is said once");
    assert_eq!(listener.stop().1, ["127.0.0.1 - one", "127.0.0.1 - four"]);
}

#[test]
fn durable_needs_a_history_and_acknowledges_what_is_on_the_disk() {
    let home = Home::new("bob");
    home.configure("[listen]\ndurable = true\nhistory = 0\n");
    home.run(["listen", "-p", "0"])
        .fails(2, "listen.durable needs a history, and listen.history is 0");
    home.configure("[listen]\ndurable = true\n");
    receive(&home, &["one", "two"]);
    assert_eq!(home.run(["log"]).stdout.lines().count(), 2);
}

#[test]
fn what_cannot_be_synced_is_not_acknowledged_and_ends_the_listener() {
    let strace = std::process::Command::new("strace").arg("-V").stdout(Stdio::null()).status();
    if !strace.is_ok_and(|status| status.success()) {
        skipped!("no strace to make a sync fail");
        return;
    }
    let home = Home::new("bob");
    home.configure("[listen]\ndurable = true\n");
    let mut command = std::process::Command::new("strace");
    command.env_clear().env("P2P_HOME", home.path()).env("PATH", "/usr/bin:/bin");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", "inject=fdatasync:error=EIO", P2P]);
    command.args(["listen", "-p", "0", "-b", "127.0.0.1"]);
    let listener = Listener::spawn(command);
    // nobody knows whether it is on the disk: it is neither acknowledged nor refused
    assert_eq!(say(listener.address(), b"one"), b"");
    let path = home.file("messages.ndjson");
    let error = format!("error: cannot sync {}: Input/output error (os error 5)", path.display());
    assert_eq!(listener.said(), error);
    let (status, lines) = listener.wait();
    assert_eq!((status.code(), lines), (Some(8), vec![]));
}

#[test]
fn a_reader_may_go_away() {
    let home = Home::new("bob");
    receive(&home, &(0..50).map(|_| "hello").collect::<Vec<_>>());
    let mut shell = std::process::Command::new("/bin/bash");
    shell.env_clear().env("P2P_HOME", home.path()).env("PATH", "/usr/bin:/bin");
    shell.args(["-c", &format!("{P2P} log | head -1 | wc -l; echo ${{PIPESTATUS[0]}}")]);
    outcome(&mut shell, None).is(0, "1\n0\n", "");
}
