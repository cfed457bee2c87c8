//! Measures how cost grows: with connections, the size of a message, the peers in the file, and the history.
//!
//! ```text
//! cargo bench --bench growth              # 10,000 messages for each line
//! cargo bench --bench growth -- 2000
//! cargo bench --bench growth -- 2000 peers        # or connections, size, history: only this
//! ```
//!
//! Each table is Markdown, with the bare calls beside p2p: two threads that accept, read, answer and close, or a process
//! that does nothing. A cost is the processor time of the listener for one message, in which what its senders need
//! has no part.

#![expect(clippy::print_stdout, reason = "a benchmark is a program that prints its figures")]

mod load;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use p2p::state::record::{Line, decode, encode};

use load::listener::{Home, Listener, P2P};
use load::session::{self, Caller};
use load::{Pace, Result, bare_loop, load, micros, millis, plain_message, send_plain, text};

/// Connections at a time, where another number is not said.
const SENDERS: usize = 32;

/// Bytes of a text, where another number is not said.
const SIZE: usize = 20;

/// Processes that are timed for one figure; the median counts.
const RUNS: usize = 21;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let messages = arguments.first().map_or(Ok(10_000), |n| n.parse())?;
    let is_wanted = |part: &str| arguments.get(1).is_none_or(|wanted| wanted == part);
    if is_wanted("connections") {
        with_connections(messages)?;
    }
    if is_wanted("size") {
        with_size(messages)?;
    }
    if is_wanted("peers") {
        with_peers(messages)?;
    }
    if is_wanted("history") {
        with_history(messages)?;
    }
    Ok(())
}

/// Plain messages, each on a connection of its own: how many a second.
fn rate(to: SocketAddr, senders: usize, messages: usize, size: usize) -> Result<f64> {
    let send = |number| send_plain(to, &plain_message(&text(number, size)));
    Ok(load(senders, messages, Pace::Full, send)?.rate)
}

fn with_connections(messages: usize) -> Result<()> {
    println!(
        "\n| connections at once | bare loop, messages a second | plain | ratio | µs | a session each | µs |"
    );
    println!("|---|---|---|---|---|---|---|");
    for senders in [1, 4, 16, 64, 256] {
        let bare = rate(bare_loop()?, senders, messages, SIZE)?;
        // with as many as it takes by default, a caller that begins anew pushes out one that has not ended yet
        let listener = Listener::start("[limits]\nconnections = 512\n")?;
        let work = || rate(listener.address, senders, messages, SIZE);
        let (plain, cost) = listener.cost(messages, work)?;
        let (caller, few) = (Caller::new(&listener)?, messages / 4);
        let work = || session::load(&caller, senders, 0..few, (1, SIZE), Pace::Full);
        let (sessions, session_cost) = listener.cost(few, work)?;
        let (ratio, sessions) = (plain / bare, sessions.rate);
        let (cost, session_cost) = (micros(cost), micros(session_cost));
        println!(
            "| {senders} | {bare:.0} | {plain:.0} | {ratio:.2} | {cost} | {sessions:.0} | {session_cost} |"
        );
    }
    Ok(())
}

