//! Times a listener under load: one-shot messages, plain and in sessions, each stored, printed and acknowledged.
//!
//! ```text
//! cargo bench --bench receive             # 20,000 messages for each way
//! cargo bench --bench receive -- 5000
//! cargo bench --bench receive -- 5000 sessions    # or full, or half: only these
//! ```
//!
//! In one run: a bare accept loop in this program that answers one line and does none of it; `p2p listen` without a
//! history, with one, and with `durable = true`; both at half of the rate of the bare loop; and a listener to which each
//! message comes in a session of its own. At full load each sender sends when its last message is acknowledged. At
//! half of it the time for each message is fixed beforehand, and what a message takes is counted from then on, so that a
//! listener that stops for a while cannot hide it. Quote the ratio, not the rate. It ends with an error if a message that was acknowledged is not in the
//! history or not on the output exactly once.

#![expect(clippy::print_stdout, reason = "a benchmark is a program that prints its figures")]

mod load;

use std::net::SocketAddr;

use load::listener::Listener;
use load::session::{self, Caller};
use load::{Figures, Pace, Result, bare_loop, load, micros, plain_message, send_plain, text};

/// Connections at a time.
const SENDERS: usize = 32;

/// The same at half load: enough that none waits for a free sender while nothing stops.
const PACED_SENDERS: usize = 64;

/// Bytes of a text.
const SIZE: usize = 20;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let messages = arguments.first().map_or(Ok(20_000), |n| n.parse())?;
    let is_wanted = |part: &str| arguments.get(1).is_none_or(|wanted| wanted == part);
    println!("{messages} messages, {SENDERS} connections at a time");
    let bare_address = bare_loop()?;
    let bare = load(SENDERS, messages, Pace::Full, plain(bare_address))?;
    report("bare accept loop", &bare, &bare);
    if is_wanted("full") {
        at_full_load(messages, &bare)?;
    }
    if is_wanted("half") {
        at_half_load(messages, &bare, bare_address)?;
    }
    if is_wanted("sessions") {
        in_sessions(messages, &bare)?;
    }
    Ok(())
}

fn plain(to: SocketAddr) -> impl Fn(usize) -> Result<()> {
    move |number| send_plain(to, &plain_message(&text(number, SIZE)))
}

fn at_full_load(messages: usize, bare: &Figures) -> Result<()> {
    for (what, config) in [
        ("p2p, history = 0", "[listen]\nhistory = 0\n"),
        ("p2p", ""),
        ("p2p, durable = true", "[listen]\ndurable = true\n"),
    ] {
        let listener = Listener::start(config)?;
        let work = || load(SENDERS, messages, Pace::Full, plain(listener.address));
        let (figures, cost) = listener.cost(messages, work)?;
        report(what, &figures, bare);
        println!("{:22} {} µs of a processor for a message", "", micros(cost));
        listener.check(messages, !config.contains("history = 0"))?;
    }
    Ok(())
}

fn at_half_load(messages: usize, bare: &Figures, bare_address: SocketAddr) -> Result<()> {
    let half = bare.rate / 2.0;
    println!("\n{half:.0} messages a second, half of the bare loop's rate, from when each was due");
    let figures = load(PACED_SENDERS, messages, Pace::Rate(half), plain(bare_address))?;
    report("bare accept loop", &figures, bare);
    for (what, config) in [("p2p", ""), ("p2p, durable = true", "[listen]\ndurable = true\n")] {
        let listener = Listener::start(config)?;
        let rate = Pace::Rate(half);
        report(what, &load(PACED_SENDERS, messages, rate, plain(listener.address))?, bare);
        listener.check(messages, true)?;
    }
    Ok(())
}

/// Each message in a session of its own: connect, handshake, one message, its acknowledgement.
fn in_sessions(messages: usize, bare: &Figures) -> Result<()> {
    println!("\na session for each message, {SENDERS} at a time");
    let listener = Listener::start("")?;
    let caller = Caller::new(&listener)?;
    let work = || session::load(&caller, SENDERS, 0..messages, (1, SIZE), Pace::Full);
    let (figures, cost) = listener.cost(messages, work)?;
    report("p2p", &figures, bare);
    println!("{:22} {} µs of a processor for a message", "", micros(cost));
    println!("{:22} {} µs are those of the callers", "", micros(figures.senders));
    let paced = Pace::Rate(bare.rate * 0.35 / 2.0);
    let more = messages..messages * 2;
    let figures = session::load(&caller, PACED_SENDERS, more, (1, SIZE), paced)?;
    report("p2p, half of the aim", &figures, bare);
    listener.check(messages * 2, true)?;
    let (caller, listener) = session::handshake(2000)?;
    let (caller, listener) = (micros(caller), micros(listener));
    println!("{:22} {listener} µs of the listener, {caller} µs of the caller", "a bare handshake");
    Ok(())
}

fn report(what: &str, figures: &Figures, bare: &Figures) {
    let (rate, ratio) = (figures.rate, figures.rate / bare.rate);
    println!("{what:22} {rate:8.0} /s  ratio {ratio:.2}  {}", figures.spread());
}
