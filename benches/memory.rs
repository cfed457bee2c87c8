//! Measures what a listener keeps in memory: idle, with many open connections, and after a million messages.
//!
//! ```text
//! cargo bench --bench memory              # 1,000,000 messages of each kind
//! cargo bench --bench memory -- 100000
//! cargo bench --bench memory -- 100000 open       # or idle, plain, sessions: only this
//! ```
//!
//! Resident is what `ps` shows (VmRSS). It has the pages of the program and its libraries in it, which are those of
//! files: the system takes them back when it needs room, and all processes of one program have them together. Anonymous is what the listener
//! itself has asked for.

#![expect(clippy::print_stdout, reason = "a benchmark is a program that prints its figures")]

mod load;

use std::io::Write as _;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use load::listener::Listener;
use load::session::{self, Caller};
use load::{Pace, Result, load, plain_message, send_plain, text};
use p2p::session::outgoing::Session;

/// Connections that are open at once: as many as a listener takes.
const OPEN: usize = 256;

/// Connections at a time that bring a message each.
const SENDERS: usize = 32;

/// Messages in one session: some say one thing, some talk all day.
const IN_SESSION: usize = 10;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let messages = arguments.first().map_or(Ok(1_000_000), |n| n.parse())?;
    let is_wanted = |part: &str| arguments.get(1).is_none_or(|wanted| wanted == part);
    println!("| | resident KiB | anonymous | share | peak |\n|---|---|---|---|---|");
    if is_wanted("idle") {
        idle()?;
    }
    if is_wanted("open") {
        with_plain_connections()?;
        with_sessions()?;
    }
    if is_wanted("plain") {
        after_plain_messages(messages)?;
    }
    if is_wanted("sessions") {
        after_sessions(messages)?;
    }
    Ok(())
}

fn report(what: &str, listener: &Listener) -> Result<()> {
    let memory = listener.process().memory()?;
    let load::process::Memory { resident, anonymous, share, peak } = memory;
    println!("| {what} | {resident} | {anonymous} | {share} | {peak} |");
    Ok(())
}

fn idle() -> Result<()> {
    let listener = Listener::start("")?;
    report("just started", &listener)?;
    send_plain(listener.address, &plain_message("Hi"))?;
    report("after one plain message", &listener)?;
    session::load(&Caller::new(&listener)?, 1, 0..1, (1, 20), Pace::Full)?;
    report("after a first session", &listener)
}

/// Waits until the listener has so many connections, and has had the time to read what they brought.
fn wait_for(listener: &Listener, connections: usize) -> Result<()> {
    const PATIENCE: Duration = Duration::from_secs(5);
    const SETTLED: Duration = Duration::from_millis(100);
    let start = Instant::now();
    while listener.process().files()? < connections {
        if start.elapsed() > PATIENCE {
            return Err("the listener does not take the connections".into());
        }
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(SETTLED);
    Ok(())
}

fn with_plain_connections() -> Result<()> {
    for (what, bytes) in [
        ("that say nothing", 0),
        ("with a message of 500 bytes that goes on", 500),
        ("with one of 60,000 bytes that goes on", 60_000),
    ] {
        let listener = Listener::start("")?;
        let before = listener.process().files()?;
        let message = plain_message(&text(0, bytes));
        let open = (0..OPEN).map(|_| -> Result<TcpStream> {
            let mut stream = TcpStream::connect(listener.address)?;
            stream.write_all(&message[..bytes])?;
            Ok(stream)
        });
        let _open: Vec<_> = open.collect::<Result<_>>()?;
        wait_for(&listener, before + OPEN)?;
        report(&format!("{OPEN} plain connections {what}"), &listener)?;
    }
    Ok(())
}

fn with_sessions() -> Result<()> {
    for (what, size) in [
        ("that say nothing", None),
        ("that have sent a short message", Some(20)),
        ("that have sent 64 KiB", Some(64 * 1024)),
    ] {
        let listener = Listener::start("")?;
        let caller = Caller::new(&listener)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let _open: Vec<Session> = runtime.block_on(async {
            let mut open = Vec::new();
            for number in 0..OPEN {
                open.push(match size {
                    None => caller.begin(&[]).await?,
                    Some(size) => caller.begin_with(text(number, size)).await?,
                });
            }
            Result::Ok(open)
        })?;
        wait_for(&listener, OPEN)?;
        report(&format!("{OPEN} sessions {what}"), &listener)?;
    }
    Ok(())
}

/// After a tenth, a quarter, a half and all of them.
fn parts(messages: usize) -> [usize; 4] {
    [messages / 10, messages / 4, messages / 2, messages]
}

fn after_plain_messages(messages: usize) -> Result<()> {
    let listener = Listener::start("")?;
    let mut done = 0;
    for part in parts(messages) {
        load(SENDERS, part - done, Pace::Full, |number| {
            send_plain(listener.address, &plain_message(&text(done + number, 20)))
        })?;
        done = part;
        report(&format!("after {done} plain messages"), &listener)?;
    }
    listener.check(messages, false)
}

fn after_sessions(messages: usize) -> Result<()> {
    let listener = Listener::start("")?;
    let caller = Caller::new(&listener)?;
    let mut done = 0;
    for part in parts(messages) {
        session::load(&caller, SENDERS, done..part, (IN_SESSION, 20), Pace::Full)?;
        done = part;
        report(&format!("after {done} messages in sessions of {IN_SESSION}"), &listener)?;
    }
    listener.check(messages, false)
}
