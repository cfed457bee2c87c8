//! Traffic of all kinds between a few peers, some of it hostile, until it is told to stop.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::raw::client;
use crate::support::{Home, Outcome, outcome};
use crate::tally::Tally;

/// One listener as its senders know it.
pub struct Target {
    pub address: SocketAddr,
    pub key: p2p::key::PublicKey,
    pub tally: Tally,
}

/// Everything that is going on.
pub struct Field {
    /// Never killed, and watched.
    pub bob: Target,
    /// Killed again and again.
    pub carol: Target,
    pub over: AtomicBool,
    /// What was done how often, and how it ended.
    pub done: Mutex<BTreeMap<String, u64>>,
}

impl Field {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Counts one more of these.
    pub fn count(&self, what: &str) {
        *self.done.lock().unwrap().entry(what.to_owned()).or_default() += 1;
    }

    /// Counts a command by its exit status, which has to be one of these.
    #[track_caller]
    fn ended(&self, what: &str, outcome: &Outcome, allowed: &[i32]) -> i32 {
        let status = outcome.status.code().unwrap_or(-1);
        assert!(allowed.contains(&status), "{what}: {}", outcome.report());
        assert!(!outcome.stderr.contains("panicked"), "{what}: {}", outcome.report());
        self.count(&format!("{what} exit {status}"));
        status
    }

    fn targets(&self) -> [&Target; 2] {
        [&self.bob, &self.carol]
    }
}

