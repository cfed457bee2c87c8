//! The signals that end what takes long: the first one in order, the second one at once.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_default};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};

use crate::exit::Exit;

/// The signals that end us: the terminal's interrupt, a polite end, and the terminal's own end.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Option<Signal>,
}

/// A signal that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caught {
    /// Its name.
    pub name: &'static str,
    /// The exit status of a process that it ends.
    pub exit: Exit,
}

/// The first signal, for any number of those who wait for it.
#[derive(Clone, Debug)]
pub struct First(watch::Receiver<Option<Caught>>);

impl First {
    /// Waits for it.
    pub async fn caught(mut self) -> Caught {
        let caught = self.0.wait_for(Option::is_some).await.ok().and_then(|caught| *caught);
        match caught {
            Some(caught) => caught,
            None => pending().await,
        }
    }
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

    /// Tells the first signal, and the exit status that the second one stands for.
    pub fn watch(mut self) -> (First, oneshot::Receiver<Exit>) {
        let (first, is_first) = watch::channel(None);
        let (second, is_second) = oneshot::channel();
        tokio::spawn(async move {
            first.send_replace(Some(self.next().await));
            // whoever waits for it may be gone
            let _ = second.send(self.next().await.exit);
        });
        (First(is_first), is_second)
    }

    async fn next(&mut self) -> Caught {
        let Self { interrupt, terminate, hang_up } = self;
        let hung_up = async {
            match hang_up {
                Some(signal) => signal.recv().await,
                None => pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => Caught { name: "SIGINT", exit: Exit::Interrupted },
            _ = terminate.recv() => Caught { name: "SIGTERM", exit: Exit::Terminated },
            _ = hung_up => Caught { name: "SIGHUP", exit: Exit::HungUp },
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