fn with_size(messages: usize) -> Result<()> {
    println!(
        "\n| bytes | bare loop, messages a second | plain | ratio | MB/s | µs | a session each | MB/s | µs | in one session | MB/s | µs |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    // what the plain wire takes as a whole message, header and all
    for size in [10, 1024, 65_000, 1024 * 1024] {
        let messages = (messages * 1024 / size.max(1024)).clamp(200.min(messages), messages);
        let bare = rate(bare_loop()?, SENDERS, messages, size)?;
        let listener = Listener::start("")?;
        let megabytes = |rate: f64| rate * size as f64 / 1e6;
        let mut line = format!("| {size} | {bare:.0} |");
        if size <= 65_000 {
            let work = || rate(listener.address, SENDERS, messages, size);
            let (plain, cost) = listener.cost(messages, work)?;
            let (ratio, cost) = (plain / bare, micros(cost));
            write!(line, " {plain:.0} | {ratio:.2} | {:.1} | {cost} |", megabytes(plain))?;
        } else {
            line += " too large | | | |";
        }
        let (caller, few) = (Caller::new(&listener)?, messages.div_ceil(4));
        for each in [1, few] {
            let senders = if each == 1 { SENDERS } else { 1 };
            let work = || session::load(&caller, senders, 0..few, (each, size), Pace::Full);
            let (figures, cost) = listener.cost(few, work)?;
            let (rate, cost) = (figures.rate, micros(cost));
            write!(line, " {rate:.0} | {:.1} | {cost} |", megabytes(rate))?;
        }
        println!("{line}");
    }
    Ok(())
}

fn with_peers(messages: usize) -> Result<()> {
    println!(
        "\n| peers | `/bin/true` | `send` to somebody new, plain | to one of them, encrypted | `peers` | listener starts | plain messages a second | µs | a session each | µs |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for peers in [10, 100, 1_000, 10_000] {
        let home = Home::new("")?;
        write_peers(home.path(), peers, None)?;
        let start = Instant::now();
        let listener = Listener::start_in(home)?;
        let started = start.elapsed();
        let (stranger, sender) = (Home::new("")?, Home::new("")?);
        write_peers(stranger.path(), peers, None)?;
        write_peers(sender.path(), peers, Some(&listener))?;
        let to = listener.address.to_string();
        let [plain, encrypted, list] = [
            time(p2p(&stranger, &["send", "--secure", "off", "--name", "bench", &to, "Hi"]))?,
            time(p2p(&sender, &["send", "--name", "bench", &to, "Hi"]))?,
            time(p2p(&sender, &["peers"]))?,
        ]
        .map(millis);
        let nothing = millis(time(Command::new("/bin/true"))?);
        let (rate, cost) =
            listener.cost(messages, || rate(listener.address, SENDERS, messages, SIZE))?;
        let (caller, few) = (Caller::new(&listener)?.without_address(), messages / 4);
        let work = || session::load(&caller, SENDERS, 0..few, (1, SIZE), Pace::Full);
        let (sessions, session_cost) = listener.cost(few, work)?;
        let (cost, session_cost, sessions) = (micros(cost), micros(session_cost), sessions.rate);
        let started = millis(started);
        println!(
            "| {peers} | {nothing} ms | {plain} ms | {encrypted} ms | {list} ms | {started} ms | {rate:.0} | {cost} | {sessions:.0} | {session_cost} |"
        );
    }
    Ok(())
}

fn with_history(messages: usize) -> Result<()> {
    // two files of half of what is kept by default
    const FULL: usize = 32 * 1024 * 1024;
    println!(
        "\n| history | `/bin/true` | `send`, encrypted | `log -n 1` | `log --sent -n 1` | listener starts | plain messages a second | µs |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let (received, sent) = samples()?;
    for (what, older, current) in
        [("empty", 0, 0), ("1 MB", 0, 1_000_000), ("full", FULL, FULL - 1_000_000)]
    {
        let home = Home::new("")?;
        fill(home.path(), "messages", &received, older, current)?;
        let start = Instant::now();
        let listener = Listener::start_in(home)?;
        let started = millis(start.elapsed());
        let sender = Home::new("")?;
        write_peers(sender.path(), 10, Some(&listener))?;
        fill(sender.path(), "sent", &sent, older, current)?;
        let to = listener.address.to_string();
        let send = millis(time(p2p(&sender, &["send", "--name", "bench", &to, "Hi"]))?);
        let sent = millis(time(p2p(&sender, &["log", "--sent", "-n", "1"]))?);
        let mut log = Command::new(P2P);
        log.arg("--home").arg(listener.home()).args(["log", "-n", "1"]);
        let log = millis(time(log)?);
        let nothing = millis(time(Command::new("/bin/true"))?);
        let (rate, cost) =
            listener.cost(messages, || rate(listener.address, SENDERS, messages, SIZE))?;
        let cost = micros(cost);
        println!(
            "| {what} | {nothing} ms | {send} ms | {log} ms | {sent} ms | {started} ms | {rate:.0} | {cost} |"
        );
    }
    Ok(())
}

fn p2p(home: &Home, arguments: &[&str]) -> Command {
    let mut command = Command::new(P2P);
    command.arg("--home").arg(home.path()).args(arguments);
    command
}

/// The median of so many runs, each of which has to succeed.
fn time(mut command: Command) -> Result<Duration> {
    command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let start = Instant::now();
        let status = command.status()?;
        times.push(start.elapsed());
        if !status.success() {
            return Err(format!("{command:?} ended with {status}").into());
        }
    }
    times.sort();
    Ok(times[RUNS / 2])
}

/// A file of our own, as p2p makes them.
fn write_file(path: &Path, text: &str) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.create_new(true).write(true).mode(0o600).open(path)?.write_all(text.as_bytes())?;
    Ok(())
}

