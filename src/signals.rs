//! The signals that end a listener: the first one in order, the second one at once.

use std::future::pending;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::exit::Exit;

/// The signals that end us: the terminal's interrupt, a polite end, and the terminal's own end.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Option<Signal>,
}

impl Signals {
    /// From here on these signals do not end the process by themselves.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            // who has started us with nohup wants us to outlive the terminal
            hang_up: if ignores_hang_up() { None } else { Some(signal(SignalKind::hangup())?) },
        })
    }

    /// Tells the name of the first signal, and the exit status that the second one stands for.
    pub fn watch(mut self) -> (oneshot::Receiver<&'static str>, oneshot::Receiver<Exit>) {
        let (first, is_first) = oneshot::channel();
        let (second, is_second) = oneshot::channel();
        tokio::spawn(async move {
            // who has stopped for another reason does not wait for signals
            let _ = first.send(self.next().await.0);
            let _ = second.send(self.next().await.1);
        });
        (is_first, is_second)
    }

    async fn next(&mut self) -> (&'static str, Exit) {
        let Self { interrupt, terminate, hang_up } = self;
        let hung_up = async {
            match hang_up {
                Some(signal) => signal.recv().await,
                None => pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => ("SIGINT", Exit::Interrupted),
            _ = terminate.recv() => ("SIGTERM", Exit::Terminated),
            _ = hung_up => ("SIGHUP", Exit::HungUp),
        }
    }
}

/// Whether SIGHUP was ignored when we started (Linux: the lowest bit of `SigIgn`).
fn ignores_hang_up() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return true };
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask & 1 == 1)
}
