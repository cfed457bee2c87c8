//! The signals that end us: from the first one on we are told, from the second one on the system ends us.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_default};
use tokio::signal::unix::{Signal as Arriving, SignalKind, signal};

use crate::system::Signal;

/// The signals that end us, as they arrive.
#[derive(Debug)]
pub struct Signals {
    interrupt: Arriving,
    terminate: Arriving,
    hang_up: Option<Arriving>,
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

    /// The next of them.
    pub async fn next(&mut self) -> Signal {
        let Self { interrupt, terminate, hang_up } = self;
        let hung_up = async {
            match hang_up {
                Some(signal) => signal.recv().await,
                None => pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => Signal::Interrupt,
            _ = terminate.recv() => Signal::Terminate,
            _ = hung_up => Signal::HangUp,
        }
    }
}

/// From the second signal on, each ends the process by itself, whatever it is doing: the first one may not be heard by
/// somebody who is stuck in a write.
pub fn second_ends_all() -> io::Result<()> {
    let is_second = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // in this order: the first signal arms the flag that the second finds armed
        register_conditional_default(signal, Arc::clone(&is_second))?;
        register(signal, Arc::clone(&is_second))?;
    }
    Ok(())
}

/// Whether SIGHUP was ignored when we started (Linux: the lowest bit of `SigIgn`). Where it cannot be known we leave it to
/// the system: it ends the process, unless it is ignored.
fn ignores_hang_up() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return true };
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask & 1 == 1)
}
