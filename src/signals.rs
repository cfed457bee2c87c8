//! The signals that end what takes long: the first one in order, the second one at once.

use std::future::pending;
use std::io;

use tokio::sync::{oneshot, watch};

use crate::exit::Exit;
use crate::system::Signal;
use crate::system::signals;

/// The signals that end us: the terminal's interrupt, a polite end, and the terminal's own end.
#[derive(Debug)]
pub struct Signals(signals::Signals);

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
        signals::Signals::new().map(Self)
    }

    /// From the second signal on, each ends the process by itself, whatever it is doing: the first one may not be heard by
    /// somebody who is stuck in a write.
    pub fn second_ends_all() -> io::Result<()> {
        signals::second_ends_all()
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
        match self.0.next().await {
            Signal::Interrupt => Caught { name: "SIGINT", exit: Exit::Interrupted },
            Signal::Terminate => Caught { name: "SIGTERM", exit: Exit::Terminated },
            Signal::HangUp => Caught { name: "SIGHUP", exit: Exit::HungUp },
        }
    }
}