/// A pause that leaves the processor to others; nothing waits for anything by it.
fn pace(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// Messages, connects and exits of plain programs, from a few hundred addresses.
pub fn speak_plainly(field: &Field, name: &str) {
    for number in 0u32.. {
        for target in field.targets() {
            if field.is_over() {
                return;
            }
            let header = format!("127.0.0.1:{} {name}", 20_000 + number % 500);
            let text = format!("{name}-{number}");
            let reply = utter(target.address, format!("{header} {text}").as_bytes());
            if reply.starts_with(b"P2P/1 OK ") {
                target.tally.acknowledge(&text);
                field.count("plain messages acknowledged");
            } else {
                field.count("plain messages not acknowledged");
            }
            if number % 7 == 0 {
                let word = if number % 14 == 0 { "connect" } else { "exit" };
                utter(target.address, format!("{header} {word}").as_bytes());
                field.count("plain connects and exits");
            }
            pace(4);
        }
    }
}

/// What comes back for this, if anything does.
fn utter(to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut reply = Vec::new();
    let Ok(mut stream) = TcpStream::connect(to) else { return reply };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    if stream.write_all(bytes).is_ok() && stream.shutdown(Shutdown::Write).is_ok() {
        let _ = stream.read_to_end(&mut reply);
    }
    reply
}

/// One command for each message, in sessions, some for the hook.
pub fn send(field: &Field, home: &Home) {
    for number in 0u32.. {
        for target in field.targets() {
            if field.is_over() {
                return;
            }
            let text = format!("send-{number}");
            let to = target.address.to_string();
            let mut call = vec!["send", &to, &text, "--retry-for", "10s"];
            if number % 5 == 0 {
                call.extend(["--topic", "hooked"]);
            }
            if number % 10 == 0 {
                call.extend(["--reply", "-t", "10s"]);
            }
            let outcome = home.run(call);
            // a reply that a kill has swallowed
            if field.ended("send", &outcome, &[0, 4, 5, 6]) == 0 {
                target.tally.acknowledge(&text);
            }
            pace(20);
        }
    }
}

/// Many messages over one session, through kills.
pub fn send_lines(field: &Field, home: &Home) {
    const LINES: u32 = 200;
    for round in 0u32.. {
        for target in field.targets() {
            if field.is_over() {
                return;
            }
            let lines: Vec<_> = (round * LINES..(round + 1) * LINES)
                .map(|number| format!("lines-{number}"))
                .collect();
            let to = target.address.to_string();
            let call = ["send", &to, "--lines", "--retry-for", "20s"];
            let outcome = home.run_with_stdin(&call, (lines.join("\n") + "\n").as_bytes());
            if field.ended("send --lines", &outcome, &[0]) == 0 {
                lines.iter().for_each(|line| target.tally.acknowledge(line));
            }
            pace(300);
        }
    }
}

/// The same message to all peers of this home.
pub fn broadcast(field: &Field, home: &Home) {
    for number in 0u32.. {
        if field.is_over() {
            return;
        }
        let text = format!("broadcast-{number}");
        let outcome = home.run(["--json", "broadcast", &text, "--retry-for", "5s"]);
        field.ended("broadcast", &outcome, &[0, 3]);
        for line in outcome.stdout.lines() {
            let object: serde_json::Value = serde_json::from_str(line).unwrap();
            let target = field
                .targets()
                .into_iter()
                .find(|target| object["to"]["addr"] == target.address.to_string());
            if let Some(target) = target.filter(|_| object["status"] == "acked") {
                target.tally.acknowledge(&text);
            }
        }
        pace(100);
    }
}

/// Handshakes with all peers of this home.
pub fn ping(field: &Field, home: &Home) {
    while !field.is_over() {
        let outcome = home.run(["ping", "--all", "-n", "3", "-i", "20ms", "-t", "5s"]);
        field.ended("ping", &outcome, &[0, 3, 4, 5]);
        pace(150);
    }
}

/// A person and scripts at the home of a listener: its peers and its history, read and changed.
pub fn keep_house(field: &Field, home: &Home) {
    for number in 0u32.. {
        if field.is_over() {
            return;
        }
        let (name, address) =
            (format!("friend{}", number % 300), format!("127.0.0.1:{}", 1 + number % 300));
        let calls: [&[&str]; 7] = [
            &["peers", "add", &name, &address, "--tag", "kept"],
            &["peers", "set", &name, "--tag", "more", "--untag", "kept"],
            &["peers", "--only", "friend*"],
            &["peers", "prune", "--older", "1s"],
            &["peers", "rm", &name],
            &["log", "-n", "20", "--json"],
            &["id"],
        ];
        for call in calls {
            field.ended(&call[..call.len().min(2)].join(" "), &home.run(call), &[0, 1]);
            pace(10);
        }
    }
}

/// Whoever reaches the port and means no good.
pub fn attack(field: &Field) {
    let rubbish: Vec<u8> =
        (0..70_000u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut slow: Vec<TcpStream> = Vec::new();
    for number in 0usize.. {
        for target in field.targets() {
            if field.is_over() {
                return;
            }
            let at = number * 37 % 60_000;
            let said: &[u8] = match number % 8 {
                0 => &rubbish[at..at + 200],
                1 => &rubbish,
                2 => b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                3 => b"",
                4 => b"127.0.0.1:1 \x1b[2J\xe2\x80\xae hello\r\nforged",
                5 => b"{\"type\":\"message\",\"sender_port\":99999,\"content\":[[[[[",
                6 => &[b'\n'; 3000],
                _ => b"9000\nname\nCONNECT\n",
            };
            utter(target.address, said);
            field.count("hostile connections");
            if let Ok(mut stream) = TcpStream::connect(target.address) {
                let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
                if number % 2 == 0 {
                    // the beginning of a session, and then nothing
                    let mut session = client(7, target.key);
                    let _ = session.write_tls(&mut stream);
                }
                let _ = stream.write_all(b"1");
                slow.push(stream);
            }
            if slow.len() > 40 {
                slow.drain(..20);
            }
            pace(40);
        }
    }
}

/// Waits for as long as it is asked to, but no longer than the traffic lasts, and says whether that is still on.
pub fn wait_within(field: &Field, time: Duration) -> bool {
    let start = Instant::now();
    while start.elapsed() < time && !field.is_over() {
        pace(20);
    }
    !field.is_over()
}

/// p2p in this home, with all that it prints.
pub fn run(home: &Home, arguments: &[&str]) -> Outcome {
    let mut command = home.command();
    command.args(arguments);
    outcome(&mut command, None)
}