/// A peers file of so many peers, of which one may be this listener.
fn write_peers(home: &Path, peers: usize, listener: Option<&Listener>) -> Result<()> {
    let now = "2026-01-01T00:00:00.000Z";
    let mut text = String::new();
    for number in 1..=peers.max(2) {
        let [_, high, middle, low] = u32::try_from(number)?.to_be_bytes();
        let (addr, key) = match listener {
            Some(listener) if number == peers.max(2) => {
                (listener.address.to_string(), format!(",\"key\":\"{}\"", listener.key))
            }
            // whose messages are sent to the listener
            _ if number == 1 => ("127.0.0.1:6000".to_owned(), String::new()),
            _ => (format!("10.{high}.{middle}.{low}:5000"), String::new()),
        };
        let line = format!(
            "{{\"v\":1,\"addr\":\"{addr}\",\"name\":\"peer{number}\",\"source\":\"static\",\"verified\":true,\
             \"wire\":\"native\"{key},\"first_seen\":\"{now}\",\"last_seen\":\"{now}\"}}"
        );
        match decode(line.as_bytes()) {
            // with its checksum, as p2p writes it
            Line::Record(record) => text += &encode(&record),
            _ => return Err("no record of a peer".into()),
        }
    }
    write_file(&home.join("peers"), &text)
}

/// A line of the history of what arrived, and one of what was sent.
fn samples() -> Result<(String, String)> {
    let listener = Listener::start("")?;
    let sender = Home::new("")?;
    write_peers(sender.path(), 1, Some(&listener))?;
    let to = listener.address.to_string();
    time(p2p(&sender, &["send", "--name", "bench", &to, "the backup is done"]))?;
    let first = |path| -> Result<String> {
        Ok(fs::read_to_string(path)?.lines().next().ok_or("no history")?.to_owned())
    };
    let received = first(listener.home().join("messages.ndjson"))?;
    Ok((received, first(sender.path().join("sent.ndjson"))?))
}

/// Two files of a history with about so many bytes, of lines like this one, which is the first of one.
fn fill(home: &Path, name: &str, sample: &str, older: usize, current: usize) -> Result<()> {
    let (before, after) = sample.split_once("\"seq\":1,").ok_or("no number")?;
    let mut number = 0;
    for (page, bytes) in [(format!("{name}.1.ndjson"), older), (format!("{name}.ndjson"), current)]
    {
        let mut text = String::with_capacity(bytes + sample.len());
        while text.len() < bytes {
            number += 1;
            writeln!(text, "{before}\"seq\":{number},{after}")?;
        }
        if bytes > 0 {
            write_file(&home.join(page), &text)?;
        }
    }
    Ok(())
}
