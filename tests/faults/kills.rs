//! A listener that is killed, or told to stop, in the middle of its work: what it has acknowledged is there, and once.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::report::lasting;
use crate::support::{Home, Listener, Nobody, PATIENCE, outcome};

/// How many threads write on the plain wire.
const PLAIN: usize = 6;

/// How many send lines in sessions.
const SESSIONS: usize = 2;

/// What a listener said to something on the plain wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Answer {
    Acknowledged,
    Refused,
    /// It ended the connection in order and said nothing.
    Ended,
    Reset,
    /// There was no connection.
    NotThere,
}

/// Says it once, as a program that ends its side and reads to the end.
fn tell(to: SocketAddr, text: &str) -> Answer {
    let Ok(mut stream) = TcpStream::connect(to) else { return Answer::NotThere };
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let message = format!("127.0.0.1:6000 plain {text}");
    if stream.write_all(message.as_bytes()).is_err() || stream.shutdown(Shutdown::Write).is_err() {
        return Answer::Reset;
    }
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) if answer.starts_with(b"P2P/1 OK ") => Answer::Acknowledged,
        Ok(_) if answer.starts_with(b"P2P/1 NO ") => Answer::Refused,
        Ok(_) => Answer::Ended,
        Err(error) => {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{text}: {error}");
            // what came before a reset is no answer: it may be cut
            Answer::Reset
        }
    }
}

/// How often each text is in the history.
fn bodies(home: &Home) -> HashMap<String, usize> {
    let mut bodies = HashMap::new();
    for message in home.json(&["log"]) {
        if let Some(body) = message["body"].as_str() {
            *bodies.entry(body.to_owned()).or_default() += 1;
        }
    }
    bodies
}

/// How often each text was shown.
fn texts(lines: &[String]) -> HashMap<&str, usize> {
    let mut texts = HashMap::new();
    for line in lines {
        *texts.entry(line.splitn(3, ' ').nth(2).unwrap_or_default()).or_default() += 1;
    }
    texts
}

#[test]
fn whatever_a_killed_listener_has_acknowledged_is_there_once() {
    let bob = Home::new("bob");
    let place = Nobody::new();
    let listen = || {
        let mut command = bob.command();
        command.args(["listen", "-b", "127.0.0.1", "-x", "cat", "-p", &place.port().to_string()]);
        Listener::spawn(command)
    };
    let mut at_bob = listen();
    let (to, target) = (at_bob.address(), at_bob.target());
    let key = crate::raw::key_of(&bob).to_string();
    let end = Instant::now() + lasting(Duration::from_secs(10));
    let is_over = AtomicBool::new(false);
    let (mut shown, mut kills) = (Vec::new(), 0);
    let (said, lines, at_bob) = std::thread::scope(|scope| {
        let plain: Vec<_> = (0..PLAIN)
            .map(|sender| {
                let is_over = &is_over;
                scope.spawn(move || {
                    let mut said = Vec::new();
                    for number in 0.. {
                        if is_over.load(Ordering::Relaxed) {
                            break;
                        }
                        let text = format!("plain-{sender}-{number}");
                        let answer = tell(to, &text);
                        if answer == Answer::NotThere {
                            // between two listeners
                            std::thread::sleep(Duration::from_millis(5));
                        }
                        said.push((text, answer));
                    }
                    said
                })
            })
            .collect();
        // a message of its own process each, without a retry
        let single: Vec<_> = (0..2)
            .map(|sender| {
                let (is_over, target, key) = (&is_over, &target, &key);
                scope.spawn(move || {
                    let home = Home::new("single");
                    if sender == 0 {
                        home.run(["peers", "add", "bob", target, "--key", key]).succeeds();
                    }
                    let secure = if sender == 0 { "require" } else { "off" };
                    let mut said = Vec::new();
                    for number in 0.. {
                        if is_over.load(Ordering::Relaxed) {
                            break;
                        }
                        let text = format!("single-{sender}-{number}");
                        let outcome =
                            home.run(["send", "-t", "3s", "--secure", secure, target, &text]);
                        let answer = match outcome.status.code() {
                            Some(0) => Answer::Acknowledged,
                            Some(4 | 6) => Answer::Refused,
                            Some(5) => Answer::Reset,
                            _ => panic!("{}", outcome.report()),
                        };
                        said.push((text, answer));
                    }
                    said
                })
            })
            .collect();
        let sessions: Vec<_> = (0..SESSIONS)
            .map(|sender| {
                let (is_over, target, key) = (&is_over, &target, &key);
                scope.spawn(move || {
                    let home = Home::new("alice");
                    home.run(["peers", "add", "bob", target, "--key", key]).succeeds();
                    let mut command = home.command();
                    command.args(["send", "bob", "--lines", "--retry-for", "15s"]);
                    command.stdin(Stdio::piped()).stderr(Stdio::piped());
                    let mut child = command.spawn().unwrap();
                    let mut input = child.stdin.take().unwrap();
                    let mut count = 0;
                    while !is_over.load(Ordering::Relaxed) {
                        writeln!(input, "line-{sender}-{count}").unwrap();
                        count += 1;
                        std::thread::sleep(Duration::from_millis(1));
                    }
                    drop(input);
                    let ended = child.wait_with_output().unwrap();
                    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
                    assert_eq!((ended.status.code(), said.as_str()), (Some(0), ""));
                    (0..count).map(|line| format!("line-{sender}-{line}")).collect::<Vec<_>>()
                })
            })
            .collect();
        while Instant::now() < end {
            std::thread::sleep(Duration::from_millis(fastrand::u64(5..150)));
            at_bob.signal("KILL");
            shown.extend(at_bob.wait().1);
            kills += 1;
            at_bob = listen();
        }
        is_over.store(true, Ordering::Relaxed);
        let mut said: Vec<_> =
            plain.into_iter().flat_map(|sender| sender.join().unwrap()).collect();
        said.extend(single.into_iter().flat_map(|sender| sender.join().unwrap()));
        let lines: Vec<_> =
            sessions.into_iter().flat_map(|sender| sender.join().unwrap()).collect();
        (said, lines, at_bob)
    });
    shown.extend(at_bob.stop().1);
    let (there, shown) = (bodies(&bob), texts(&shown));
    let mut counts: HashMap<Answer, usize> = HashMap::new();
    for (text, answer) in &said {
        *counts.entry(*answer).or_default() += 1;
        let count = there.get(text).copied().unwrap_or(0);
        match answer {
            Answer::Acknowledged => assert_eq!(count, 1, "acknowledged: {text}"),
            Answer::Refused | Answer::NotThere => assert_eq!(count, 0, "not sent: {text}"),
            Answer::Ended => assert_eq!(count, 1, "ended in order, as if it were read: {text}"),
            Answer::Reset => assert!(count <= 1, "{text} is there {count} times"),
        }
    }
    for line in &lines {
        assert_eq!(there.get(line), Some(&1), "{line}");
    }
    assert!(shown.values().all(|count| *count == 1), "nothing is shown twice");
    assert!(kills > 5 && counts[&Answer::Acknowledged] > 100, "{kills} kills, {counts:?}");
    figures!(
        "{kills} kills; {} single messages: {counts:?}; {} lines in sessions, each there once; {} shown, 0 twice; 0 acknowledged missing",
        said.len(),
        lines.len(),
        shown.len()
    );
}

