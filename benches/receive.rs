//! Times a listener under load: one-shot messages over 32 connections at a time, each stored, printed and acknowledged.
//!
//! ```text
//! cargo bench --bench receive             # 20,000 messages for each way
//! cargo bench --bench receive -- 5000
//! ```
//!
//! In one run: a bare accept loop in this program that answers one line and does none of it; `p2p listen` without a
//! history, with one, and with `durable = true`. Quote the ratio, not the rate. It ends with an error if a message that
//! was acknowledged is not in the history or not on the output exactly once.

#![expect(clippy::print_stdout, reason = "a benchmark is a program that prints its figures")]

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const P2P: &str = env!("CARGO_BIN_EXE_p2p");

/// Connections at a time.
const SENDERS: usize = 32;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let messages = arguments.first().map_or(Ok(20_000), |n| n.parse())?;
    println!("{messages} messages, {SENDERS} connections at a time");
    let bare = load(bare_loop()?, messages)?;
    report("bare accept loop", &bare, &bare);
    for (what, config) in [
        ("p2p, history = 0", "[listen]\nhistory = 0\n"),
        ("p2p", ""),
        ("p2p, durable = true", "[listen]\ndurable = true\n"),
    ] {
        let listener = Listener::start(config)?;
        let figures = load(listener.address, messages)?;
        report(what, &figures, &bare);
        listener.check(messages, !config.contains("history = 0"))?;
    }
    Ok(())
}

/// What one load came to.
struct Figures {
    rate: f64,
    median: Duration,
    p99: Duration,
}

fn report(what: &str, figures: &Figures, bare: &Figures) {
    let Figures { rate, median, p99 } = figures;
    let ratio = rate / bare.rate;
    println!("{what:22} {rate:8.0} /s  ratio {ratio:.2}  median {median:?}  p99 {p99:?}");
}

/// Sends the messages, each on a connection of its own; every one has to be acknowledged.
fn load(to: SocketAddr, messages: usize) -> Result<Figures> {
    let next = AtomicUsize::new(0);
    let start = Instant::now();
    let mut times = thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|_| {
                scope.spawn(|| {
                    let mut times = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= messages {
                            return Ok(times);
                        }
                        let start = Instant::now();
                        send(to, number).map_err(|error| format!("message {number}: {error}"))?;
                        times.push(start.elapsed());
                    }
                })
            })
            .collect();
        let mut all = Vec::with_capacity(messages);
        for sender in senders {
            let times: std::result::Result<Vec<Duration>, String> =
                sender.join().map_err(|_| "a sender has panicked".to_owned())?;
            all.extend(times?);
        }
        Ok::<_, String>(all)
    })?;
    let rate = messages as f64 / start.elapsed().as_secs_f64();
    times.sort();
    Ok(Figures { rate, median: times[messages / 2], p99: times[messages * 99 / 100] })
}

fn send(to: SocketAddr, number: usize) -> Result<()> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(format!("127.0.0.1:6000 bench message {number}").as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply)?;
    if reply.starts_with(b"P2P/1 OK ") { Ok(()) } else { Err("not acknowledged".into()) }
}

/// Two threads that accept, read to the end, answer, and close.
fn bare_loop() -> Result<SocketAddr> {
    let socket = TcpListener::bind("127.0.0.1:0")?;
    let address = socket.local_addr()?;
    for _ in 0..2 {
        let socket = socket.try_clone()?;
        thread::spawn(move || {
            for mut stream in socket.incoming().flatten() {
                let mut message = Vec::new();
                // a sender that fails is told by its own end
                let _ = stream.read_to_end(&mut message);
                let _ = stream.write_all(b"P2P/1 OK 0 00000000\n");
            }
        });
    }
    Ok(address)
}

struct Listener {
    child: Child,
    address: SocketAddr,
    home: std::path::PathBuf,
    shown: thread::JoinHandle<Vec<String>>,
}

impl Listener {
    fn start(config: &str) -> Result<Self> {
        let home = std::env::temp_dir().join(format!("p2p-bench-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&home);
        std::fs::create_dir_all(&home)?;
        std::fs::write(home.join("config.toml"), config)?;
        let mut command = Command::new(P2P);
        command.args(["listen", "-p", "0", "-b", "127.0.0.1", "--name", "bench", "--home"]);
        let mut child = command.arg(&home).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else { return Err("no pipes".into()) };
        let mut ready = String::new();
        BufReader::new(stderr).read_line(&mut ready)?;
        let address = ready.split(' ').nth(2).ok_or("it is not ready")?.parse()?;
        let shown = thread::spawn(|| {
            BufReader::new(stdout).lines().map_while(std::result::Result::ok).collect()
        });
        Ok(Self { child, address, home, shown })
    }

    /// Stops it; every message has to be on the output, and in the history if there is one, exactly once.
    fn check(mut self, messages: usize, has_history: bool) -> Result<()> {
        let stopped = Command::new("kill").arg(self.child.id().to_string()).status()?;
        self.child.wait()?;
        let shown = self.shown.join().map_err(|_| "the output cannot be read")?;
        let count = |texts: &mut dyn Iterator<Item = String>| {
            let mut counts: HashMap<String, usize> = HashMap::new();
            texts.for_each(|text| *counts.entry(text).or_default() += 1);
            counts.len() == messages && counts.values().all(|&count| count == 1)
        };
        let mut kept = Vec::new();
        for page in ["messages.1.ndjson", "messages.ndjson"] {
            let text = std::fs::read_to_string(self.home.join(page)).unwrap_or_default();
            for line in text.lines() {
                let object: serde_json::Value = serde_json::from_str(line)?;
                kept.push(object["body"].to_string());
            }
        }
        std::fs::remove_dir_all(&self.home)?;
        if !stopped.success() || !count(&mut shown.into_iter()) {
            return Err("a message is not on the output exactly once".into());
        }
        if has_history && !count(&mut kept.into_iter()) {
            return Err("a message is not in the history exactly once".into());
        }
        Ok(())
    }
}
