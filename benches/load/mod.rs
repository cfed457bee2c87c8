//! What the benchmarks of the listener have in common: a bare accept loop, senders, and figures.

#![allow(dead_code, unreachable_pub, reason = "each benchmark takes what it needs")]

pub mod listener;
pub mod process;
pub mod session;

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use self::process::Process;

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What a sender can say of a failure to another thread.
pub type Said<T> = std::result::Result<T, String>;

/// What one load came to.
pub struct Figures {
    /// Messages a second.
    pub rate: f64,
    /// How long each took, from the moment when it should have been sent, the shortest first.
    pub times: Vec<Duration>,
    /// Processor time of the senders for one message.
    pub senders: Duration,
}

impl Figures {
    /// Sorts out what senders have measured.
    pub fn new(mut times: Vec<Duration>, took: Duration, senders: Duration) -> Self {
        let count = u32::try_from(times.len()).unwrap_or(u32::MAX).max(1);
        times.sort();
        Self { rate: f64::from(count) / took.as_secs_f64(), times, senders: senders / count }
    }

    /// So many of a hundred took no longer.
    pub fn percentile(&self, percent: usize) -> Duration {
        self.times[(self.times.len() * percent / 100).min(self.times.len() - 1)]
    }

    /// The median, 99 % and the longest.
    pub fn spread(&self) -> String {
        let [median, most, all] = [50, 99, 100].map(|percent| millis(self.percentile(percent)));
        format!("median {median} ms  p99 {most} ms  max {all} ms")
    }
}

/// Milliseconds with as many digits as are worth a word.
pub fn millis(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1e3)
}

/// Microseconds.
pub fn micros(time: Duration) -> String {
    format!("{:.0}", time.as_secs_f64() * 1e6)
}

/// A plain message with this text.
pub fn plain_message(text: &str) -> Vec<u8> {
    format!("127.0.0.1:6000 bench {text}").into_bytes()
}

/// The text of a message, so long at least as its number is, and in all another for each number.
pub fn text(number: usize, size: usize) -> String {
    let number = format!("message {number} ");
    let fill = size.saturating_sub(number.len());
    number + &"x".repeat(fill)
}

/// Sends one plain message on a connection of its own; it has to be acknowledged.
pub fn send_plain(to: SocketAddr, message: &[u8]) -> Result<()> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(message)?;
    stream.shutdown(Shutdown::Write)?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply)?;
    if reply.starts_with(b"P2P/1 OK ") { Ok(()) } else { Err("not acknowledged".into()) }
}

/// How fast the senders are to be.
#[derive(Clone, Copy)]
pub enum Pace {
    /// As fast as they can: each sends when its last message is acknowledged.
    Full,
    /// So many a second in all, whatever becomes of those before. A message that had to wait for its sender is as late as
    /// that makes it.
    Rate(f64),
}

/// Has so many senders send so many messages with `send`, which gets their numbers.
pub fn load(
    senders: usize,
    messages: usize,
    pace: Pace,
    send: impl Fn(usize) -> Result<()> + Sync,
) -> Result<Figures> {
    let next = AtomicUsize::new(0);
    let (start, processor) = (Instant::now(), Process::own().processor()?);
    let sender = || -> Said<Vec<Duration>> {
        let mut times = Vec::with_capacity(messages / senders + 1);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= messages {
                return Ok(times);
            }
            let due = match pace {
                Pace::Full => Instant::now(),
                Pace::Rate(rate) => {
                    let due = start + Duration::from_secs_f64(number as f64 / rate);
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    due
                }
            };
            send(number).map_err(|error| format!("message {number}: {error}"))?;
            times.push(due.elapsed());
        }
    };
    let times = thread::scope(|scope| {
        let senders: Vec<_> = (0..senders).map(|_| scope.spawn(sender)).collect();
        let mut all = Vec::with_capacity(messages);
        for sender in senders {
            all.extend(sender.join().map_err(|_| "a sender has panicked".to_owned())??);
        }
        Said::Ok(all)
    })?;
    Ok(Figures::new(times, start.elapsed(), Process::own().processor()? - processor))
}

/// Two threads that accept, read to the end, answer, and close.
pub fn bare_loop() -> Result<SocketAddr> {
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