#[test]
fn a_listener_that_is_told_to_stop_answers_or_resets_all_that_it_has_accepted() {
    let end = Instant::now() + lasting(Duration::from_secs(10));
    let (mut stops, mut slowest) = (0, Duration::ZERO);
    let mut counts: HashMap<Answer, usize> = HashMap::new();
    while Instant::now() < end {
        let bob = Home::new("bob");
        let mut command = bob.command();
        command.args(["listen", "-p", "0", "-b", "127.0.0.1"]);
        // hooks have as long as what is in hand: once is enough
        if stops == 0 {
            command.args(["-x", "cat"]);
        }
        let at_bob = Listener::spawn(command);
        let (to, target) = (at_bob.address(), at_bob.target());
        let key = crate::raw::key_of(&bob).to_string();
        let plain: Vec<_> = (0..8)
            .map(|sender| {
                std::thread::spawn(move || {
                    let mut said = Vec::new();
                    for number in 0.. {
                        let text = format!("plain-{sender}-{number}");
                        let answer = tell(to, &text);
                        said.push((text, answer));
                        if answer == Answer::NotThere {
                            break;
                        }
                    }
                    said
                })
            })
            .collect();
        let sessions: Vec<_> = (0..2)
            .map(|sender| {
                let (target, key) = (target.clone(), key.clone());
                std::thread::spawn(move || {
                    let home = Home::new("alice");
                    home.run(["peers", "add", "bob", &target, "--key", &key]).succeeds();
                    let mut command = home.command();
                    command.args(["--json", "send", "bob", "--lines"]);
                    let lines: String =
                        (0..5000).map(|line| format!("line-{sender}-{line}\n")).collect();
                    let said = outcome(&mut command, Some(lines.as_bytes()));
                    assert!(matches!(said.status.code(), Some(0 | 4 | 5 | 6)), "{}", said.report());
                    // each object tells of the next line
                    let objects = said
                        .stdout
                        .lines()
                        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
                    let sent = objects.filter(|object| object["event"] == "sent");
                    let acked = sent.filter(|object| object["status"] == "acked").count();
                    (0..acked)
                        .map(|line| (format!("line-{sender}-{line}"), Answer::Acknowledged))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(fastrand::u64(20..400)));
        let start = Instant::now();
        let (status, lines) = at_bob.stop();
        slowest = slowest.max(start.elapsed());
        assert_eq!(status.code(), Some(0));
        stops += 1;
        let (there, shown) = (bodies(&bob), texts(&lines));
        let said = plain.into_iter().chain(sessions).flat_map(|sender| sender.join().unwrap());
        for (text, answer) in said {
            *counts.entry(answer).or_default() += 1;
            let count = there.get(&text).copied().unwrap_or(0);
            match answer {
                Answer::Acknowledged => {
                    assert_eq!(count, 1, "acknowledged: {text}");
                    assert_eq!(shown.get(text.as_str()), Some(&1), "acknowledged: {text}");
                }
                Answer::Refused | Answer::NotThere => assert_eq!(count, 0, "not kept: {text}"),
                Answer::Ended => assert_eq!(count, 1, "ended in order, as if it were read: {text}"),
                Answer::Reset => assert!(count <= 1, "{text} is there {count} times"),
            }
        }
        // what is in hand has five seconds, and goodbyes two
        assert!(slowest < Duration::from_secs(9), "{slowest:?}");
    }
    assert!(counts[&Answer::Acknowledged] > 100, "{counts:?}");
    figures!(
        "{stops} stops under load, each within {slowest:?}: {counts:?}, 0 acknowledged missing"
    );
}
